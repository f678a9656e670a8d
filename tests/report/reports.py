"""A small evaluation with one of everything, made by hand, for the tests of what is written about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qwenlab.evaluation.item import Item
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.programs.results import Check, FailingTest, ProgramResult, SelfCheck
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.recipe import EvaluateSettings, Recipe
from qwenlab.report.advice import TrainingFacts
from qwenlab.report.build import build_report
from qwenlab.report.schema import Attempt, ItemRow, ItemSet, Metric, Report, SuiteReport, Trained
from qwenlab.report.suite import Results
from qwenlab.runs.evaluation import EvaluationRecord
from qwenlab.runs.events import Event, Note, Validation
from qwenlab.stats.types import Comparison, NotMeasured
from tests.events import point

CONTEST = "code_contests"

SCRIPT = "<script>alert(1)</script>"

PROGRAM = "```python\nprint(int(input()) + 1)\n```\n"

CHECK = SelfCheck(
    backend="bubblewrap",
    version="0.8.0",
    interpreter="/usr/bin/python3 (3.11.2)",
    user="somebody",
    kernel="6.1",
    machine="x86_64",
    fit=True,
    seconds=2.5,
    checks=(Check(name="network", expected="refused", found="refused", passed=True),),
)


def events(validation: list[tuple[int, float]], train: list[tuple[int, float]] = []) -> list[Event]:  # noqa: B006
    """A run's events, as they are read back."""
    return [
        *(point(step, loss) for step, loss in train),
        *(Validation(step=step, eval_loss=loss) for step, loss in validation),
    ]


def memory_note(step: int, before: int, after: int) -> Note:
    text = f"out of GPU memory: micro-batch {before} to {after}, the effective batch stays"
    return Note(step=step, about="memory", micro_batch=after, text=text)


def failing_test(verdict: Verdict, **values: Any) -> FailingTest:
    return FailingTest(
        **{
            "number": 2,
            "verdict": verdict,
            "input": "41\n",
            "expected": "42\n",
            "got": "40\n",
            "error": "",
            "exit_status": 0,
            "seconds": 0.03,
        }
        | values
    )


def program_result(verdict: Verdict, deepmind: Verdict | None = None, **values: Any) -> ProgramResult:
    """`values` are the failing test's."""
    return ProgramResult(
        name="p",
        verdict=verdict,
        strict=verdict,
        deepmind=deepmind or verdict,
        tests=10,
        tests_run=10 if verdict is Verdict.AC else 2,
        seconds=0.03,
        limit_s=6.0,
        peak_bytes=2**24,
        failing_test=None if verdict is Verdict.AC else failing_test(verdict, **values),
    )


def attempt(verdict: Verdict | None = None, cause: str | None = None, **values: Any) -> Attempt:
    """An answer with a program in it; `values` replace what is usual."""
    return Attempt(
        **{
            "answer": PROGRAM,
            "found": "print(int(input()) + 1)\n",
            "rule": "python_fence",
            "truncated": False,
            "parses": True,
            "tokens": 20,
            "verdict": verdict,
            "right": None if verdict is None else verdict is Verdict.AC,
            "shown": str(verdict or "not run"),
            "strict": verdict,
            "deepmind": verdict,
            "tests": 10,
            "tests_run": 10,
            "failing_test": None,
            "cause": cause,
        }
        | values
    )


def row(tuned: Attempt, base: Attempt | None = None) -> ItemRow:
    return ItemRow(
        name="p",
        group="easy",
        cluster=None,
        question="Add one.",
        outcome="neither",
        base=(base or attempt(),),
        tuned=(tuned,),
    )


def answered(
    rows: Sequence[ItemRow],
    metrics: Mapping[Metric, Comparison | NotMeasured] = {},
) -> SuiteReport:
    """A suite of these rows."""
    return SuiteReport(
        title="Contest problems",
        aim="target",
        kind="program",
        sentence="",
        verdict="not shown",
        n=len(rows),
        samples=1,
        asked=ItemSet(source="s", version="", available=len(rows), left_out={}, contamination=""),
        metrics=dict(metrics),
        rows=tuple(rows),
    )


