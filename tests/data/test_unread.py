"""Columns that a data set has for a reason, and turns that it keeps out of the loss: told with their counts."""

from typing import Any

import pytest

from qwenlab.data.column_mapping import recognise
from qwenlab.data.conversations import conversations
from qwenlab.data.unread import unlearned_note, unread_notes
from tests.data.made import table

ROW = {"question": "q", "answer": "a"}


def notes(*rows: dict[str, Any]) -> list[str]:
    tables = [table(rows), table([ROW])]
    return unread_notes(tables, recognise(tables[0], {}))


@pytest.mark.parametrize(
    "column",
    [
        {"tools": [{"name": "add"}]},
        {"Tools": '[{"name": "add"}]'},
        {"images": ["a.png"]},
        {"weight": 0.5},
        {"label": False},
        {"history": "earlier on"},
        {"reasoning": "on"},
        {"system": 5},
    ],
)
def test_a_column_that_matters_and_is_not_read_is_told(column: dict[str, Any]) -> None:
    [name] = column
    assert notes(ROW | column, ROW | {name: None}) == [f"The column {name} is not read; 1 rows have it."]


@pytest.mark.parametrize(
    "column", [{"tools": []}, {"tools": ""}, {"tools": "[]"}, {"images": None}, {"id": "1"}, {"topic": "sums"}]
)
def test_an_empty_column_or_one_that_does_not_matter_is_not_told(column: dict[str, Any]) -> None:
    assert notes(ROW | column) == []


def test_what_is_read_is_not_told() -> None:
    assert notes(ROW | {"thinking": "some thoughts", "system": "s", "history": [["q", "a"]]}) == []


def test_turns_that_are_not_learned_are_told() -> None:
    turns = [
        {"role": role, "content": "x", "weight": weight}
        for role, weight in (("user", 0), ("assistant", 0), ("assistant", 1))
    ]
    rows = conversations([table([{"messages": turns}] * 2)], {})[0]
    assert unlearned_note(rows) == [
        "2 turns of assistants are not learned: their rows say so (weight, train, loss, training)."
    ]
    assert unlearned_note(conversations([table([ROW])], {})[0]) == []
