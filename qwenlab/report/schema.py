"""report.json: all that an evaluation found, typed and versioned. The pages, the browser and other programs read this.

Two reports of the same answers are equal but for `without_times`' fields: what a clock or a calendar said.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import model_validator

from qwenlab.evaluation.programs.results import FailingTest, SelfCheck
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.suites import Aim
from qwenlab.files import read_json
from qwenlab.report.criteria import Criterion
from qwenlab.report.first_edition import from_version_1
from qwenlab.runs.drift import Drift
from qwenlab.stats.types import (
    Comparison,
    DetectableGain,
    Figures,
    LossComparison,
    NoiseFloor,
    NonInferiority,
    NotMeasured,
    ScoreComparison,
    Stratum,
    Transitions,
)
from qwenlab.stats.verdicts import Verdict as SuiteVerdict

Metric = Literal["generation", "syntax", "pass", "answered", "right"]

METRICS: dict[Metric, str] = {
    "generation": "a program was found",
    "syntax": "and it parses",
    "pass": "and it passes every test",
    "answered": "an answer was found",
    "right": "and it is right",
}
"""Each asks for what those before it ask for, and more; the first three of programs, the others of other answers."""

Outcome = Literal["gained", "lost", "both", "neither", "not judged"]

Kind = Literal["program", "short_answer", "constrained", "choice", "reference"]
"""What a suite's answers are held against, as `evaluation/item.py` has it."""

NO_PROGRAM, NOT_RUN = "no program", "not run"
"""What stands for a verdict where there is none."""

RIGHT, WRONG, NO_ANSWER = "right", "wrong", "no answer"
"""Of answers that are no programs."""


class Attempt(Figures):
    """One answer to an item, and what became of it."""

    answer: str
    """Without the reasoning. Empty where nothing was generated."""
    reasoning: str = ""
    found: str
    """The program, the value or the letter in it. Empty: none was found."""
    rule: str
    truncated: bool = False
    """Generation ran out of tokens."""
    cut_thinking: bool = False
    """It did so before the reasoning ended."""
    parses: bool = False
    tokens: int = 0
    right: bool | None = None
    """None: it is not known, or nothing is right and wrong."""
    shown: str
    """The verdict, or what stands for it."""
    loss: float | None = None
    """Of the data's own answer, in nats a token."""
    verdict: Verdict | None = None
    """None: nothing was run."""
    strict: Verdict | None = None
    deepmind: Verdict | None = None
    tests: int = 0
    tests_run: int = 0
    failing_test: FailingTest | None = None
    cause: str | None
    """Why it failed, in a few words; None: it did not, or nothing was run."""


class ItemRow(Figures):
    """One item: what both sides made of it."""

    name: str
    group: str
    """Its difficulty, or its kind."""
    cluster: str | None
    """Its contest, or what else ties it to others."""
    question: str
    wanted: str = ""
    """What the answers were held against, where that is short enough to be shown."""
    outcome: Outcome
    """Of the first answers; with several answers an item, of whether any was right. Of losses: which is lower."""
    base: tuple[Attempt, ...]
    tuned: tuple[Attempt, ...]


class ItemSet(Figures):
    """What was asked."""

    source: str
    version: str
    """The file's SHA-256, or the hub's commit."""
    available: int
    """Items that could have been drawn."""
    left_out: dict[str, tuple[str, ...]]
    tests_cut: int = 0
    """Of programs: tests that the cap on a problem's tests left away."""
    licence: str = ""
    contamination: str
    notes: tuple[str, ...] = ()
    """What else has to be known of the items."""


class Cause(Figures):
    """How many failures a cause explains, by side."""

    verdict: str
    cause: str
    base: int
    tuned: int


class Advice(Figures):
    """What to try, and the evidence that it rests on."""

    about: Literal["memory", "slow convergence", "overfitting", "poor generation", "forgetting"]
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


