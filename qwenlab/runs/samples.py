"""sample_prompts.json and samples.jsonl: held-out prompts, and what the model answered them along the training."""

import time
from pathlib import Path

from pydantic import Field

from qwenlab.files import Record, append_lines, drop_torn_line, read_lines, rewrite_lines


class Turn(Record):
    """A turn that comes before the answer."""

    role: str
    content: str
    reasoning_content: str = ""


class SamplePrompt(Record):
    """A held-out conversation up to its last answer, and that answer as the data has it."""

    file: str
    row: int
    """From 1, in the file."""
    messages: list[Turn]
    answer: str
    reasoning: str = ""
    """Before the answer, where the run thinks."""

    @property
    def question(self) -> str:
        """What the user said last."""
        return next((turn.content for turn in reversed(self.messages) if turn.role == "user"), "")


class SamplePrompts(Record):
    """The content of sample_prompts.json, written once: a resumed run asks the same."""

    prompts: list[SamplePrompt]
    thinking: bool | None
    """Whether the model is asked to think first; None: its template has no such mode."""
    max_new_tokens: int
    """Of an answer, its reasoning counted."""


class SampleAnswer(Record):
    """What the model answered, by its likeliest tokens."""

    text: str
    reasoning: str = ""
    tokens: int
    cut: bool = False
    """It had not come to its end at `max_new_tokens`."""


class Sample(Record):
    """A line of samples.jsonl: the answers to all prompts, in their order, after so many steps."""

    step: int
    """Steps of the optimiser; 0: before the first."""
    time: float = Field(default_factory=lambda: round(time.time(), 3))
    """Seconds since 1970."""
    seconds: float
    """That the answers took."""
    answers: list[SampleAnswer]


def read_samples(path: Path) -> list[Sample]:
    """The lines in order; a torn last one is left out.

    Raises:
        UserError: a whole line is no sample.
    """
    return read_lines(path, Sample)


def append_sample(path: Path, sample: Sample) -> None:
    """Raises:
    UserError: the disk refuses.
    """
    drop_torn_line(path)
    append_lines(path, [sample])


def drop_samples_after(path: Path, step: int) -> None:
    """Forget what a training that goes on from this step had sampled beyond it: it will sample that again.

    Raises:
        UserError: a whole line is no sample, or the disk refuses.
    """
    known = read_samples(path)
    kept = [sample for sample in known if sample.step <= step]
    if len(kept) < len(known):
        rewrite_lines(path, kept)
