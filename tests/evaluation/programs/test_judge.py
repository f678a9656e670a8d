"""Judging, with a sandbox that does as it is told: order, stopping, retries, running alone."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pytest

from qwenlab.evaluation.programs import Problem, Test
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import JudgeSettings, ProgramResult
from qwenlab.evaluation.programs.sandbox import Capabilities, Result, SandboxFailureError, Spec
from qwenlab.evaluation.programs.verdict import Verdict

ENDED = Result(exit_status=0, cpu_s=0.1, wall_s=0.1, peak_bytes=2**24, output=b"", error=b"", flooded=False)


class Pretended:
    """A sandbox that runs a function of ours, and remembers what it was given."""

    def __init__(self, behave: Callable[[Spec], Result]) -> None:
        self.behave = behave
        self.specs: list[Spec] = []
        self.at_a_time = 0
        self.most_at_a_time = 0
        self._lock = threading.Lock()

    def probe(self) -> Capabilities:
        return Capabilities(True, "pretended", "1", "none")

    def run(self, spec: Spec) -> Result:
        with self._lock:
            self.specs.append(spec)
            self.at_a_time += 1
            self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        try:
            return self.behave(spec)
        finally:
            with self._lock:
                self.at_a_time -= 1

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def says(*outputs: str) -> Callable[[Spec], Result]:
    """Test number n, which is the program's input, is answered with the nth output."""
    return lambda spec: ENDED._replace(output=outputs[int(spec.stdin)].encode())


def problem(*expected: str, name: str = "p") -> Problem:
    tests = tuple(Test(str(number), output) for number, output in enumerate(expected))
    return Problem(name=name, description="", tests=tests, time_limit_s=2.0, memory_limit_bytes=2**28)


def judged(sandbox: Pretended, *expected: str, settings: JudgeSettings | None = None) -> ProgramResult:
    (result,) = judge([Program("p", problem(*expected), "source")], sandbox, settings or JudgeSettings())
    return result


def test_all_tests_right_is_accepted() -> None:
    result = judged(Pretended(says("1", "2", "3")), "1", "2", "3")
    assert (result.verdict, result.strict, result.deepmind) == (Verdict.AC,) * 3
    assert (result.tests, result.tests_run, result.failing_test) == (3, 3, None)
    assert (result.seconds, result.limit_s, result.peak_bytes) == (0.1, 6.0, 2**24)


def test_the_first_failure_ends_it_and_is_kept() -> None:
    result = judged(Pretended(says("1", "wrong", "3")), "1", "2", "3")
    assert (result.verdict, result.tests_run) == (Verdict.WA, 2)
    test = result.failing_test
    assert test and (test.number, test.input, test.expected, test.got) == (2, "1", "2", "wrong")


def test_unless_all_tests_are_wanted() -> None:
    result = judged(Pretended(says("1", "wrong", "x", "4")), "1", "2", "3", "4", settings=JudgeSettings(all_tests=True))
    assert (result.verdict, result.tests_run) == (Verdict.WA, 4)
    assert result.failing_test and result.failing_test.number == 2


def test_it_goes_on_while_another_rule_still_accepts() -> None:
    result = judged(Pretended(says("alice", "2", "3")), "Alice", "2", "3")
    assert (result.verdict, result.strict, result.deepmind) == (Verdict.PE, Verdict.PE, Verdict.AC)
    assert result.tests_run == 3
    result = judged(Pretended(says("alice", "wrong", "3")), "Alice", "2", "3")
    assert (result.verdict, result.deepmind, result.tests_run) == (Verdict.PE, Verdict.WA, 2)


def test_limits_are_the_problem_s_with_python_s_factor() -> None:
    sandbox = Pretended(says("1"))
    judged(sandbox, "1", settings=JudgeSettings(time_factor=3.0, memory_extra_bytes=2**20, output_bytes=5))
    limits = sandbox.specs[0].limits
    assert (limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.output_bytes) == (9, 18.5, 2**28 + 2**20, 5)


def test_what_is_expected_never_gets_near_the_program() -> None:
    sandbox = Pretended(lambda spec: ENDED)
    judged(sandbox, "the secret answer")
    assert "secret" not in repr(sandbox.specs)


def test_a_sandbox_s_failure_is_tried_again() -> None:
    failures = [SandboxFailureError("once"), SandboxFailureError("twice")]

    def behave(spec: Spec) -> Result:
        if failures:
            raise failures.pop()
        return ENDED._replace(output=b"1")

    assert judged(Pretended(behave), "1").verdict == Verdict.AC


def test_and_then_is_no_verdict_on_the_program() -> None:
    def fail(spec: Spec) -> Result:
        raise SandboxFailureError("no namespaces left")

    sandbox = Pretended(fail)
    result = judged(sandbox, "1", "2")
    assert (result.verdict, result.strict, result.deepmind) == (Verdict.SE,) * 3
    assert len(sandbox.specs) == 3 + 3  # among others, and alone
    assert result.failing_test and result.failing_test.error == "no namespaces left"


