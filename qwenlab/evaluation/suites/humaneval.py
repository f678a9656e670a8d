"""HumanEval: 164 functions to complete from their head and description, judged by assertions (arXiv 2107.03374)."""

from pydantic import Field

from qwenlab.evaluation.item import Item, Items, Program, asked_by
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Code"
AIM: Aim = "retention"
SOURCE = "openai/openai_humaneval"
SIZE = 164
LICENCE = "MIT"
CONTAMINATION = (
    "HumanEval has been public since 2021, with its solutions: the base has most likely seen them, so its rate may be "
    "too high."
)
FILES = "openai_humaneval/test-*.parquet"
REQUEST = "Complete this Python function. Answer with the whole function and all that it needs, in one code block."


class _Row(NamedRow):
    described = '{"task_id": "...", "prompt": "def f(): ...", "entry_point": "f", "test": "def check(candidate): ..."}'
    name: str = Field(min_length=1, alias="task_id")
    prompt: str = Field(min_length=1)
    entry_point: str = Field(min_length=1)
    test: str
    """Defines `check`, which is called with the function."""


def items(asked: Asked) -> Items:
    """The functions, in the source's order. Left out: those of which nothing is asserted.

    Raises:
        UserError: the source cannot be read, or has rows that are no such functions.
    """
    rows, version = read_rows(asked.source, FILES, "humaneval")
    numbered = ((f"{asked.source}, row {number}", row) for number, row in enumerate(rows, start=1))
    found = checked(_Row, numbered, dict)
    without = tuple(row.name for row in found if "assert" not in row.test)
    known = tuple(_item(row, asked.system) for row in found if row.name not in without)
    return Items(known, version, {"no assertions": without} if without else {})


def _item(row: _Row, system: str) -> Item:
    # The prompt ends inside the function, so that an answer may be its body alone, as the benchmark has it.
    prompt = row.prompt.rstrip() + "\n"
    assertions = f"{row.test}\n\ncheck({row.entry_point})"
    return Item(
        name=row.name,
        messages=asked_by(f"{REQUEST}\n\n```python\n{prompt}```", system),
        shown=prompt,
        task=Program(problem=function_problem(row.name, prompt, assertions, preamble=prompt)),
    )
