"""What becomes of the programs in answers: run on every test of their problem, in the sandbox of an evaluation."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.extract import extract
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import JudgeSettings, ProgramResult
from qwenlab.evaluation.programs.selfcheck.select import NoSandbox, fit_sandbox
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.runs.comparisons import Column

Judge = Callable[[Problem, Sequence[Column]], tuple[Column, ...]]
"""Gives the columns of a problem's answers their verdicts."""


@contextlib.contextmanager
def judge_of_columns() -> Iterator[Judge]:
    """A judge that has proved itself, for as long as the block lasts.

    Raises:
        UserError: no sandbox is fit to run programs here.
    """
    with fit_sandbox() as found:
        if isinstance(found, NoSandbox):
            raise UserError(f"No program can be run. {found.reason}", f"To fix this:\n{found.mend}")
        with Parser(found.sandbox.interpreter) as parser:

            def judged(problem: Problem, columns: Sequence[Column]) -> tuple[Column, ...]:
                codes = [extract(column.text, parser.parses).code for column in columns]
                # The same program has one verdict, whoever wrote it.
                programs = {code: Program(problem.name, problem, code) for code in codes if code}
                results = judge(list(programs.values()), found.sandbox, JudgeSettings())
                known = dict(zip(programs, results, strict=True))
                return tuple(
                    column.model_copy(update=_verdict(known.get(code)))
                    for column, code in zip(columns, codes, strict=True)
                )

            yield judged


def _verdict(result: ProgramResult | None) -> dict[str, str]:
    if result is None:
        return {"verdict": "", "detail": ""}
    test = result.failing_test
    if test is None:
        return {"verdict": result.verdict, "detail": f"all {result.tests} tests passed"}
    said = test.error.strip().rpartition("\n")[2] if test.exit_status or not test.expected else ""
    what = said or f"expected {test.expected.strip()[:80]!r}, got {test.got.strip()[:80]!r}"
    return {"verdict": result.verdict, "detail": f"test {test.number} of {result.tests}: {what}"}
