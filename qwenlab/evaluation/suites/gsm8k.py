"""GSM8K's test set: 1,319 word problems of grade-school maths, whose answers are numbers (arXiv 2110.14168)."""

from typing import Any

from pydantic import Field

from qwenlab.evaluation.answers.gold import gradable
from qwenlab.evaluation.item import Item, Items, ShortAnswer, asked_by
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import numbered, read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Maths"
AIM: Aim = "target"
SOURCE = "openai/gsm8k"
SIZE = 1319
LICENCE = "MIT"
CONTAMINATION = (
    "GSM8K has been public since 2021: the base may have seen its test set, and data sets made from it are common."
)
FILES = "main/test-*.parquet"
FORM = "\n\nGive the final number in a last line, after ####."


class _Row(NamedRow):
    described = '{"question": "...", "answer": "..."}'
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)


def items(asked: Asked) -> Items:
    """The problems of the test set, or of a file with its columns, `question` and `answer`.

    Left out: those whose answer holds no number.

    Raises:
        UserError: the source cannot be read, or has rows that are no such problems.
    """
    rows, version = read_rows(asked.source, FILES, "gsm8k")
    found = [
        Item(
            name=row.name,
            messages=asked_by(row.question + FORM, asked.system),
            shown=row.question,
            task=ShortAnswer(form="number", gold=row.answer),
        )
        for row in checked(_Row, numbered(rows, asked.source), _plain)
    ]
    return gradable(found, version)


def _plain(given: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The row as `_Row` has it; a column of bare numbers is read as text."""
    number, row = given
    answer = row.get("answer")
    plain = row | {"name": f"gsm8k-{number}", "answer": str(answer) if isinstance(answer, int | float) else answer}
    return {key: value for key, value in plain.items() if value is not None}
