"""The suite of instructions: what ships, IFEval's format from a file, and rows that are told."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.constraints import KINDS, fault
from qwenlab.evaluation.item import Constrained, Constraint, Item
from qwenlab.evaluation.suites import instructions
from tests.evaluation.suites.asking import items_of

ROW: dict[str, Any] = {
    "key": 1000,
    "prompt": "Praise tea in fewer than 20 words, without commas.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{}, {"num_words": 20, "relation": "less than"}],
}
FOREIGN = {
    "key": 1001,
    "prompt": "Praise tea in Kannada.",
    "instruction_id_list": ["language:response_language"],
    "kwargs": [{"language": "kn"}],
}


def _written(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "ifeval.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def _constraints(item: Item) -> tuple[Constraint, ...]:
    assert isinstance(item.task, Constrained)
    return item.task.constraints


SHIPPED = items_of(instructions, instructions.SOURCE)


def test_what_ships_is_120_different_prompts_of_which_none_is_left_out() -> None:
    assert len(SHIPPED.items) == 120
    assert len({item.shown for item in SHIPPED.items}) == len({item.name for item in SHIPPED.items}) == 120
    assert not SHIPPED.left_out


def test_every_constraint_that_ships_is_known_and_complete() -> None:
    assert [fault(constraint) for item in SHIPPED.items for constraint in _constraints(item)] == [""] * 226


def test_every_kind_ships_at_least_five_times() -> None:
    counts = Counter(constraint.name for item in SHIPPED.items for constraint in _constraints(item))
    assert counts.keys() == KINDS.keys()
    assert min(counts.values()) >= 5


def test_what_is_to_be_repeated_opens_its_prompt() -> None:
    for item in SHIPPED.items:
        for constraint in _constraints(item):
            if constraint.name == "combination:repeat_prompt":
                assert item.shown.startswith(f"{constraint.arguments['prompt_to_repeat']}\n")


def test_words_and_phrases_of_a_constraint_are_said_in_its_prompt() -> None:
    for item in SHIPPED.items:
        for constraint in _constraints(item):
            for value in constraint.arguments.values():
                for text in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
                    is_relation = text in ("at least", "less than")
                    assert is_relation or text.lower() in item.shown.lower(), (item.name, text)


def test_a_prompt_of_a_file_is_asked_behind_the_system_prompt(tmp_path: Path) -> None:
    (item,), version, left_out, *_ = items_of(instructions, _written(tmp_path, ROW), system="Be brief.")
    assert item == Item(
        name="1000",
        messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": ROW["prompt"]}),
        shown=ROW["prompt"],
        group="2 constraints",
        task=Constrained(
            constraints=(
                Constraint(name="punctuation:no_comma"),
                Constraint(
                    name="length_constraints:number_words", arguments={"num_words": 20, "relation": "less than"}
                ),
            )
        ),
    )
    assert len(version) == 64
    assert not left_out


def test_kinds_that_are_not_checked_are_left_out_by_name(tmp_path: Path) -> None:
    found = items_of(instructions, _written(tmp_path, ROW, FOREIGN, ROW | {"key": 7} | {"kwargs": ROW["kwargs"]}))
    assert [item.name for item in found.items] == ["1000", "7"]
    assert found.left_out == {"language:response_language is not checked": ("1001",)}


def test_no_arguments_and_no_key_are_fine(tmp_path: Path) -> None:
    bare = {"prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    assert [item.name for item in items_of(instructions, _written(tmp_path, bare, bare)).items] == ["1", "2"]


def test_a_table_with_all_arguments_as_columns_and_counts_as_floats_is_read(tmp_path: Path) -> None:
    table = pl.DataFrame(
        [ROW | {"kwargs": [{"num_words": None, "relation": None}, {"num_words": 20.0, "relation": "less than"}]}]
    )
    table.write_parquet(tmp_path / "ifeval.parquet")
    (item,) = items_of(instructions, str(tmp_path / "ifeval.parquet")).items
    assert _constraints(item)[1].arguments == {"num_words": 20, "relation": "less than"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": None}, "prompt: Input should be a valid string."),
        ({"instruction_id_list": []}, "instruction_id_list: List should have at least 1 item"),
        ({"kwargs": [{}]}, "the line: 2 constraints, and arguments for 1."),
        ({"kwargs": [{}, {"num_words": 20}]}, "the line: length_constraints:number_words: relation: Field required."),
        ({"kwargs": [{}, {"num_words": 2.5, "relation": "less than"}]}, "kwargs.2.num_words.int: Input should be"),
        ({"key": 1}, "'1' is there already, in row 1."),
    ],
)
def test_a_bad_row_is_told_with_its_file_and_number(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    source = _written(tmp_path, ROW | {"key": 1}, ROW | change)
    with pytest.raises(UserError) as error:
        items_of(instructions, source)
    assert error.value.message.startswith(f"{source}, row 2: {said}")
    assert "instruction_id_list" in error.value.hint
