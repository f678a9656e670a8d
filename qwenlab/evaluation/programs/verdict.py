"""From how a program ended to a verdict."""

import signal
from enum import StrEnum
from typing import NamedTuple

from qwenlab.evaluation.programs import checker
from qwenlab.evaluation.programs.sandbox.protocol import Limits, Result


class Verdict(StrEnum):
    """What is said of a program on a test, and of a program as a whole."""

    AC = "AC"
    WA = "WA"
    PE = "PE"
    RE = "RE"
    TLE = "TLE"
    MLE = "MLE"
    OLE = "OLE"
    SE = "SE"


MEANING = {
    Verdict.AC: "accepted",
    Verdict.WA: "wrong answer",
    Verdict.PE: "presentation error",
    Verdict.RE: "runtime error",
    Verdict.TLE: "time limit exceeded",
    Verdict.MLE: "memory limit exceeded",
    Verdict.OLE: "output limit exceeded",
    Verdict.SE: "sandbox error, not counted",
}


ROOM_BYTES, ROOM_TIMES = 2**20, 32
"""How long an output may be, beyond the right one's length and as its multiple, to be looked at: white space, leading
zeros and decimals beyond the sixth make a right one longer, and nothing makes it that much longer."""


class Bounds(NamedTuple):
    """A problem's own limits, as they decide verdicts. The sandbox stops a program somewhat later."""

    time_s: float
    """Of CPU time, the factor for Python included."""
    memory_bytes: int
    decimals: bool = False
    """Right outputs have decimal numbers, in any of the problem's tests."""


class Verdicts(NamedTuple):
    """One program's on one test, by each rule of comparison. They differ where the program ended well."""

    default: Verdict
    strict: Verdict
    deepmind: Verdict

    @classmethod
    def all(cls, verdict: Verdict) -> "Verdicts":
        return cls(verdict, verdict, verdict)


def verdicts(result: Result, expected: bytes, bounds: Bounds) -> Verdicts:
    """Accepted is only what ended in time, with exit status 0, and wrote the right output."""
    failure = _failure(result, bounds)
    if failure:
        return Verdicts.all(failure)
    got = result.output
    if len(got) > ROOM_BYTES + ROOM_TIMES * len(expected):
        return Verdicts.all(Verdict.WA)
    default = checker.default(got, expected, bounds.decimals)
    right = [default, checker.strict(got, expected), checker.deepmind(got, expected)]
    wrong = Verdict.WA
    if not all(right) and checker.presentation(got, expected):
        wrong = Verdict.PE
    return Verdicts(*(Verdict.AC if accepted else wrong for accepted in right))


def function_verdicts(result: Result, mark: bytes, bounds: Bounds) -> Verdicts:
    """Of a function: accepted is only what ended well and wrote the mark last. A failed assertion is a wrong answer.

    `mark` is what the program writes behind its assertions; see `functions`.
    """
    failure = _failure(result, bounds)
    if failure == Verdict.RE and _last_line(result.error).startswith(b"AssertionError"):
        failure = Verdict.WA
    if failure is None and _last_line(result.output) != mark:
        failure = Verdict.WA
    return Verdicts.all(failure or Verdict.AC)


STOPPED = 128 + signal.SIGXCPU
"""The exit status of what the kernel stops for its CPU time. It counts by ticks, and may do so a tenth too early."""

KILLED = 128 + signal.SIGKILL

SHORT = (
    b"No space left on device",
    b"Disk quota exceeded",
    b"Cannot allocate memory",
    b"Resource temporarily unavailable",
    b"can't start new thread",
)
"""What an error's last line says where the machine had too little of something."""


def unsure(result: Result, limits: Limits, bounds: Bounds) -> bool:
    """Whether the machine may be to blame, or what else ran on it.

    That may be for a time limit that was exceeded; not where a program was stopped for the CPU time that it used, which
    is well beyond its limit. And for an end by a lack of something, or by a kill, which no program can do to itself.
    """
    stopped = result.cpu_s >= limits.cpu_s or (result.exit_status == STOPPED and result.cpu_s > bounds.time_s)
    if _too_slow(result, bounds):
        return not stopped
    killed = result.exit_status == KILLED and not stopped
    return killed or (result.exit_status != 0 and any(said in _last_line(result.error) for said in SHORT))


def _failure(result: Result, bounds: Bounds) -> Verdict | None:
    if result.flooded:
        return Verdict.OLE
    if _too_slow(result, bounds):
        return Verdict.TLE
    if result.exit_status == 0:
        return None
    return Verdict.MLE if _out_of_memory(result, bounds) else Verdict.RE


def _too_slow(result: Result, bounds: Bounds) -> bool:
    return result.exit_status in (None, STOPPED) or result.cpu_s > bounds.time_s


def _out_of_memory(result: Result, bounds: Bounds) -> bool:
    """It was refused memory and said so (numpy's error is named _ArrayMemoryError), or it died with a lot of it."""
    kind = _last_line(result.error).partition(b":")[0]
    return b"MemoryError" in kind or result.peak_bytes > bounds.memory_bytes


def _last_line(text: bytes) -> bytes:
    """The last that is not empty."""
    return text.rstrip().rpartition(b"\n")[2]
