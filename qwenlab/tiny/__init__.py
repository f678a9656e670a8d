"""The tiny default: a real Qwen2 of a few megabytes and a mini contest, for whoever has no GPU.

The base model was pretrained here from nothing. It reads a contest problem and answers with a function that looks
right, where a program that reads standard input was asked for, and so it fails nearly every hidden test. One or two
minutes of LoRA on a CPU teach it the form. What it gains is the form of the answer, not new knowledge: asked plainly
for a program, the base writes one too. The jobs, the files, the judge and the statistics are those of a large model.

`problems` gives the contest, `training_rows` the data to learn it from, `MODEL_DIR` the base model's folder, which
`python -m qwenlab.tiny.pretrain` makes.
"""

from pathlib import Path

from qwenlab.tiny.problems import problems, training_rows

MODEL_DIR = Path(__file__).parent / "model"

__all__ = ["MODEL_DIR", "problems", "training_rows"]
