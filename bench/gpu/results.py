"""results.jsonl: a line for each step, written the moment it ends. Sizes are GB (10^9 bytes), times seconds."""

import math
import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qwenlab.errors import UserError
from qwenlab.runs.record import Hardware

SHOWN = 300
"""Characters of an error in a sentence; results.jsonl has more, and logs/ all of it."""


class _Part(BaseModel):
    # Gradients of float16's first steps may be infinite, and JSON has no number for that.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Environment(_Part):
    """The machine, its card and its software, and the command that was given."""

    kind: Literal["environment"] = "environment"
    time: datetime
    command: str
    dry: bool
    hardware: Hardware
    capability: str
    """The card's compute capability; empty without one."""
    driver: str
    versions: dict[str, str]
    missing: list[str]
    """What a GPU is used with and is not installed: packages, and what Triton needs to compile."""

    @property
    def free_gb(self) -> float:
        """Of the card's memory before the first step; all of it where the driver does not say."""
        free, card = self.hardware.gpu_free_gb, self.hardware.gpu_memory_gb
        return (card or 0.0) if free is None else free

    @property
    def sentence(self) -> str:
        card = self.hardware.gpu or "no GPU"
        card += f", {self.free_gb:.1f} of {self.hardware.gpu_memory_gb:.1f} GB free" if self.hardware.gpu else ""
        return f"{card}; not installed: {', '.join(self.missing)}" if self.missing else card


class Weights(_Part):
    """A model of random weights."""

    kind: Literal["weights"] = "weights"
    gb: float

    @property
    def sentence(self) -> str:
        return f"{self.gb:.1f} GB"


class Repeat(_Part):
    """Two trainings that should be equal, and how far they are."""

    kind: Literal["repeat"] = "repeat"
    engine: str
    dtype: str
    deterministic: bool | None
    """Whether torch was held to deterministic algorithms to the end."""
    same_losses: bool
    same_adapter: bool
    largest_difference: float
    """Of two losses of the same step."""
    steps: int
    """Steps that both trainings have."""

    @property
    def sentence(self) -> str:
        losses = "the same losses" if self.same_losses else f"losses apart by up to {self.largest_difference:.2g}"
        return f"{losses}, {'the same' if self.same_adapter else 'another'} adapter"


class Halving(_Part):
    """What a training did when the memory ran out."""

    kind: Literal["halving"] = "halving"
    engine: str
    micro_batches: list[int]
    """The one that it began with, then each that it went on with."""
    cap_gb: float

    @property
    def sentence(self) -> str:
        return f"micro-batch {' to '.join(map(str, self.micro_batches))}"


class Trained(_Part):
    """A training's figures. Memory is None where there is no GPU."""

    kind: Literal["trained"] = "trained"
    engine: str
    dtype: str
    attention: str
    deterministic: bool | None
    cap_gb: float | None
    tokens_per_second: float | None
    """Median of the steps after those that warm up; padding is not counted. None: other steps ran meanwhile."""
    slowest: float | None
    fastest: float | None
    """Tokens a second of the slowest and the fastest of these steps."""
    losses: list[float]
    grad_norms: list[float]
    allocated_gb: float | None
    """Largest sum of tensors at any moment."""
    reserved_gb: float | None
    """Largest memory that PyTorch held of the card's."""
    estimate: dict[str, float]
    """What the plan said before the training, by part; empty without a GPU."""
    notes: list[str]
    """What the run noted, such as a halved micro-batch."""

    @property
    def estimated_gb(self) -> float | None:
        """All parts together."""
        return math.fsum(self.estimate.values()) if self.estimate else None

    @property
    def ratio(self) -> float | None:
        """Measured over estimated: the reserved memory, and the context as estimated, over all parts."""
        if not self.reserved_gb or not self.estimated_gb:
            return None
        return (self.reserved_gb + self.estimate.get("context", 0.0)) / self.estimated_gb

    @property
    def sentence(self) -> str:
        said = [] if self.tokens_per_second is None else [f"{self.tokens_per_second:,.0f} tokens/s"]
        if self.reserved_gb:
            said.append(f"peak {self.allocated_gb:.1f} GB allocated, {self.reserved_gb:.1f} reserved")
        if self.estimated_gb:
            said.append(f"{self.estimated_gb:.1f} estimated")
        return ", ".join([*said, *self.notes])


