"""From how a program ended to a verdict."""

import pytest

from qwenlab.evaluation.programs.sandbox import Limits, Result
from qwenlab.evaluation.programs.verdict import (
    ROOM_BYTES,
    ROOM_TIMES,
    Bounds,
    Verdict,
    Verdicts,
    function_verdicts,
    unsure,
    verdicts,
)

LIMITS = Limits(cpu_s=9, wall_s=19, memory_bytes=2**29)
BOUNDS = Bounds(time_s=6.0, memory_bytes=2**28)
RIGHT = Result(exit_status=0, cpu_s=0.1, wall_s=0.1, peak_bytes=2**24, output=b"42\n", error=b"", flooded=False)
AC, WA, PE, RE, TLE, MLE, OLE, _ = Verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, AC),
        ({"output": b"43"}, WA),
        ({"output": b""}, WA),
        ({"output": b"[42]"}, PE),
        ({"exit_status": 1}, RE),
        ({"exit_status": 3}, RE),
        ({"exit_status": 139}, RE),
        ({"exit_status": 3, "output": b"43"}, RE),
        ({"exit_status": None}, TLE),
        ({"exit_status": 152}, TLE),
        ({"cpu_s": 6.1}, TLE),
        ({"cpu_s": 6.0}, AC),
        ({"wall_s": 18.0}, AC),
        ({"exit_status": 137, "cpu_s": 10.0}, TLE),
        ({"exit_status": 1, "error": b"Traceback\nMemoryError\n"}, MLE),
        ({"exit_status": 1, "error": b"x\nnumpy.core._exceptions._ArrayMemoryError: Unable to allocate\n"}, MLE),
        ({"exit_status": 1, "error": b"MemoryError\nValueError: not MemoryError\n"}, RE),
        ({"exit_status": 139, "peak_bytes": 2**28 + 1}, MLE),
        ({"peak_bytes": 2**28 + 1}, AC),
        ({"flooded": True}, OLE),
        ({"flooded": True, "exit_status": 1}, OLE),
        ({"flooded": True, "exit_status": None}, OLE),
    ],
)
def test_by_hand(change: dict[str, object], verdict: Verdict) -> None:
    assert verdicts(RIGHT._replace(**change), b"42", BOUNDS).default == verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"output": b"\nmark\n"}, AC),
        ({"output": b"said on the way\n\nmark\n\n"}, AC),
        ({"output": b""}, WA),
        ({"output": b"mark\nand more"}, WA),
        ({"output": b"no mark"}, WA),
        ({"output": b"MARK"}, WA),
        ({"output": b"mark", "exit_status": 1, "error": b"Traceback\nAssertionError: not 4\n"}, WA),
        ({"output": b"mark", "exit_status": 1, "error": b"AssertionError\nValueError: no\n"}, RE),
        ({"output": b"mark", "exit_status": None}, TLE),
        ({"output": b"mark", "flooded": True}, OLE),
    ],
)
def test_a_function_is_accepted_by_the_mark_in_the_last_line(change: dict[str, object], verdict: Verdict) -> None:
    ended = RIGHT._replace(**change)  # type: ignore[arg-type]
    assert function_verdicts(ended, b"mark", BOUNDS) == Verdicts.all(verdict)


def test_the_rules_of_comparison_may_differ_where_a_program_ended_well() -> None:
    assert verdicts(RIGHT._replace(output=b"1\nyes"), b"1 YES", BOUNDS) == Verdicts(AC, PE, AC)
    assert verdicts(RIGHT._replace(output=b"0.5002"), b"0.50000", BOUNDS) == Verdicts(WA, WA, WA)
    assert verdicts(RIGHT._replace(output=b"0.500009"), b"0.500000", BOUNDS) == Verdicts(WA, WA, AC)
    assert verdicts(RIGHT._replace(output=b"1\nyes", exit_status=1), b"1 YES", BOUNDS) == Verdicts.all(RE)


@pytest.mark.parametrize(
    ("change", "doubtful"),
    [
        ({}, False),
        ({"cpu_s": 5.9}, False),  # a pass stays a pass
        ({"cpu_s": 6.1}, True),
        ({"cpu_s": 6.1, "exit_status": 1}, True),
        ({"exit_status": None, "cpu_s": 0.1}, True),
        ({"exit_status": None, "cpu_s": 8.0}, True),
        ({"exit_status": 152, "cpu_s": 8.1}, False),
        ({"exit_status": 152, "cpu_s": 5.0}, True),
        ({"exit_status": 137, "cpu_s": 10.0}, False),
        ({"exit_status": 137, "cpu_s": 1.0}, True),  # killed for the machine's memory
        ({"exit_status": 1, "error": b"x\nOSError: [Errno 28] No space left on device\n"}, True),
        ({"exit_status": 120, "error": b"RuntimeError: can't start new thread\n"}, True),
        ({"exit_status": 1, "error": b"No space left on device\nValueError: no\n"}, False),
        ({"exit_status": 1, "error": b"MemoryError\n"}, False),  # its own limit
        ({"exit_status": 0, "error": b"can't start new thread\n"}, False),
        ({"exit_status": 139}, False),
    ],
)
def test_where_the_load_may_be_to_blame(change: dict[str, object], doubtful: bool) -> None:
    assert unsure(RIGHT._replace(**change), LIMITS, BOUNDS) == doubtful  # type: ignore[arg-type]


def test_an_output_that_is_much_longer_than_the_right_one_is_wrong_unread() -> None:
    longest = b"42" + b" " * (ROOM_BYTES + ROOM_TIMES * 2 - 2)
    assert verdicts(RIGHT._replace(output=longest), b"42", BOUNDS) == Verdicts.all(AC)
    assert verdicts(RIGHT._replace(output=longest + b" "), b"42", BOUNDS) == Verdicts.all(WA)


def test_a_decimal_is_right_for_an_integer_where_the_problem_has_decimals() -> None:
    answered = RIGHT._replace(output=b"20.0")
    assert verdicts(answered, b"20", BOUNDS) == Verdicts(WA, WA, AC)
    assert verdicts(answered, b"20", BOUNDS._replace(decimals=True)) == Verdicts(AC, WA, AC)
