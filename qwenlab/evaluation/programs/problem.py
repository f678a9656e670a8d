"""One type for every contest problem, wherever it came from."""

from typing import NamedTuple

from qwenlab.files import Record


class Test(NamedTuple):
    """What a program reads from standard input and what it must write to standard output."""

    input: str
    output: str


class Problem(Record):
    """A stdin/stdout programming problem with the hidden tests that judge it."""

    name: str
    description: str
    tests: tuple[Test, ...]
    examples: tuple[Test, ...] = ()
    difficulty: str = "unknown"
    time_limit_s: float = 2.0
    memory_limit_bytes: int = 256 * 2**20
    solution: str | None = None
    contest: str | None = None
    """Problems of one contest are not independent of one another."""