class Batch(_Part):
    """A batch of answers, timed again: the first call may compile and plan for lengths that it has not seen."""

    way: str
    """Who answers, and what is switched off."""
    rows: int
    prompt: int
    """Tokens of the longest prompt."""
    tokens: int
    """Written by each call."""
    first_s: float
    again_s: list[float]
    """Of the calls after the first."""
    peak_gb: float | None

    @property
    def tokens_per_second(self) -> float:
        """Median of the calls after the first."""
        return self.tokens / statistics.median(self.again_s)

    @property
    def size(self) -> str:
        """What tells batches apart."""
        return f"{self.rows}, prompts to {self.prompt} tokens"


class Answers(_Part):
    """How fast answers are written, by way and batch."""

    kind: Literal["answers"] = "answers"
    batches: list[Batch]

    @property
    def sentence(self) -> str:
        ways: dict[str, list[str]] = {}
        for batch in self.batches:
            ways.setdefault(batch.way, []).append(f"{batch.tokens_per_second:,.0f}")
        return "tokens/s: " + "; ".join(f"{way} {', '.join(figures)}" for way, figures in ways.items())


class Optimiser(_Part):
    """Steps of one optimiser on an adapter."""

    name: str
    parameters: int
    step_ms: float
    """Milliseconds, median."""
    fastest_ms: float
    slowest_ms: float
    state_gb: float | None
    """Of its state on the card, as torch counts it: paged states are not in it."""


class Optimisers(_Part):
    """What a step of each optimiser costs."""

    kind: Literal["optimisers"] = "optimisers"
    timed: list[Optimiser]

    @property
    def sentence(self) -> str:
        return ", ".join(f"{one.name} {one.step_ms:.1f} ms" for one in self.timed)


Figures = Environment | Weights | Repeat | Halving | Trained | Answers | Optimisers


class Result(_Part):
    """How a step ended: with figures, skipped, or failed, then perhaps with the figures that it came to."""

    step: str
    ok: bool | None
    """None: skipped."""
    seconds: float = 0.0
    skipped: str = ""
    """Why, in a sentence."""
    error: str = ""
    figures: Annotated[Figures, Field(discriminator="kind")] | None = None

    @property
    def sentence(self) -> str:
        """One line for the reader."""
        if self.skipped:
            return f"{self.step}: skipped. {self.skipped}"
        if not self.ok:
            return f"{self.step}: FAILED. {' '.join(self.error.split())[-SHOWN:]}"
        said = f"{self.figures.sentence} " if self.figures else ""
        return f"{self.step}: {said}({self.seconds:.0f} s)"

    @property
    def untimed(self) -> "Result":
        """Without the speeds: what a step has taken that ran beside others says nothing."""
        if not isinstance(self.figures, Trained):
            return self
        speeds = dict.fromkeys(("tokens_per_second", "slowest", "fastest"))
        return self.model_copy(update={"figures": self.figures.model_copy(update=speeds)})


def append_result(file: Path, result: Result) -> None:
    """Add a line to the file."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(result.model_dump_json() + "\n")


def read_results(file: Path) -> Sequence[Result]:
    """All whole lines; one that a killed process left unfinished is passed over.

    Raises:
        UserError: there is no such file, or it holds something else.
    """
    try:
        lines = file.read_bytes().split(b"\n")[:-1]
        return [Result.model_validate_json(line) for line in lines]
    except (OSError, ValidationError):
        raise UserError(
            f"{file} is no results file of this bench.", "It is results.jsonl in the folder --out."
        ) from None
