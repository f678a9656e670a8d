"""One type for every problem, wherever it came from: programs with input and output, and functions with assertions."""

from typing import NamedTuple

from qwenlab.files import Record


class Test(NamedTuple):
    """What a program reads from standard input and what it must write to standard output."""

    input: str
    output: str


class Problem(Record):
    """A programming problem with the hidden tests that judge it."""

    name: str
    description: str
    tests: tuple[Test, ...]
    examples: tuple[Test, ...] = ()
    difficulty: str = "unknown"
    time_limit_s: float = 2.0
    memory_limit_bytes: int = 256 * 2**20
    solution: str | None = None
    preamble: str = ""
    """What stands before the program that is run."""
    harness: str = ""
    """What stands behind it: assertions, and what writes the one test's output when all held; see `functions`."""
    contest: str | None = None
    """Problems of one contest are not independent of one another."""
