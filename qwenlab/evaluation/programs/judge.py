"""Judging: every test of a problem in the sandbox, a verdict for each, and one for the program.

Programs are judged in parallel, a thread for each core that waits for its sandbox. CPU time is what counts, so that
other programs hardly matter; where they might have, because a limit was exceeded by little, or memory, threads or disk
were short, or the sandbox failed, the program is run again alone when the others are done. A program that passed is not
asked again.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from qwenlab.evaluation.programs.checker import expects_decimals
from qwenlab.evaluation.programs.functions import ENDED_EARLY, whole_program
from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.programs.results import (
    FailingTest,
    JudgeReport,
    JudgeSettings,
    ProgramResult,
    SelfCheck,
    count,
    cut,
    cut_beginning,
    cut_output,
)
from qwenlab.evaluation.programs.sandbox.protocol import Limits, Result, Sandbox, SandboxFailureError, Spec
from qwenlab.evaluation.programs.verdict import Bounds, Verdict, Verdicts, function_verdicts, unsure, verdicts

ATTEMPTS = 3
"""How often a run is tried when the sandbox itself fails; DeepMind's harness does the same."""

CPU_SLACK, WALL_SLACK = 1.5, 3.0
"""Where the sandbox stops a program, as multiples of its time limit. In between, it is run again alone."""

START_S = 0.5
"""Added to the wall clock limit: what starting a program takes on a busy machine."""


class Program(NamedTuple):
    """Something to judge. `name` is the result's; several programs for one problem may share it."""

    name: str
    problem: Problem
    source: str


class TestRun(NamedTuple):
    """A program on one test, with its texts cut where it was not accepted."""

    verdicts: Verdicts
    unsure: bool = False
    cpu_s: float = 0.0
    peak_bytes: int = 0
    exit_status: int | None = None
    got: str = ""
    error: str = ""


def judge(
    programs: Sequence[Program],
    sandbox: Sandbox,
    settings: JudgeSettings,
    progress: Callable[[int], None] = lambda done: None,
) -> list[ProgramResult]:
    """Judge programs; results are in their order. `progress` is told how many are done.

    Raises:
        ValueError: a problem has no tests, so that everything would pass.
    """
    for program in programs:
        if not program.problem.tests:
            raise ValueError(f"problem {program.problem.name} has no tests")
    first: list[list[TestRun]] = []
    with ThreadPoolExecutor(settings.workers or os.cpu_count() or 1) as pool:
        for runs in pool.map(lambda program: _run(program, program.problem.tests, sandbox, settings), programs):
            first.append(runs)
            progress(len(first))
    return [_confirmed(program, runs, sandbox, settings) for program, runs in zip(programs, first, strict=True)]


def report(
    programs: Sequence[Program],
    sandbox: Sandbox,
    self_check: SelfCheck,
    settings: JudgeSettings,
    progress: Callable[[int], None] = lambda done: None,
) -> JudgeReport:
    """Judge programs and count their verdicts."""
    began = time.monotonic()
    results = judge(programs, sandbox, settings, progress)
    return JudgeReport(
        settings=settings,
        self_check=self_check,
        counts=count(result.verdict for result in results),
        accepted=sum(result.verdict == Verdict.AC for result in results),
        strict_accepted=sum(result.strict == Verdict.AC for result in results),
        deepmind_accepted=sum(result.deepmind == Verdict.AC for result in results),
        judged=sum(result.verdict != Verdict.SE for result in results),
        seconds=time.monotonic() - began,
        results=tuple(results),
    )


def _run(program: Program, tests: Sequence[Test], sandbox: Sandbox, settings: JudgeSettings) -> list[TestRun]:
    """One test after the other, until every rule of comparison has seen one that it does not accept."""
    runs = []
    refused: set[int] = set()
    bounds = _bounds(program.problem, settings)
    for test in tests:
        runs.append(_run_test(program, test, sandbox, bounds, settings))
        refused |= {rule for rule, verdict in enumerate(runs[-1].verdicts) if verdict != Verdict.AC}
        if len(refused) == len(Verdicts._fields) and not settings.all_tests:
            break
    return runs


