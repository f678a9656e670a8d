"""MATH-500: 500 problems of competitions, drawn by OpenAI from the test set of MATH (arXiv 2103.03874, 2305.20050).

Their answers are expressions in LaTeX, in five levels of difficulty.
"""

from typing import Any

from pydantic import Field

from qwenlab.evaluation.item import Item, Items, ShortAnswer, asked_by
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import numbered, read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Competition maths"
AIM: Aim = "target"
SOURCE = "HuggingFaceH4/MATH-500"
SIZE = 500
LICENCE = "MIT, as MATH and PRM800K, from which it was drawn"
CONTAMINATION = (
    "MATH has been public since 2021: the base has very likely seen its problems, and many data sets hold them."
)
FILES = "test.jsonl"
FORM = "\n\nPut the final answer in \\boxed{}."


class _Row(NamedRow):
    described = '{"problem": "...", "answer": "\\\\frac{1}{2}", "level": 2}'
    problem: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    level: int | str | None = None


def items(asked: Asked) -> Items:
    """The problems, in the source's order, by their level.

    A file has the columns `problem` and `answer`; it may have `level` (or `difficulty`) and `unique_id`.

    Raises:
        UserError: the source cannot be read, or has rows that are no such problems.
    """
    rows, version = read_rows(asked.source, FILES, "math")
    found = tuple(
        Item(
            name=row.name,
            messages=asked_by(row.problem + FORM, asked.system),
            shown=row.problem,
            group="all" if row.level is None else f"level {row.level}",
            task=ShortAnswer(form="math", gold=row.answer),
        )
        for row in checked(_Row, numbered(rows, asked.source), _plain)
    )
    return Items(found, version, left_out={})


def _plain(given: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The row as `_Row` has it: by its id, else by its number; numbers are read as text where a text belongs."""
    number, row = given
    name, answer, level = row.get("unique_id"), row.get("answer"), row.get("level", row.get("difficulty"))
    plain = {
        "name": str(number if name is None else name),
        "problem": row.get("problem"),
        "answer": str(answer) if isinstance(answer, int | float) else answer,
        "level": int(level) if isinstance(level, float) and level.is_integer() else level,
    }
    return {key: value for key, value in plain.items() if value is not None}
