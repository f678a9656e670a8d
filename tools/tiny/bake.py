"""Writes the files of the mini contest and of the functions into the package: `python -m tools.tiny.bake`.

They are the same bytes each time.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from qwenlab.evaluation.programs import Problem, Test
from qwenlab.tiny import FUNCTIONS_FILE, TEST_FILE, TRAIN_FILE
from tools.tiny.functions import function_rows
from tools.tiny.problems import problems, training_rows


def main() -> None:
    """Write all files."""
    for path, content in files().items():
        path.write_bytes(content)


def files() -> dict[Path, bytes]:
    """What each file of the package holds.

    The seeds are those with which the rows and problems were drawn before they were files: runs of then go on.
    """
    conversations = _lines({"messages": messages} for messages in training_rows(2000, seed=0))
    contest = _lines(_row(problem) for problem in problems("test", 200, seed=42))
    # pyarrow brings its own zstd, so that the pins decide the bytes; Python's gzip is as the machine's zlib is.
    return {
        TRAIN_FILE: pa.Codec("zstd", compression_level=19).compress(conversations, asbytes=True),
        TEST_FILE: contest,
        FUNCTIONS_FILE: _lines(function_rows(60, seed=42)),
    }


def _row(problem: Problem) -> dict[str, Any]:
    """As every file of problems has it."""
    return {
        "name": problem.name,
        "description": problem.description,
        "examples": [_case(test) for test in problem.examples],
        "tests": [_case(test) for test in problem.tests],
        "difficulty": problem.difficulty,
        "solution": problem.solution,
    }


def _case(test: Test) -> dict[str, str]:
    return {"input": test.input, "output": test.output}


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


if __name__ == "__main__":
    main()