def _run_test(program: Program, test: Test, sandbox: Sandbox, bounds: Bounds, settings: JudgeSettings) -> TestRun:
    limits = _limits(bounds, settings)
    spec = Spec(_bytes(whole_program(program.problem, program.source)), _bytes(test.input), limits)
    failure = ""
    for _ in range(ATTEMPTS):
        try:
            result = sandbox.run(spec)
        except SandboxFailureError as error:
            failure = str(error)
        else:
            is_function = bool(program.problem.harness)
            return _test_run(result, test, limits, bounds, is_function)
    return TestRun(Verdicts.all(Verdict.SE), unsure=True, error=failure)


def _test_run(result: Result, test: Test, limits: Limits, bounds: Bounds, is_function: bool) -> TestRun:
    found = (function_verdicts if is_function else verdicts)(result, _bytes(test.output), bounds)
    run = TestRun(found, unsure(result, limits, bounds), result.cpu_s, result.peak_bytes, result.exit_status)
    if found.default == Verdict.AC:
        return run
    ended_early = is_function and result.exit_status == 0 and found.default == Verdict.WA
    error = ENDED_EARLY if ended_early else _text(result.error)
    return run._replace(got=cut_output(result.output), error=cut_beginning(error))


def _confirmed(program: Program, runs: list[TestRun], sandbox: Sandbox, settings: JudgeSettings) -> ProgramResult:
    """The result; where the machine or its load may be to blame, from running alone from there on."""
    doubtful = next((number for number, run in enumerate(runs) if run.unsure), None)
    if doubtful is not None:
        again = _run(program, program.problem.tests[doubtful:], sandbox, settings)
        runs = [*runs[:doubtful], *again]
    return _result(program, runs, settings, confirmed_alone=doubtful is not None)


def _result(program: Program, runs: list[TestRun], settings: JudgeSettings, confirmed_alone: bool) -> ProgramResult:
    by_rule = Verdicts(*(_first_refusal(column) for column in zip(*(run.verdicts for run in runs), strict=True)))
    failing = next((number for number, run in enumerate(runs) if run.verdicts.default != Verdict.AC), None)
    return ProgramResult(
        name=program.name,
        verdict=by_rule.default,
        strict=by_rule.strict,
        deepmind=by_rule.deepmind,
        tests=len(program.problem.tests),
        tests_run=len(runs),
        seconds=max(run.cpu_s for run in runs),
        limit_s=program.problem.time_limit_s * settings.time_factor,
        peak_bytes=max(run.peak_bytes for run in runs),
        confirmed_alone=confirmed_alone,
        failing_test=None if failing is None else _failing_test(failing, runs[failing], program.problem),
    )


def _first_refusal(column: Sequence[Verdict]) -> Verdict:
    return next((verdict for verdict in column if verdict != Verdict.AC), Verdict.AC)


def _failing_test(number: int, run: TestRun, problem: Problem) -> FailingTest:
    test = problem.tests[number]
    return FailingTest(
        number=number + 1,
        verdict=run.verdicts.default,
        input=cut(test.input),
        expected="" if problem.harness else cut(test.output),
        got=run.got,
        error=run.error,
        exit_status=run.exit_status,
        seconds=run.cpu_s,
    )


def _bounds(problem: Problem, settings: JudgeSettings) -> Bounds:
    decimals = expects_decimals(_bytes(test.output) for test in problem.tests if "." in test.output)
    return Bounds(problem.time_limit_s * settings.time_factor, problem.memory_limit_bytes, decimals)


def _limits(bounds: Bounds, settings: JudgeSettings) -> Limits:
    return Limits(
        cpu_s=math.ceil(bounds.time_s * CPU_SLACK),
        wall_s=bounds.time_s * WALL_SLACK + START_S,
        memory_bytes=bounds.memory_bytes + settings.memory_extra_bytes,
        output_bytes=settings.output_bytes,
    )


def _bytes(text: str) -> bytes:
    """Half a surrogate pair, which a model can write, becomes bytes that are no UTF-8, and Python refuses them."""
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
