"""MBPP's test set: 500 short functions asked for in a sentence, judged by assertions (arXiv 2108.07732).

The assertions are shown, since they alone say the function's name and the order of its arguments; so does the paper.
The hand-verified part of it, "sanitized", is read from a file: --suite mbpp=sanitized.parquet
"""

from typing import Any

from pydantic import Field

from qwenlab.evaluation.item import Item, Items, Program, asked_by
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Basic Python"
AIM: Aim = "retention"
SOURCE = "google-research-datasets/mbpp"
SIZE = 500
LICENCE = "CC-BY-4.0"
CONTAMINATION = (
    "MBPP has been public since 2021, with its solutions: the base has most likely seen them, so its rate may be too "
    "high."
)
FILES = "full/test-*.parquet"


class _Row(NamedRow):
    described = '{"task_id": 1, "text": "Write a function ...", "test_list": ["assert f(1) == 2"]}'
    name: str = Field(min_length=1, alias="task_id")
    text: str = Field(min_length=1)
    test_list: list[str]
    setup: str = ""
    """What the assertions need."""


def items(asked: Asked) -> Items:
    """The functions, in the source's order. Left out: those of which nothing is asserted.

    Raises:
        UserError: the source cannot be read, or has rows that are no such functions.
    """
    rows, version = read_rows(asked.source, FILES, "mbpp")
    numbered = ((f"{asked.source}, row {number}", row) for number, row in enumerate(rows, start=1))
    found = checked(_Row, numbered, _plain)
    without = tuple(row.name for row in found if not row.test_list)
    known = tuple(_item(row, asked.system) for row in found if row.test_list)
    return Items(known, version, {"no assertions": without} if without else {})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row as `_Row` has it: the sanitized part calls the text `prompt`, and its setup is a list of imports."""
    number = row.get("task_id")
    plain = {
        "task_id": None if number is None else f"mbpp-{number}",
        "text": row.get("text") or row.get("prompt"),
        "test_list": row.get("test_list"),
        "setup": row.get("test_setup_code") or "\n".join(row.get("test_imports") or []),
    }
    return {key: value for key, value in plain.items() if value is not None}


def _item(row: _Row, system: str) -> Item:
    assertions = "\n".join(row.test_list)
    request = f"{row.text.strip()}\n\nThese assertions must hold:\n\n```python\n{assertions}\n```"
    return Item(
        name=row.name,
        messages=asked_by(f"{request}\n\nAnswer with the function and all that it needs, in one code block.", system),
        shown=request,
        task=Program(problem=function_problem(row.name, request, f"{row.setup}\n{assertions}")),
    )
