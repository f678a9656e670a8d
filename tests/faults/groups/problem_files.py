"""Damaged files of problems, as lines of JSON and as Parquet: problems come of them, or a sentence."""

import json
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import prompt
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.programs.load import LONGEST_S, MOST_BYTES, load_solutions
from tests.evaluation.programs.code_contests import write_parquet
from tests.faults.group import Attempt, LostError

TITLE = "damaged problem files"
PROMISE = "Problems that can be judged, or a sentence that says what is wrong with the file."
ALL = 1000
FIRST = 250

SECONDS = 10.0

PROBLEM: dict[str, Any] = {
    "name": "1575_A. Sum",
    "description": "Add two numbers.\n\nInput\n1 2\nOutput\n3",
    "tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5 5\n", "output": "10\n"}],
    "examples": [{"input": "1 2\n", "output": "3\n"}],
    "time_limit_s": 1.5,
    "memory_limit_bytes": 2**28,
    "solution": "print(sum(map(int, input().split())))",
    "difficulty": "A",
    "cf_rating": 1300,
    "cf_index": "A",
    "cf_contest_id": 1575,
    "input_file": "",
    "output_file": "",
    "flags": {"interactive": False},
    "n_public_est": 1,
}

STRANGE = (
    "null", "true", "-1", "0", "1e999", "-1e999", "NaN", "Infinity", "1" * 5000, "-" + "9" * 400, "1e-400", "0.1",
    "1e300", "1" * 30,
    '""', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"' + "x" * 100_000 + '"', '"\\u202e"', '"../../x"', "[]", "{}",
    "[[]]", "[null]", "[0]", '[{"input": 1, "output": 2}]', '[{"input": "1"}]', '[{"input": null, "output": "1"}]',
    "[" * 300 + "]" * 300, "[" * 200_000, '{"a":' * 100_000, '{"interactive": true}', '{"interactive": "true"}',
    '["1 2"]', '{"input": ["1"], "output": ["2"]}', '{"seconds": 1, "nanos": 1}', "1 2", "'x'", "", ",", '"', "\\",
)  # fmt: skip
"""Instead of a value, as JSON or nearly so."""

LINE = json.dumps(PROBLEM)
WHOLE_FILES = (
    b"", b"\n", b" \n\t\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xef\xbb\xbf" + LINE.encode(), LINE.encode("utf-16"),
    LINE.encode("utf-32"), LINE.encode()[:-1], LINE.encode() + b"\r\n" + LINE.encode(), b"[" + LINE.encode() + b"]",
    LINE.encode() + LINE.encode(), b"PAR1", b"PAR1" * 3, b"\x1f\x8b\x08" + bytes(30), b"name,tests\na,b\n", b"\x85\n",
    LINE.encode().replace(b"Sum", b"\xed\xa0\x80"), LINE.encode().replace(b" ", b"\0"), b"null\ntrue\n0\n",
    b"{" * 10**6, b"\n" * 10**6 + LINE.encode(), LINE.encode().replace(b"\\n", b"\n"),
    json.dumps(PROBLEM, indent=1).encode(),
)  # fmt: skip


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Whole files that are none; then each field with each strange value, and damage, as drawn."""
    named = [(f"file {number}", content) for number, content in enumerate(WHOLE_FILES)]
    fields = [(f"{field} is {value[:20]}", _with(field, value)) for field in PROBLEM for value in STRANGE]
    random.Random(18).shuffle(fields)
    parquet = write_parquet(folder / "sound.parquet", {}, {"name": "1576_B. Other"}).read_bytes()
    made = [Attempt(name, partial(_load, folder / "problems.jsonl", content)) for name, content in named]
    for number in range(count - len(made)):
        kind, drawn = number % 4, random.Random(number)
        if kind == 0 and number // 4 < len(fields):
            name, content = fields[number // 4]
            made.append(Attempt(name, partial(_load, folder / "problems.jsonl", content)))
        elif kind in (0, 1):
            content = _damaged((LINE + "\n" + LINE.replace("Sum", "Other")).encode(), drawn)
            made.append(Attempt(f"lines {number}", partial(_load, folder / "problems.jsonl", content)))
        else:
            content = _damaged(parquet, drawn)
            made.append(Attempt(f"Parquet {number}", partial(_load, folder / "problems.parquet", content)))
    yield from made[:count]


def _with(field: str, value: str) -> bytes:
    """The problem's line with other text in the place of a field's value."""
    return json.dumps({**PROBLEM, field: "HERE"}).replace('"HERE"', value).encode("utf-8", "surrogatepass")


def _damaged(content: bytes, drawn: random.Random) -> bytes:
    """With one to three faults: bytes changed, lost, twice there, or of another kind."""
    for _ in range(drawn.choice((1, 1, 2, 3))):
        at = drawn.randrange(len(content)) if content else 0
        size = drawn.choice((1, 1, 2, 8, 64))
        changes: list[Callable[[], bytes]] = [
            lambda: content[:at] + bytes(drawn.randbytes(size)) + content[at + size :],  # noqa: B023
            lambda: content[:at] + content[at + size :],  # noqa: B023
            lambda: content[:at] + content[at : at + size] * 3 + content[at + size :],  # noqa: B023
            lambda: content[:at] + bytes(size) + content[at + size :],  # noqa: B023
            lambda: content[:at],  # noqa: B023
            lambda: content[:at] + drawn.choice(STRANGE).encode() + content[at:],  # noqa: B023
        ]
        content = drawn.choice(changes)()
    return content


def _load(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    begun = time.process_time()
    try:
        found = load_benchmark(str(path), limit=0, max_tests=0, seed=0)
        for problem in found.problems:
            prompt(problem)
            limits = 0 < problem.time_limit_s <= LONGEST_S and 0 < problem.memory_limit_bytes <= MOST_BYTES
            if not (problem.tests and problem.name and limits):
                raise LostError(f"a problem that cannot be judged: {problem}")
    except UserError as error:
        if not (error.message and str(path.name) in error.message):
            raise LostError(f"the file is not named: {error.message[:200]}") from error
    except LostError:
        raise
    except BaseException as error:  # polars' panics are not Exceptions
        if isinstance(error, KeyboardInterrupt):
            raise
        raise LostError(f"{type(error).__name__}: {str(error)[:200]}") from error
    if path.suffix == ".jsonl":
        _load_solutions(path)
    if (took := time.process_time() - begun) > SECONDS:
        raise LostError(f"{took:.1f} s")


def _load_solutions(path: Path) -> None:
    try:
        load_solutions(path)
    except UserError as error:
        if not error.message:
            raise LostError("an error without a word") from error