def test_what_failed_among_others_is_run_again_alone() -> None:
    """One program may take what another needs: the disk, or the sandbox's own memory."""
    hog = threading.Event()

    def behave(spec: Spec) -> Result:
        if spec.program == b"hog":
            hog.wait(5)
            return ENDED
        if not hog.is_set() and sandbox.specs.count(spec) < 3:
            raise SandboxFailureError("the disk is full")
        hog.set()
        if sandbox.specs.count(spec) == 3:
            return ENDED._replace(exit_status=1, error=b"OSError: [Errno 28] No space left on device\n")
        return ENDED._replace(output=b"1")

    sandbox = Pretended(behave)
    programs = [Program("p", problem("1"), source) for source in ("hog", "honest")]
    results = judge(programs, sandbox, JudgeSettings(workers=2))
    assert [result.verdict for result in results] == [Verdict.WA, Verdict.AC]
    assert results[1].confirmed_alone


def test_a_doubtful_time_is_measured_again_alone() -> None:
    seen: list[bytes] = []

    def behave(spec: Spec) -> Result:
        slow = spec.stdin == b"1" and spec.stdin not in seen
        seen.append(spec.stdin)
        return ENDED._replace(output=spec.stdin, cpu_s=6.5 if slow else 5.5)

    result = judged(Pretended(behave), "0", "1", "2")
    assert (result.verdict, result.tests_run, result.confirmed_alone) == (Verdict.AC, 3, True)
    assert seen == [b"0", b"1", b"1", b"2"]


def test_and_stays_when_it_is_too_long_again() -> None:
    result = judged(Pretended(lambda spec: ENDED._replace(output=spec.stdin, cpu_s=6.5)), "0", "1")
    assert (result.verdict, result.tests_run, result.confirmed_alone) == (Verdict.TLE, 1, True)


@pytest.mark.parametrize("cpu_s", [5.99, 9.5])
def test_a_pass_and_a_clear_failure_are_not(cpu_s: float) -> None:
    sandbox = Pretended(lambda spec: ENDED._replace(output=spec.stdin, cpu_s=cpu_s))
    assert not judged(sandbox, "0").confirmed_alone
    assert len(sandbox.specs) == 1


def test_alone_is_alone() -> None:
    sandbox = Pretended(says("0"))
    alone: list[int] = []

    def behave(spec: Spec) -> Result:
        time.sleep(0.01)
        again = sum(earlier.program == spec.program for earlier in sandbox.specs) > 1
        if again:
            alone.append(sandbox.at_a_time)
        return ENDED._replace(output=b"0", cpu_s=1.0 if again else 6.5)

    sandbox.behave = behave
    programs = [Program("p", problem("0"), f"source {number}") for number in range(8)]
    results = judge(programs, sandbox, JudgeSettings(workers=4))
    assert all(result.verdict == Verdict.AC and result.confirmed_alone for result in results)
    assert sandbox.most_at_a_time == 4
    assert alone == [1] * 8


def test_results_are_in_the_programs_order_and_progress_is_told() -> None:
    def behave(spec: Spec) -> Result:
        time.sleep(0.03 - 0.003 * int(spec.program))
        return ENDED._replace(output=spec.program)

    told: list[int] = []
    programs = [Program(f"p{number}", problem("5"), str(number)) for number in range(8)]
    results = judge(programs, Pretended(behave), JudgeSettings(workers=8), told.append)
    assert [result.name for result in results] == [program.name for program in programs]
    assert [result.verdict for result in results].count(Verdict.AC) == 1
    assert told == list(range(1, 9))


def test_texts_are_cut_and_need_not_be_text() -> None:
    long = "x" * 5000
    result = judged(Pretended(lambda spec: ENDED._replace(output=b"\xff" + b"y" * 5000, error=b"\xfe")), long)
    test = result.failing_test
    assert test and test.got.startswith("\ufffdyyy") and test.got.endswith("… (3,001 characters more)")
    assert test.expected == "x" * 2000 + "… (3,000 characters more)"
    assert test.error == "\ufffd"


def test_of_a_long_output_the_rest_is_only_counted() -> None:
    output = "\U0001f600".encode() * 5000
    test = judged(Pretended(lambda spec: ENDED._replace(output=output)), "1").failing_test
    assert test and test.got == "\U0001f600" * 2000 + "… (20,000 bytes in all)"


def test_decimals_of_one_test_count_for_all() -> None:
    answers = says("20.0", "0.5000")
    assert judged(Pretended(answers), "20", "0.5").verdict == Verdict.AC
    assert judged(Pretended(answers), "20", "1/2").verdict == Verdict.WA


def test_of_a_long_error_the_end_is_kept() -> None:
    """The exception's name stands there, below a traceback that may be long."""
    error = b"  File ...\n" * 300 + b"ValueError: no\n"
    result = judged(Pretended(lambda spec: ENDED._replace(exit_status=1, error=error)), "1")
    assert result.failing_test is not None
    assert result.failing_test.error.endswith("ValueError: no\n")
    assert result.failing_test.error.startswith("(1,315 characters more) …")


def test_half_a_surrogate_pair_in_a_program_is_the_program_s_fault() -> None:
    sandbox = Pretended(says("1"))
    judge([Program("p", problem("1"), "print('\ud800')")], sandbox, JudgeSettings())
    assert sandbox.specs[0].program == b"print('\xed\xa0\x80')"


def test_a_problem_without_tests_would_accept_everything() -> None:
    with pytest.raises(ValueError, match="no tests"):
        judge([Program("p", problem(), "")], Pretended(says()), JudgeSettings())