class SuiteReport(Figures):
    """What one suite found."""

    title: str
    """What it measures, as sentences name it."""
    aim: Aim
    kind: Kind | None
    """None: it could not be asked."""
    sentence: str
    """The answer, such as "Maths: improved, 262 to 275 of 300 (p = 0.004)"."""
    verdict: SuiteVerdict
    why: str = ""
    """It was not measured at all."""
    p_adjusted: float | None = None
    """Holm's, over all suites of the evaluation."""
    retention: NonInferiority | None = None
    """What was lost at most; of suites that must not lose."""
    retention_p_adjusted: float | None = None
    """Holm's, over the suites that must not lose."""
    n: int
    """Items."""
    samples: int
    """Answers an item and side."""
    asked: ItemSet
    metrics: dict[Metric, Comparison | NotMeasured] = {}
    """By an item's first answer."""
    pass_at_k: dict[int, ScoreComparison] = {}
    """By k, where there is more than one answer an item."""
    comparisons: dict[str, Comparison] = {}
    """`pass` by the other rules of comparing outputs: strict, deepmind."""
    losses: LossComparison | None = None
    """Of the data's own answers, where none is right or wrong."""
    detectable: DetectableGain | None = None
    """None: of losses, or nothing was asked."""
    strata: dict[Metric, tuple[Stratum, ...]] = {}
    transitions: Transitions | None = None
    noise_floor: NoiseFloor | None = None
    """Of the metric that matters; None: the base did not answer twice."""
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the sentence has to know."""
    rows: tuple[ItemRow, ...] = ()

    @property
    def change(self) -> Comparison | ScoreComparison | LossComparison | NotMeasured:
        """What the sentence is about: losses, pass@1 where there are several answers an item, or what matters most."""
        if self.losses:
            return self.losses
        if self.pass_at_k:
            return self.pass_at_k[1]
        return self.metrics[self.main] if self.metrics else NotMeasured(why=self.why)

    @property
    def main(self) -> Metric:
        """The metric that matters most."""
        return "pass" if self.kind == "program" else "right"


class Trained(Figures):
    """What was trained on what, and what that took."""

    model: str
    """The base, by the last part of its name."""
    data: str
    """The file, the folder or the data set, by the last part of its name."""
    machine: str = ""
    """The card, or the processor where there is none. Empty: it is not known."""
    seconds: float | None = None


class Report(Figures):
    """The content of report.json."""

    version: Literal[2] = 2
    sentence: str
    """The answer, made of the suites' sentences."""
    run: str
    created: datetime
    command: list[str]
    stamps: dict[str, dict[str, Any]]
    """By side: the weights and the adapter that answered."""
    settings: dict[str, Any]
    """The recipe's [evaluate]."""
    thinking: bool | None = None
    """Whether base and tuned were asked to think first; None: their template has no such mode."""
    all_tests: bool
    suites: dict[str, SuiteReport]
    """By name, in the order in which they were asked for."""
    criteria: tuple[Criterion, ...] = ()
    """The training decisions' success criteria, where contest problems were asked."""
    self_check: SelfCheck | NotMeasured | None
    """None: no suite asked for programs."""
    drift: Drift | None = None
    trained: Trained | None = None
    """None: the report is older than the field, or nothing is known of the training."""
    advice: tuple[Advice, ...]
    curve: Curve
    cost: dict[str, Cost]
    judging_seconds: float

    def without_times(self) -> dict[str, Any]:
        """Everything that two evaluations of the same answers have in common, as plain data."""
        content = self.model_dump(mode="json")
        for name in ("created", "command", "judging_seconds"):
            del content[name]
        for cost in content["cost"].values():
            del cost["seconds"]
        for timed in ("self_check", "drift", "trained"):
            if content[timed]:
                content[timed].pop("seconds", None)
        for suite in content["suites"].values():
            for row in suite["rows"]:
                for attempt in (*row["base"], *row["tuned"]):
                    if attempt["failing_test"]:
                        del attempt["failing_test"]["seconds"]
        return content

    @model_validator(mode="before")
    @classmethod
    def _of_the_first_edition(cls, content: Any) -> Any:
        return from_version_1(content) if isinstance(content, dict) and content.get("version") == 1 else content


def read_report(file: Path) -> Report:
    """A report.json, of the first edition too, or of a later version: what is unknown here is passed over.

    Raises:
        UserError: it cannot be read.
    """
    return read_json(file, Report)
