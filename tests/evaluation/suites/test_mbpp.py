"""The suite of MBPP: both of its parts, what is asked, what is run, and which rows are told."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Program
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.suites import mbpp
from tests.evaluation.suites.asking import items_of, written

FULL: dict[str, Any] = {
    "task_id": 11,
    "text": "Write a function to find the square root of a number. ",
    "code": "def root(x):\n    return x ** 0.5",
    "test_list": ["assert root(4) == 2", "assert root(9) == 3"],
    "test_setup_code": "import math",
    "challenge_test_list": [],
}
SANITIZED: dict[str, Any] = {
    "source_file": "Benchmark Questions Verification V2.ipynb",
    "task_id": 11,
    "prompt": "Write a function to find the square root of a number.",
    "code": FULL["code"],
    "test_imports": ["import math"],
    "test_list": FULL["test_list"],
}
SHOWN = """\
Write a function to find the square root of a number.

These assertions must hold:

```python
assert root(4) == 2
assert root(9) == 3
```"""
RUN = "import math\nassert root(4) == 2\nassert root(9) == 3"


@pytest.mark.parametrize("row", [FULL, SANITIZED], ids=["full", "sanitized"])
def test_the_assertions_are_shown_and_run_behind_what_they_need(tmp_path: Path, row: dict[str, Any]) -> None:
    pl.DataFrame([row]).write_parquet(tmp_path / "test.parquet")
    (item,) = items_of(mbpp, str(tmp_path / "test.parquet"), system="Be brief.").items
    request = f"{SHOWN}\n\nAnswer with the function and all that it needs, in one code block."
    assert item == Item(
        name="mbpp-11",
        messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": request}),
        shown=SHOWN,
        task=Program(problem=function_problem("mbpp-11", SHOWN, RUN)),
    )


def test_what_asserts_nothing_would_accept_everything(tmp_path: Path) -> None:
    found = items_of(mbpp, written(tmp_path / "mbpp.jsonl", FULL, FULL | {"task_id": 12, "test_list": []}))
    assert [item.name for item in found.items] == ["mbpp-11"]
    assert found.left_out == {"no assertions": ("mbpp-12",)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": None}, "text: Field required."),
        ({"test_list": None}, "test_list: Field required."),
        ({"test_list": "assert root(4) == 2"}, "test_list: Input should be a valid list."),
        ({"task_id": None}, "task_id: Field required."),
    ],
)
def test_a_row_that_is_none_is_told(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    source = written(tmp_path / "mbpp.jsonl", FULL | change)
    with pytest.raises(UserError) as error:
        items_of(mbpp, source)
    assert error.value.message == f"{source}, row 1: {said}"
    assert '"test_list"' in error.value.hint
