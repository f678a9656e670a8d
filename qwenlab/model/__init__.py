"""The model room: the only folder that imports torch, transformers, trl, peft and unsloth.

Come in by `choose_engine`: it sets the environment, decides between Unsloth and plain TRL + PEFT, and imports Unsloth
before the libraries that it patches. After it, `qwenlab.model.load`, `.training`, `.plan` and `.generate` may be
imported.
"""

from qwenlab.model.engine import Engine, choose_engine

__all__ = ["Engine", "choose_engine"]
