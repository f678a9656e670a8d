"""What judging leaves behind: typed, versioned, and written to reports as it is."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.files import Record

CUT = 2000
"""Characters of a test's texts that a report keeps."""


class FailingTest(Record):
    """The first test that was not accepted by the default comparison, with its texts cut."""

    number: int
    """From 1."""
    verdict: Verdict
    input: str
    expected: str
    got: str
    error: str
    """The end of standard error, or what was wrong with the sandbox."""
    exit_status: int | None
    """As a shell tells it; None where the program was stopped, or not run."""
    seconds: float
    """Of CPU time."""


class ProgramResult(Record):
    """One program on one problem."""

    name: str
    verdict: Verdict
    """By the default comparison: that of the first test that was not accepted."""
    strict: Verdict
    deepmind: Verdict
    tests: int
    tests_run: int
    seconds: float
    """CPU time of the slowest test that was run."""
    limit_s: float
    peak_bytes: int
    """The most memory that a test took."""
    confirmed_alone: bool = False
    """Among other programs, the machine or its load may have been to blame; the verdict is from running alone."""
    failing_test: FailingTest | None = None


class Check(Record):
    """One program of the self-check: what should become of it, and what did."""

    name: str
    expected: str
    found: str
    passed: bool


class SelfCheck(Record):
    """Whether a sandbox is fit to judge, proven on this machine just now."""

    backend: str
    version: str
    interpreter: str
    user: str
    kernel: str
    machine: str
    fit: bool
    seconds: float
    checks: tuple[Check, ...] = ()
    reason: str = ""
    """Why it is not fit."""
    mend: str = ""
    """The command that mends it."""


class JudgeSettings(Record):
    """How programs are judged, beyond what their problems say."""

    time_factor: float = 3.0
    """Problems' time limits are meant for compiled languages; this is what Python gets of them."""
    memory_extra_bytes: int = 256 * 2**20
    """Beyond a problem's memory limit, for the interpreter and for address space that is never touched."""
    output_bytes: int = 64 * 2**20
    all_tests: bool = False
    """Go on after a test that was not accepted."""
    workers: int | None = None
    """Programs judged at the same time; None: one a core."""


class JudgeReport(Record):
    """A judging: of what, by what, and with which verdicts. `results` are in the order of the programs."""

    version: Literal[1] = 1
    problems: str = ""
    solutions: str = ""
    settings: JudgeSettings
    self_check: SelfCheck
    counts: dict[Verdict, int]
    """By the default comparison."""
    accepted: int
    strict_accepted: int
    deepmind_accepted: int
    judged: int
    """Programs with a verdict; those that the sandbox failed on (SE) are not counted."""
    left_out: dict[str, tuple[str, ...]] = {}
    """Names of problems that were not judged, by reason."""
    seconds: float
    results: tuple[ProgramResult, ...]


def count(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """How often each verdict was given, in the order in which verdicts are listed."""
    counted = Counter(verdicts)
    return {verdict: counted[verdict] for verdict in Verdict if counted[verdict]}


def cut(text: str) -> str:
    """The beginning of a text, and how much was left away."""
    return text if len(text) <= CUT else f"{text[:CUT]}… ({len(text) - CUT:,} characters more)"


def cut_output(output: bytes) -> str:
    """As `cut`; the rest of a long output is not even decoded, which may take four times its memory."""
    head = output[: 4 * CUT].decode("utf-8", "replace")
    return cut(head) if len(output) <= 4 * CUT else f"{head[:CUT]}… ({len(output):,} bytes in all)"


def cut_beginning(text: str) -> str:
    """As `cut`, of an error's text: what went wrong stands at its end."""
    return text if len(text) <= CUT else f"({len(text) - CUT:,} characters more) …{text[-CUT:]}"
