"""What the tiny Qwen could do before: 60 short requests for a function, judged by assertions.

It was pretrained on such requests, and answers most of them. Training on the mini contest teaches it to answer with
programs, and may cost it functions.
"""

from pydantic import Field

from qwenlab.evaluation.item import Item, Items, Program, asked_by
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import read_rows
from qwenlab.evaluation.suites import Aim, Asked
from qwenlab.tiny import FUNCTIONS_FILE

TITLE = "Functions"
AIM: Aim = "retention"
SOURCE = str(FUNCTIONS_FILE)
SIZE = 60
LICENCE = "Apache-2.0, as this package."
CONTAMINATION = "The tiny Qwen has seen requests in these words, but none of these computations."


class _Row(NamedRow):
    described = (
        '{"name": "...", "prompt": "Write a function f ...", "assertions": ["assert f(1) == 2"], "group": "..."}'
    )
    prompt: str = Field(min_length=1)
    assertions: list[str] = Field(min_length=1)
    group: str = "all"


def items(asked: Asked) -> Items:
    """The requests, in the source's order.

    Raises:
        UserError: the source cannot be read, or has rows that are no such requests.
    """
    rows, version = read_rows(asked.source, "*.jsonl", "tiny_functions")
    numbered = ((f"{asked.source}, row {number}", row) for number, row in enumerate(rows, start=1))
    return Items(tuple(_item(row, asked.system) for row in checked(_Row, numbered, dict)), version, left_out={})


def _item(row: _Row, system: str) -> Item:
    return Item(
        name=row.name,
        messages=asked_by(row.prompt, system),
        shown=row.prompt,
        group=row.group,
        task=Program(problem=function_problem(row.name, row.prompt, "\n".join(row.assertions))),
    )
