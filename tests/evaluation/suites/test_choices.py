"""The suite of choices: what ships, the shapes of other files, and rows that are told."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Choice, Item
from qwenlab.evaluation.suites import choices
from tests.evaluation.suites.asking import items_of

ROW: dict[str, Any] = {"question": "Two and two?", "options": ["3", "4", "5"], "answer": 1}

SHIPPED = items_of(choices, choices.SOURCE)


def _written(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "choices.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def _one(folder: Path, row: dict[str, Any]) -> Item:
    (item,) = items_of(choices, _written(folder, row)).items
    return item


def _choice(item: Item) -> Choice:
    assert isinstance(item.task, Choice)
    return item.task


def test_what_ships_is_150_different_questions_of_four_different_options() -> None:
    assert len(SHIPPED.items) == len({item.shown.splitlines()[0] for item in SHIPPED.items}) == 150
    assert not SHIPPED.left_out
    for item in SHIPPED.items:
        _, _, *options = item.shown.splitlines()
        assert [option[:3] for option in options] == ["A. ", "B. ", "C. ", "D. "]
        assert len({option[3:].lower() for option in options}) == 4


def test_each_letter_is_right_equally_often_and_length_gives_nothing_away() -> None:
    counts = Counter(_choice(item).right for item in SHIPPED.items)
    assert counts.keys() == set("ABCD")
    assert max(counts.values()) - min(counts.values()) <= 1
    longest = 0
    for item in SHIPPED.items:
        options = dict(line.split(". ", 1) for line in item.shown.splitlines()[2:])
        right = len(options.pop(_choice(item).right))
        longest += right > max(map(len, options.values()))
    assert longest <= len(SHIPPED.items) / 4


def test_a_question_is_asked_with_its_options_behind_the_system_prompt(tmp_path: Path) -> None:
    (item,) = items_of(choices, _written(tmp_path, ROW | {"id": "sum", "topic": "maths"}), system="Be brief.").items
    assert item == Item(
        name="sum",
        messages=(
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Two and two?\n\nA. 3\nB. 4\nC. 5\n\nAnswer with the letter alone."},
        ),
        shown="Two and two?\n\nA. 3\nB. 4\nC. 5",
        group="maths",
        task=Choice(letters=("A", "B", "C"), right="B"),
    )


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        {"question": "Two and two?", "choices": ["3", "4", "5"], "answer": "B"},
        {"question": "Two and two?", "subject": "maths", "choices": ["3", "4", "5"], "answer": 1},
        {
            "id": "M_1",
            "question": "Two and two?",
            "choices": {"text": ["3", "4", "5"], "label": ["A", "B", "C"]},
            "answerKey": "B",
        },
        {
            "question_stem": "Two and two?",
            "choices": {"text": ["3", "4", "5"], "label": ["1", "2", "3"]},
            "answerKey": "2",
        },
    ],
    ids=["index", "letter", "MMLU", "ARC", "numbered labels"],
)
def test_shapes_that_are_read(tmp_path: Path, row: dict[str, Any]) -> None:
    item = _one(tmp_path, row)
    assert item.shown == "Two and two?\n\nA. 3\nB. 4\nC. 5"
    assert item.task == Choice(letters=("A", "B", "C"), right="B")


def test_a_table_is_read(tmp_path: Path) -> None:
    pl.DataFrame([ROW, ROW]).write_parquet(tmp_path / "test.parquet")
    found = items_of(choices, str(tmp_path / "test.parquet"))
    assert [(item.name, item.group) for item in found.items] == [("1", "all"), ("2", "all")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"options": ["3", "4"], "answer": 0}, "question: Field required."),
        (ROW | {"options": None}, "options: Field required."),
        (ROW | {"options": ["4"], "answer": 0}, "options: List should have at least 2 items"),
        (ROW | {"options": ["4", "4", "5"]}, "the line: two options are the same."),
        (ROW | {"answer": 3}, "the line: answer: 3 is no index of 3 options, the first of which is 0."),
        (ROW | {"answer": -1}, "the line: answer: -1 is no index of 3 options, the first of which is 0."),
        (ROW | {"answer": None}, "answer: Field required."),
        ({**ROW, "answer": "D"}, "the line: answer: 'D' is none of A, B, C."),
        (
            {**ROW, "options": {"text": ["3", "4"], "label": ["A"]}, "answer": "A"},
            "the line: 2 options, and labels for 1.",
        ),
    ],
)
def test_a_bad_row_is_told_with_its_file_and_number(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    source = _written(tmp_path, row)
    with pytest.raises(UserError) as error:
        items_of(choices, source)
    assert error.value.message.startswith(f"{source}, row 1: {said}")
    assert '"options"' in error.value.hint
