"""Run the programs in a few answers to one problem, at once and in this process, in the sandbox of the evaluation."""

from collections.abc import Sequence
from typing import NamedTuple

from qwenlab.contest import Problem
from qwenlab.contest.extract import extract
from qwenlab.contest.fit import fit_sandbox
from qwenlab.contest.judge import Program, judge
from qwenlab.contest.results import JudgeSettings, NotMeasured, ProgramResult
from qwenlab.contest.syntax import Parser


class Ran(NamedTuple):
    """What became of an answer. No result: there is no program in it."""

    code: str
    result: ProgramResult | None


def run_code(problem: Problem, answers: Sequence[str]) -> list[Ran] | NotMeasured:
    """Each answer's program on all of the problem's tests, as an evaluation would judge it; or why nothing can run."""
    with fit_sandbox() as found:
        if isinstance(found, NotMeasured):
            return found
        with Parser(found.sandbox.interpreter) as parser:
            codes = [extract(answer, parser.parses).code for answer in answers]
        # The same program has one verdict, whoever wrote it.
        programs = {code: Program(problem.name, problem, code) for code in codes if code}
        results = dict(zip(programs, judge(list(programs.values()), found.sandbox, JudgeSettings()), strict=True))
    return [Ran(code, results.get(code)) for code in codes]
