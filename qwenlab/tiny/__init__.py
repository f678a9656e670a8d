"""The tiny default: a real Qwen2 of a few megabytes and a mini contest, for whoever has no GPU.

The base model was pretrained from nothing. It reads a contest problem and answers with a function that looks right,
where a program that reads standard input was asked for, and so it fails nearly every hidden test. One or two minutes of
LoRA on a CPU teach it the form. What it gains is the form of the answer, not new knowledge: asked plainly for a
program, the base writes one too. The jobs, the files, the judge and the statistics are those of a large model.

Nothing but files is here, read as a user's own are. What made them is in the repository's `tools/tiny/`.
"""

from pathlib import Path

MODEL_DIR = Path(__file__).parent / "model"
TRAIN_FILE = Path(__file__).parent / "train.jsonl.zst"
"""Conversations, a line each."""
TRAIN_ROWS = 2_000
FUNCTIONS_FILE = Path(__file__).parent / "functions.jsonl"
"""60 short requests for a function, with assertions: what the base can do before anyone fine-tunes it."""
TEST_FILE = Path(__file__).parent / "test.jsonl"
"""200 problems with hidden tests, a line each: no program and no sentence of them is in the training file."""
