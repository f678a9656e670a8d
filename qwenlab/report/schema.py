"""report.json: all that an evaluation found, typed and versioned. The pages, the browser and other programs read this.

Two reports of the same answers are equal but for `without_times`' fields: what a clock or a calendar said.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from qwenlab.evaluation.programs.extract import Rule
from qwenlab.evaluation.programs.results import FailingTest, SelfCheck
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.files import read_json
from qwenlab.report.criteria import Criterion
from qwenlab.stats.types import (
    Comparison,
    DetectableGain,
    Figures,
    NoiseFloor,
    NotMeasured,
    ScoreComparison,
    Stratum,
    Transitions,
)

Metric = Literal["generation", "syntax", "pass"]

METRICS: dict[Metric, str] = {
    "generation": "a program was found",
    "syntax": "and it parses",
    "pass": "and it passes every test",
}
"""Each asks for what those before it ask for, and more."""

Outcome = Literal["gained", "lost", "both", "neither", "not judged"]

NO_PROGRAM, NOT_RUN = "no program", "not run"
"""What stands for a verdict where there is none."""


class Attempt(Figures):
    """One answer to a problem, and what became of it."""

    answer: str
    """Without the reasoning."""
    reasoning: str = ""
    code: str
    """Empty: no program was found."""
    rule: Rule
    truncated: bool
    """Generation ran out of tokens."""
    cut_thinking: bool = False
    """It did so before the reasoning ended."""
    parses: bool
    tokens: int
    verdict: Verdict | None = None
    """None: nothing was run."""
    strict: Verdict | None = None
    deepmind: Verdict | None = None
    tests: int = 0
    tests_run: int = 0
    failing_test: FailingTest | None = None
    cause: str | None
    """Why it failed, in two or three words; None: it passed, or nothing was run."""

    @property
    def shown(self) -> str:
        """The verdict, or what stands for it."""
        return str(self.verdict) if self.verdict else (NOT_RUN if self.code else NO_PROGRAM)


class ProblemRow(Figures):
    """One problem: what both sides made of it."""

    name: str
    difficulty: str
    contest: str | None
    description: str
    outcome: Outcome
    """Of the first answers; with several answers a problem, of whether any passed."""
    base: tuple[Attempt, ...]
    tuned: tuple[Attempt, ...]


class ProblemSet(Figures):
    """What was asked."""

    source: str
    version: str
    """The file's SHA-256, or the hub's commit."""
    available: int
    left_out: dict[str, tuple[str, ...]]
    tests_cut: int
    """Tests that the cap on a problem's tests left away."""
    contamination: str


class Cause(Figures):
    """How many failures a cause explains, by side."""

    verdict: str
    cause: str
    base: int
    tuned: int


class Advice(Figures):
    """What to try, and the evidence that it rests on."""

    about: Literal["memory", "slow convergence", "overfitting", "poor generation"]
    text: str
    evidence: str


class Cost(Figures):
    """What one side's answers took."""

    tokens: int
    seconds: float


class Point(NamedTuple):
    """A point of the loss curve."""

    step: int
    loss: float


class Curve(Figures):
    """The training's loss curves, for the picture."""

    train: tuple[Point, ...] = ()
    validation: tuple[Point, ...] = ()
    best_step: int | None = None


class Report(Figures):
    """The content of report.json."""

    version: Literal[1] = 1
    sentence: str
    """The answer."""
    n: int
    """Problems."""
    samples: int
    """Answers a problem and side."""
    run: str
    created: datetime
    command: list[str]
    stamps: dict[str, dict[str, Any]]
    """By side: the weights and the adapter that answered."""
    problem_set: ProblemSet
    settings: dict[str, Any]
    """The recipe's [evaluate]."""
    thinking: bool | None = None
    """Whether base and tuned were asked to think first; None: their template has no such mode."""
    all_tests: bool
    metrics: dict[Metric, Comparison | NotMeasured]
    """By a problem's first answer."""
    pass_at_k: dict[int, ScoreComparison]
    """By k, where there is more than one answer a problem."""
    comparisons: dict[str, Comparison]
    """`pass` by the other rules of comparing outputs: strict, deepmind."""
    criteria: tuple[Criterion, ...]
    self_check: SelfCheck | NotMeasured
    detectable: DetectableGain
    strata: dict[Metric, tuple[Stratum, ...]]
    transitions: Transitions
    noise_floor: NoiseFloor | None
    """Of `pass` where programs were run, else of `generation`; None: the base did not answer twice."""
    causes: tuple[Cause, ...]
    advice: tuple[Advice, ...]
    curve: Curve
    problems: tuple[ProblemRow, ...]
    cost: dict[str, Cost]
    judging_seconds: float

    def without_times(self) -> dict[str, Any]:
        """Everything that two evaluations of the same answers have in common, as plain data."""
        content = self.model_dump(mode="json")
        for name in ("created", "command", "judging_seconds"):
            del content[name]
        for cost in content["cost"].values():
            del cost["seconds"]
        content["self_check"].pop("seconds", None)
        for row in content["problems"]:
            for attempt in (*row["base"], *row["tuned"]):
                if attempt["failing_test"]:
                    del attempt["failing_test"]["seconds"]
        return content


def read_report(file: Path) -> Report:
    """A report.json, perhaps of a later version: what it has that is unknown here is passed over.

    Raises:
        UserError: it cannot be read.
    """
    return read_json(file, Report)
