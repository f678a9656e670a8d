"""The suite of HumanEval: what is asked, what is run, and which rows are told."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Program
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.suites import humaneval
from tests.evaluation.suites.asking import items_of, written

PROMPT = 'from math import sqrt\n\n\ndef root(x):\n    """ The square root of x. """\n'
TEST = "def check(candidate):\n    assert candidate(4) == 2\n"
ROW: dict[str, Any] = {"task_id": "HumanEval/0", "prompt": PROMPT, "entry_point": "root", "test": TEST}


def test_the_head_is_asked_for_in_a_code_block_and_begins_the_program(tmp_path: Path) -> None:
    (item,) = items_of(humaneval, written(tmp_path / "humaneval.jsonl", ROW), system="Be brief.").items
    assert item == Item(
        name="HumanEval/0",
        messages=(
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"{humaneval.REQUEST}\n\n```python\n{PROMPT}```"},
        ),
        shown=PROMPT,
        task=Program(problem=function_problem("HumanEval/0", PROMPT, f"{TEST}\n\ncheck(root)", preamble=PROMPT)),
    )


def test_the_benchmark_s_own_file_and_the_hub_s_are_read_alike(tmp_path: Path) -> None:
    """The one is compressed lines, the other a table."""
    path = tmp_path / "HumanEval.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(ROW | {"canonical_solution": "..."}).encode()))
    pl.DataFrame([ROW]).write_parquet(tmp_path / "test.parquet")
    lines, table = (items_of(humaneval, str(file)) for file in (path, tmp_path / "test.parquet"))
    assert lines.items == table.items
    assert len(lines.version) == 64


def test_what_asserts_nothing_would_accept_everything(tmp_path: Path) -> None:
    empty = ROW | {"task_id": "HumanEval/1", "test": "def check(candidate):\n    pass\n"}
    found = items_of(humaneval, written(tmp_path / "humaneval.jsonl", ROW, empty))
    assert [item.name for item in found.items] == ["HumanEval/0"]
    assert found.left_out == {"no assertions": ("HumanEval/1",)}


@pytest.mark.parametrize("lacking", ["prompt", "entry_point", "test"])
def test_a_row_that_lacks_something_is_told(tmp_path: Path, lacking: str) -> None:
    source = written(tmp_path / "humaneval.jsonl", {key: value for key, value in ROW.items() if key != lacking})
    with pytest.raises(UserError) as error:
        items_of(humaneval, source)
    assert error.value.message == f"{source}, row 1: {lacking}: Field required."
    assert '"entry_point"' in error.value.hint


def test_a_row_without_its_name_is_told(tmp_path: Path) -> None:
    source = written(tmp_path / "humaneval.jsonl", {key: value for key, value in ROW.items() if key != "task_id"})
    with pytest.raises(UserError, match=r"row 1: task_id: Field required"):
        items_of(humaneval, source)
