"""The suite of functions for the tiny Qwen: what ships, what is asked, and which rows are told."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Program
from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.suites import tiny_functions
from tests.evaluation.suites.asking import items_of, written

ROW: dict[str, Any] = {
    "name": "function-1",
    "prompt": "Write a function solve that returns n plus 5.",
    "assertions": ["assert solve(1) == 6", "assert solve(2) == 7"],
    "group": "integer",
}


def test_what_ships_is_60_different_requests() -> None:
    found = items_of(tiny_functions, tiny_functions.SOURCE)
    assert len({item.shown for item in found.items}) == len({item.name for item in found.items}) == 60
    assert not found.left_out
    assert Counter(item.group for item in found.items) == {"string": 24, "list": 12, "integer": 12, "pair": 12}


def test_a_request_is_asked_as_it_stands(tmp_path: Path) -> None:
    (item,) = items_of(tiny_functions, written(tmp_path / "functions.jsonl", ROW), system="Be brief.").items
    assertions = "assert solve(1) == 6\nassert solve(2) == 7"
    assert item == Item(
        name="function-1",
        messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": ROW["prompt"]}),
        shown=ROW["prompt"],
        group="integer",
        task=Program(problem=function_problem("function-1", ROW["prompt"], assertions)),
    )


@pytest.mark.parametrize("lacking", ["name", "prompt", "assertions"])
def test_a_row_that_lacks_something_is_told(tmp_path: Path, lacking: str) -> None:
    source = written(tmp_path / "functions.jsonl", {key: value for key, value in ROW.items() if key != lacking})
    with pytest.raises(UserError) as error:
        items_of(tiny_functions, source)
    assert error.value.message == f"{source}, row 1: {lacking}: Field required."
