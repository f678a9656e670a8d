"""Programs that are right are accepted, and the same with one fault each are not: on problems of the tiny contest.

`python -m bench.faults` does the same with any file of problems.
"""

import pytest

from bench.faults import UNCHANGED, WRAPPED, faulty
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.verdict import Verdict

PROBLEMS = load_benchmark("tiny", 10, max_tests=3, seed=3).problems


def verdicts(sandbox: LaunchedSandbox, sources: list[str]) -> list[Verdict]:
    programs = [Program(problem.name, problem, source) for problem, source in zip(PROBLEMS, sources, strict=True)]
    results = judge(programs, sandbox, JudgeSettings())
    assert [result.name for result in results] == [problem.name for problem in PROBLEMS]
    return [result.verdict for result in results]


def solutions() -> list[str]:
    return [problem.solution or "" for problem in PROBLEMS]


def test_right_programs_are_accepted_every_time(sandbox: LaunchedSandbox) -> None:
    assert verdicts(sandbox, solutions()) == [Verdict.AC] * 10
    wrapped = [WRAPPED.format(change=UNCHANGED, source=source, status=0) for source in solutions()]
    assert verdicts(sandbox, wrapped) == [Verdict.AC] * 10


@pytest.mark.parametrize("fault", [fault for fault in faulty("") if not fault.startswith("nothing")])
def test_none_with_a_fault_is(sandbox: LaunchedSandbox, fault: str) -> None:
    found = verdicts(sandbox, [faulty(source)[fault] for source in solutions()])
    assert Verdict.AC not in found
    assert Verdict.SE not in found
    if fault == "exit status 3":
        assert found == [Verdict.RE] * 10