A, W, R, T = Verdict.AC, Verdict.WA, Verdict.RE, Verdict.TLE
# Base and tuned, a problem each: a verdict, or None for an answer without a program.
OUTCOMES: list[tuple[Verdict | None, Verdict | None]] = [
    *[(W, A)] * 6,
    *[(None, A)] * 3,
    (A, R),
    *[(A, A)] * 2,
    *[(W, W)] * 4,
    (T, W),
    (None, None),
]


def whole_report(
    sandbox: bool = True, name: str = "add-one", hostile: str = "", thinking: bool | None = None
) -> Report:
    """Of 18 problems. `hostile` stands in names, answers and tests; where the models think, they do so of each."""
    problems = [
        Problem(
            name=f"{name}-{number}{hostile}",
            description=f"Add one to the number.{hostile}\n\nInput: a number < 100.",
            tests=(),
            difficulty=("easy", "hard", "medium")[number % 3],
        )
        for number in range(len(OUTCOMES))
    ]
    samples: list[Sample] = []
    judged: list[Scored] = []
    sides: tuple[Side, Side] = ("base", "tuned")
    for problem, outcome in zip(problems, OUTCOMES, strict=True):
        for side, verdict in zip(sides, outcome, strict=True):
            answer = PROGRAM if verdict else f"I cannot say.{hostile}"
            samples.append(
                Sample(
                    item=problem.name,
                    model=side,
                    sample=0,
                    answer=answer,
                    reasoning=f"Let me add one.{hostile}" if thinking else "",
                    tokens=20,
                    truncated=bool(thinking and not verdict),
                    cut_thinking=bool(thinking and not verdict),
                )
            )
            judged.append(
                Scored(
                    item=problem.name,
                    model=side,
                    sample=0,
                    found=f"print(int(input()) + 1)\n{hostile}" if verdict else "",
                    rule="python_fence" if verdict else "none",
                    right=None if verdict and not sandbox else verdict is Verdict.AC,
                    parses=verdict is not None,
                    result=_result(verdict, hostile) if verdict and sandbox else None,
                )
            )
    items: list[Item] = [contest_item(problem) for problem in problems]
    return build_report(
        {CONTEST: Results(items, samples, judged)},
        CHECK if sandbox else NotMeasured(why="no sandbox works here; sudo apt install bubblewrap"),
        training_facts(),
        f"a-run{hostile}",
        _record(hostile, thinking),
        trained=Trained(model="tiny", data=f"mine.csv{hostile}", machine="NVIDIA RTX 4070", seconds=80.0),
    )


def contest(report: Report) -> SuiteReport:
    """The suite of a report that has one."""
    (suite,) = report.suites.values()
    return suite


def with_contest(report: Report, **changes: Any) -> Report:
    """The same report with some of its suite changed."""
    return report.model_copy(update={"suites": {CONTEST: contest(report).model_copy(update=changes)}})


def training_facts() -> TrainingFacts:
    train = [(step, 2.0 / (1 + step / 100)) for step in range(10, 910, 10)]
    validation = [(0, 2.1), (300, 0.41), (600, 0.45), (900, 0.52)]
    return TrainingFacts([memory_note(0, 4, 2), *events(validation, train)], Recipe())


def _result(verdict: Verdict, hostile: str) -> ProgramResult:
    error = 'Traceback (most recent call last):\n  File "x", line 1\nValueError: no\n' if verdict is R else ""
    return program_result(verdict, input=f"41\n{hostile}", got=f"40\n{hostile}", error=error)


def _record(hostile: str, thinking: bool | None) -> EvaluationRecord:
    return EvaluationRecord.model_validate(
        {
            "created": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            "command": ["python", "-m", "qwenlab.evaluate", "a-run"],
            "stamps": {"base": {"weights": "tiny"}, "tuned": {"weights": "tiny", "adapter": f"best{hostile}"}},
            "suites": {
                CONTEST: {
                    "title": "Contest problems",
                    "aim": "target",
                    "source": f"problems.jsonl{hostile}",
                    "version": "abc123",
                    "available": 30,
                    "left_out": {"interactive": ("guess-it", "ask-it")},
                    "tests_cut": 7,
                    "contamination": "The problems are public and may be in the base model's training data.",
                }
            },
            "settings": EvaluateSettings(limit=18),
            "thinking": thinking,
            "spent": {"base": {"seconds": 12.0}, "tuned": {"seconds": 9.4}},
            "judging_seconds": 3.0,
        }
    )
