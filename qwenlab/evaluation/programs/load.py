"""Problems and solutions from JSONL, a line each.

A problem's line holds `name`, `description` and `tests` (of `input` and `output`); it may hold `time_limit_s`,
`memory_limit_bytes`, `examples`, `solution`, `difficulty`, `cf_rating`, `cf_index`, `cf_contest_id`, `input_file`,
`output_file`, `flags` and `n_public_est`; other columns are ignored. A solution's line holds `name` and `solution`.

The prompt shows up to three examples. They are a line's `examples`; where it has none, they are its first
`n_public_est` tests, unless the description shows these already, as those of Code Contests nearly all do: the same
example twice would teach nothing and cost tokens.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field, FiniteFloat

from qwenlab.errors import UserError, refused
from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.rows import NamedRow, Row, checked

RATINGS = (1200, 1600, 2000, 2400)
"""Where Codeforces' ratings are parted into difficulties."""

LONGEST_S, MOST_BYTES = 3600.0, 2**40
"""Of a problem's limits. What is beyond is a slip, and the kernel would not take it."""

NAMED = re.compile(r"(\d+)_([A-Z])\d*\. ")
"""CodeContests' names of Codeforces problems: contest, letter, title."""

INTERACTIVE = re.compile(r"\bthis is an interactive problem\b", re.IGNORECASE)


class Solution(NamedTuple):
    """A program for the problem of that name."""

    name: str
    source: str


class Problems(NamedTuple):
    """Problems that can be judged, and the names of those that cannot, by reason."""

    problems: tuple[Problem, ...]
    left_out: dict[str, tuple[str, ...]]


class _Test(Row):
    input: str
    output: str


class ProblemRow(NamedRow):
    """A problem as a file has it."""

    described = '{"name": "...", "description": "...", "tests": [{"input": "...", "output": "..."}]}'
    description: str
    tests: list[_Test]
    examples: list[_Test] = []
    time_limit_s: Annotated[FiniteFloat, Field(gt=0, le=LONGEST_S)] | None = None
    memory_limit_bytes: Annotated[int, Field(gt=0, le=MOST_BYTES)] | None = None
    solution: str | None = None
    difficulty: Any = None
    cf_rating: Annotated[int, Field(ge=0)] | None = None
    cf_index: str | None = None
    cf_contest_id: int | str | None = None
    input_file: str | None = None
    output_file: str | None = None
    flags: dict[str, Any] = {}
    n_public_est: Annotated[int, Field(ge=0)] = 0
    """So many of the first tests are public: whoever takes part in the contest sees them."""


class _Solution(NamedRow):
    described = '{"name": "the problem\'s name", "solution": "the program"}'
    solution: str


Kind = TypeVar("Kind", bound=NamedRow)


def load_problems(path: Path) -> Problems:
    """The problems of a file, in its order.

    Left out: interactive problems, those that read or write files, and those without tests.

    Raises:
        UserError: the file cannot be read, lines are not problems, or two have the same name.
    """
    return sorted_out(_rows(path, ProblemRow))


def sorted_out(rows: Iterable[ProblemRow]) -> Problems:
    """The problems that can be judged, in the rows' order, and the names of the others by reason."""
    problems = []
    left_out: dict[str, list[str]] = {}
    for row in rows:
        reason = _cannot_be_judged(row)
        if reason:
            left_out.setdefault(reason, []).append(row.name)
        else:
            problems.append(_problem(row))
    return Problems(tuple(problems), {reason: tuple(names) for reason, names in left_out.items()})


def load_solutions(path: Path) -> list[Solution]:
    """The solutions of a file, in its order.

    Raises:
        UserError: the file cannot be read, lines are not solutions, or two have the same name.
    """
    return [Solution(row.name, row.solution) for row in _rows(path, _Solution)]


def _rows(path: Path, kind: type[Kind]) -> list[Kind]:
    lines = ((f"{path}, line {number}", line) for number, line in _lines(path))
    rows = checked(kind, lines, lambda line: json.loads(line.decode("utf-8")))
    if not rows:
        raise UserError(f"{path} is empty.", f"Each line must be an object: {kind.described}")
    return rows


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that hold anything, from 1; without a byte order mark."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if text.strip():
                    yield number, text
    except OSError as error:
        raise refused(error, f"{path} cannot be read", "Look at its name and its permissions.") from None


def _cannot_be_judged(row: ProblemRow) -> str | None:
    if row.flags.get("interactive") is True or INTERACTIVE.search(row.description):
        return "interactive"
    if row.input_file or row.output_file:
        return "reads or writes files"
    return None if row.tests else "no tests"


def _problem(row: ProblemRow) -> Problem:
    named = NAMED.match(row.name)
    tests = tuple(Test(test.input, test.output) for test in row.tests)
    examples = tuple(Test(test.input, test.output) for test in row.examples)
    given = {
        "time_limit_s": row.time_limit_s,
        "memory_limit_bytes": row.memory_limit_bytes,
        "contest": str(row.cf_contest_id) if row.cf_contest_id is not None else named and named[1],
    }
    return Problem(
        name=row.name,
        description=row.description,
        tests=tests,
        examples=examples or _unseen(tests[: row.n_public_est], row.description),
        difficulty=_difficulty(row, named and named[2]),
        solution=row.solution,
        **{key: value for key, value in given.items() if value is not None},
    )


def _unseen(public: tuple[Test, ...], description: str) -> tuple[Test, ...]:
    """The public tests, or none where the description shows any: it then shows as many as its author wanted.

    Looked for is the input, line by line, because a file may hold another of several right outputs.
    """
    text = _trimmed(description)
    return () if any(_trimmed(test.input) in text for test in public) else public


def _trimmed(text: str) -> str:
    """Without blank lines and spaces at the ends of lines; begins and ends with a line break."""
    return "\n".join(["", *filter(None, map(str.strip, text.splitlines())), ""])


def _difficulty(row: ProblemRow, letter_in_name: str | None) -> str:
    """By rating; else by letter, which says how far down the contest a problem stood; else as the file has it."""
    if row.cf_rating:  # 0 in CodeContests, where there is none
        return _rating(row.cf_rating)
    letter = row.cf_index[:1] if row.cf_index else letter_in_name
    if letter:
        return letter
    return row.difficulty if isinstance(row.difficulty, str) else "unknown"


def _rating(rating: int) -> str:
    below = [bound for bound in RATINGS if bound <= rating]
    above = [bound for bound in RATINGS if bound > rating]
    if not below:
        return f"below {above[0]}"
    return f"{below[-1]} to {above[0] - 1}" if above else f"{below[-1]} and above"
