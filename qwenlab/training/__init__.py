"""Training: the engine, the weights, the plan and the trainer. Needs torch.

Come in by `choose_engine`: it sets the environment, decides between Unsloth and plain TRL + PEFT, and imports Unsloth
before the libraries that it patches. After it, `qwenlab.training.load`, `.training`, `.plan` and `.generate` may be
imported.
"""

from qwenlab.training.engine import Engine, choose_engine

__all__ = ["Engine", "choose_engine"]
