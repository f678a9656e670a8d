"""One evaluation of a run: a folder `RUN/evaluations/<time>/`, and how far its process has come."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qwenlab.errors import UserError
from qwenlab.files import Record
from qwenlab.recipe import EvaluateSettings
from qwenlab.runs.job_folder import JobFolder
from qwenlab.runs.record import JobRecord, Status
from qwenlab.runs.run import Run

Phase = Literal["preparing", "waiting for the GPU", "loading", "generating", "judging", "reporting"]


class Spent(Record):
    """What one side's answers took."""

    tokens: int = 0
    seconds: float = 0.0


class EvaluationRecord(JobRecord):
    """The content of evaluation.json."""

    phase: Phase = "preparing"
    done: int = 0
    """Of `total`: answers while generating or judging."""
    total: int = 0
    tokens_per_second: float | None = None
    share: float | None = None
    """Of the whole evaluation, answers and judging together, from 0 to 1, as far as is known; None: nothing is."""
    eta_s: float | None = None
    """Seconds to the end, of the phases that follow too."""
    settings: EvaluateSettings
    noise_floor: bool = False
    """The base answers a second time."""
    all_tests: bool = False
    answers: bool = False
    """Answers are generated to free text too, to be read and shown to a judge model."""
    endpoint: str | None = None
    base_model: str | None = None
    """What the endpoint calls the two."""
    tuned_model: str | None = None
    suites: dict[str, dict[str, Any]] = {}
    """By suite: where its items came from and what was left out, or `why` there are none."""
    problem_set: dict[str, Any] = {}
    """Of the first edition, which asked contest problems alone."""
    thinking: bool | None = None
    """Whether base and tuned are asked to think first: the run's mode when it began."""
    stamps: dict[str, Any] = {}
    """By side: the weights and the adapter that answered."""
    spent: dict[str, Spent] = {}
    suite_seconds: dict[str, float] = {}
    """What asking both sides took, by suite."""
    judging_seconds: float = 0.0


class SuiteFiles:
    """What an evaluation keeps of one suite, a line an item or answer each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items_file = folder / "items.jsonl"
        """As they were drawn when the evaluation began."""
        self.samples_file = folder / "samples.jsonl"
        self.readings_file = folder / "readings.jsonl"
        self.judged_file = folder / "judged.jsonl"


class Evaluation(JobFolder[EvaluationRecord]):
    """An evaluation's folder, to write to (by its own process) or to read from (by everybody)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "evaluation.json", EvaluationRecord)
        self.report_file = folder / "report.json"
        self.page_file = folder / "report.html"
        self.log_file = folder / "log.txt"

    def suite(self, name: str) -> SuiteFiles:
        """The folder of a suite, which need not be there yet."""
        return SuiteFiles(self.folder / "suites" / name)

    @classmethod
    def create(cls, run: Run, settings: EvaluateSettings, **choices: Any) -> "Evaluation":
        """A new folder `RUN/evaluations/20261122-153012`."""
        now = datetime.now(UTC).astimezone()
        for number in range(1, 1000):
            folder = run.folder / "evaluations" / (f"{now:%Y%m%d-%H%M%S}" + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):
                folder.mkdir(parents=True)
                break
        evaluation = cls(folder)
        evaluation.write(EvaluationRecord(created=now, settings=settings, **choices))
        return evaluation


def list_evaluations(run: Run) -> list[Evaluation]:
    """All evaluations of the run, oldest first."""
    return [Evaluation(path.parent) for path in sorted(run.folder.glob("evaluations/*/evaluation.json"))]


def unfinished(run: Run) -> Evaluation:
    """The newest evaluation that did not end.

    Raises:
        UserError: there is none.
    """
    found = all_unfinished(run)
    if not found:
        raise UserError(f"{run.name} has no evaluation to go on with.", f"Begin: python -m qwenlab.evaluate {run.name}")
    return found[-1]


def all_unfinished(run: Run) -> list[Evaluation]:
    """The evaluations that can be read and did not end, oldest first."""
    readable = [evaluation for evaluation in list_evaluations(run) if not evaluation.fault]
    return [evaluation for evaluation in readable if evaluation.read().status is not Status.finished]


def newest(run: Run) -> Evaluation:
    """The newest evaluation.

    Raises:
        UserError: there is none.
    """
    found = list_evaluations(run)
    if not found:
        raise UserError(f"{run.name} has no evaluation yet.", f"Begin: python -m qwenlab.evaluate {run.name}")
    return found[-1]
