"""What programs write and models answer, compared and searched for a program: nothing takes long, or much memory."""

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

from qwenlab.evaluation.programs.checker import expects_decimals
from qwenlab.evaluation.programs.extract import extract
from qwenlab.evaluation.programs.functions import function_problem, whole_program
from qwenlab.evaluation.programs.sandbox import Result
from qwenlab.evaluation.programs.verdict import Bounds, function_verdicts, verdicts
from tests.faults.group import Attempt, LostError

TITLE = "outputs compared, answers searched"
PROMISE = "Each ends in time and memory that grow with its length alone, and in a verdict or a program."
ALL = 500
FIRST = 60

LONG = 60_000
"""Characters: what goes back over what it has read takes many seconds for so many, and what does not, milliseconds."""
SECONDS = 2.0
MEMORY_TIMES, MEMORY_BYTES = 100, 2**20
"""Memory at most, by the characters and beside them: a line of one character is an object of half a hundred bytes."""

OUTPUT_UNITS = (
    b"0", b"1", b"9", b".", b"-", b"+", b"e", b"1e", b"x", b"\n", b" ", b"\f", b"\0", b"\xff", b"0 ", b"1\n", b" \n",
    b"1.", b".5 ", b"-0 ", b"nan ", b"nan(", b"inf", b"yes ", b"[1, ", b"(", b"'", b"\r\n", b"\xf0\x9f\x98\x80", b"00 ",
)  # fmt: skip
OUTPUT_ENDS = (b"", b"x", b".5", b"\n", b"e9", b")")
EXPECTED = (b"", b"0", b"7", b"0.5", b"-0", b"yes", b"nan", b"1e5", b"[1]", b"1 " * 500, b"0.5 " * 500)

ANSWER_UNITS = (
    "~", "`", "```", "~~~", "```\n", "```python\n", "~~~~\n", "a```", "```a ", "<think>", "</think>", " ", "\t", "\n",
    ".", "{", "a", "#", "(", "[", "-", "py", "\r", "\0", "\ud800", "\U0001f600", "x = 1\n", "    ", "'''", "\\",
    "from __future__ import a\n", "from __future__ import " + "a, " * 50,
)  # fmt: skip
ANSWER_FRAMES = (("", ""), ("```", "!\nx\n```"), ("a```", "!`"), ("~~~~", "`"), ("```python\n", "\n```"))

BOUNDS = Bounds(time_s=1.0, memory_bytes=2**28)
ENDED = Result(exit_status=0, cpu_s=0.1, wall_s=0.1, peak_bytes=2**24, output=b"", error=b"", flooded=False)
FUNCTION = function_problem("f", "", "assert f() == 1", "def f():\n")


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """One unit many times over, with each end and frame in turn; then what is drawn of them."""
    del folder
    made = [*_named_outputs(), *_named_answers()]
    random.Random(18).shuffle(made)
    yield from (made + [_drawn(number) for number in range(count - len(made))])[:count]


def _named_outputs() -> Iterator[Attempt]:
    for number, (unit, end) in enumerate(product(OUTPUT_UNITS, OUTPUT_ENDS)):
        expected = EXPECTED[number % len(EXPECTED)]
        got = unit * (LONG // len(unit)) + end
        yield Attempt(f"{unit!r} many times, then {end!r}, for {expected[:8]!r}", partial(_compare, got, expected))


def _named_answers() -> Iterator[Attempt]:
    for unit, (before, after) in product(ANSWER_UNITS, ANSWER_FRAMES):
        answer = before + unit * (LONG // len(unit)) + after
        yield Attempt(f"{unit!r} many times between {before!r} and {after!r}", partial(_search, answer))


def _drawn(number: int) -> Attempt:
    """An output made of a right one, or an answer, of several units."""
    drawn = random.Random(number)
    if number % 2:
        parts = [drawn.choice(ANSWER_UNITS) * drawn.choice((1, 2, 10, 1000)) for _ in range(200)]
        return Attempt(f"answer {number}", partial(_search, "".join(parts)[:LONG]))
    tokens = [drawn.choice(OUTPUT_UNITS).strip() + b"%d" % drawn.randrange(10**6) for _ in range(6_000)]
    got = [token if drawn.random() > 1e-4 else drawn.choice((b"0" + token, token + b".0", b"x")) for token in tokens]
    spaces = drawn.choice((b" ", b"\n", b" \n ", b"\f"))
    return Attempt(f"output {number}", partial(_compare, spaces.join(got), b" ".join(tokens)))


def _compare(got: bytes, expected: bytes) -> None:
    def work() -> None:
        result = ENDED._replace(output=got)
        for decimals in (False, True):
            verdicts(result, expected, BOUNDS._replace(decimals=decimals))
        function_verdicts(result, expected, BOUNDS)
        expects_decimals([got])

    _bounded(work, len(got) + len(expected))


def _search(answer: str) -> None:
    def work() -> None:
        for parses in (False, True):
            found = extract(answer, lambda text: parses)  # noqa: B023  it is asked at once
            whole_program(FUNCTION, found.code)

    _bounded(work, len(answer))


def _bounded(work: Callable[[], None], size: int) -> None:
    tracemalloc.start()
    begun = time.process_time()
    try:
        work()
        took, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if took > SECONDS:
        raise LostError(f"{took:.1f} s for {size:,} characters")
    if peak > MEMORY_TIMES * size + MEMORY_BYTES:
        raise LostError(f"{peak / 2**20:,.0f} MiB for {size:,} characters")
