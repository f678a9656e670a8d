"""Our own result files: report.json of an evaluation, with both sides, and what `qwenlab judge --report` writes.

Of report.json only what stands here is read, so that a report of another version can be weighed too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import OWN, ResultFile, Row
from qwenlab.files import Record, reason
from qwenlab.stats.paired import passed


class _Attempt(Record):
    right: bool | None


class _Item(Record):
    name: str
    question: str
    base: tuple[_Attempt, ...]
    tuned: tuple[_Attempt, ...]


class _Suite(Record):
    kind: str | None
    rows: tuple[_Item, ...]


class _Evaluated(Record):
    suites: dict[str, _Suite]


class _ProgramAttempt(Record):
    code: str
    verdict: str | None = None

    @property
    def passed(self) -> bool | None:
        """No program is a failure; one that was not run is not known to be."""
        if self.verdict is None:
            return None if self.code else False
        return passed(self.verdict)


class _Problem(Record):
    name: str
    description: str
    base: tuple[_ProgramAttempt, ...]
    tuned: tuple[_ProgramAttempt, ...]


class _FirstEdition(Record):
    problems: tuple[_Problem, ...]


class _Result(Record):
    name: str
    verdict: str


class _Judged(Record):
    results: tuple[_Result, ...]


def read(path: Path, content: Mapping[str, Any]) -> ResultFile | None:
    """The file's items, its content read already; None where it is none of ours.

    Raises:
        UserError: it is one of ours, and not as it was written.
    """
    try:
        if {"sentence", "suites"} <= content.keys():
            return ResultFile(path, OWN, _of_evaluation(_Evaluated.model_validate(content, extra="ignore")))
        if {"sentence", "problems"} <= content.keys():
            return ResultFile(path, OWN, _of_first_edition(_FirstEdition.model_validate(content, extra="ignore")))
        if {"self_check", "results"} <= content.keys():
            return ResultFile(path, OWN, _of_judge(_Judged.model_validate(content, extra="ignore")))
    except ValidationError as error:
        raise UserError(f"{path} cannot be read: {reason(error)}.") from None
    return None


def _of_evaluation(report: _Evaluated) -> tuple[Row, ...]:
    """A row for each pair of answers: several to an item are averaged, which is pass@1. Losses are no scores.

    The scores are `base` and `tuned`, of several suites `gsm8k base` and the like.
    """
    suites = {name: suite for name, suite in report.suites.items() if suite.rows and suite.kind != "reference"}
    return tuple(
        Row(
            item=item.name,
            scores={
                " ".join([*([] if len(suites) == 1 else [name]), side]): attempt.right
                for side, attempt in (("base", base), ("tuned", tuned))
            },
            content=item.question,
        )
        for name, suite in suites.items()
        for item in suite.rows
        for base, tuned in zip(item.base, item.tuned, strict=True)
    )


def _of_first_edition(report: _FirstEdition) -> tuple[Row, ...]:
    return tuple(
        Row(
            item=problem.name,
            scores={"base": base.passed, "tuned": tuned.passed},
            content=problem.description,
        )
        for problem in report.problems
        for base, tuned in zip(problem.base, problem.tuned, strict=True)
    )


def _of_judge(report: _Judged) -> tuple[Row, ...]:
    return tuple(Row(item=row.name, scores={"accepted": passed(row.verdict)}) for row in report.results)
