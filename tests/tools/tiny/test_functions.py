"""The requests for functions: right by their own assertions, told from one another, and new to the model."""

from itertools import islice
from typing import Any

import pytest

from tools.tiny.corpus import corpus
from tools.tiny.functions import function_rows


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return function_rows(200, seed=0)


def holds(solution: str, assertions: list[str]) -> bool:
    """In this process: only for code that we wrote."""
    names: dict[str, Any] = {}
    exec(solution, names)
    try:
        exec("\n".join(assertions), names)
    except (AssertionError, AttributeError, TypeError, ValueError):
        return False
    return True


def test_every_reference_function_passes(rows: list[dict[str, Any]]) -> None:
    assert all(holds(row["solution"], row["assertions"]) for row in rows)


def test_another_function_of_its_kind_does_not(rows: list[dict[str, Any]]) -> None:
    for kind in ("list", "string", "integer", "pair"):
        of_it = [row for row in rows if row["group"] == kind]
        pairs = [(row, other) for row in of_it for other in of_it if row is not other]
        fooled = [
            (row["solution"], other["solution"]) for row, other in pairs if holds(row["solution"], other["assertions"])
        ]
        assert len(fooled) <= len(pairs) / 200, fooled


def test_nothing_of_the_corpus_computes_it(rows: list[dict[str, Any]]) -> None:
    bodies = {row["solution"].partition("\n")[2] for row in rows}
    read = "\n".join(item if isinstance(item, str) else item[-1]["content"] for item in islice(corpus(0), 5000))
    assert not [body for body in bodies if f"{body}\n" in read]


def test_no_function_is_asked_for_twice_and_more_rows_only_add(rows: list[dict[str, Any]]) -> None:
    assert len({row["solution"] for row in rows}) == len({row["name"] for row in rows}) == 200
    assert function_rows(30, seed=0) == rows[:30]
