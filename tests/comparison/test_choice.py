"""Choosing blind: the order, the question, the tally."""

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from qwenlab.comparison.choice import ask_which, shuffled, tally_sentence
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.comparisons import Column, Comparison, choose, keep, list_comparisons, now, tally


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, Recipe(), "one")


def kept(run: Run, order: tuple[str, ...]) -> Comparison:
    columns = tuple(Column(model=name, text=name, finish="stop", tokens=1, seconds=1, stamp={}) for name in order)
    asked = ({"role": "user", "content": "?"},)
    made = Comparison(created=now(), messages=asked, max_tokens=1, temperature=0, seed=1, columns=columns, blind=True)
    keep(run, made)
    return made


def test_the_order_is_fixed_by_the_seed_and_favours_nobody() -> None:
    orders = [tuple(shuffled(42, number)) for number in range(400)]
    assert orders == [tuple(shuffled(42, number)) for number in range(400)]
    assert orders != [tuple(shuffled(43, number)) for number in range(400)]
    assert 150 < Counter(orders)[0, 1] < 250


@pytest.mark.parametrize(("said", "place"), [("a", 0), ("B", 1), ("x\ntie", None)])
def test_a_letter_chooses_the_column_that_stood_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, said: str, place: int | None
) -> None:
    made = kept(run, ("base", run.name))
    monkeypatch.setattr("sys.stdin", io.StringIO(said + "\n"))
    console = Console(file=io.StringIO(), width=200)
    ask_which(console, run, made)
    [chosen] = list_comparisons(run)
    assert chosen.choice == ("" if place is None else made.columns[place].model)
    assert isinstance(console.file, io.StringIO)
    assert f"A was base, B was {run.name}" in console.file.getvalue()


def test_the_tally_says_what_a_coin_could_do(run: Run) -> None:
    assert "none between" in tally_sentence(run.name, tally(run))
    for _ in range(4):
        choose(run, kept(run, ("base", run.name)).name, run.name)
    four = tally_sentence(run.name, tally(run))
    # Wilson's interval excludes one half here, and yet 4 of 4 heads come in one of 8 tries (either way).
    assert "in 4 of 4 (100%, 95 % interval 51% to 100%, p = 0.125)" in four
    assert "not statistically significant" in four
    for _ in range(4):
        choose(run, kept(run, ("base", run.name)).name, run.name)
    choose(run, kept(run, ("base", run.name)).name, "")
    assert "p = 0.008), no preference in 1: statistically significant" in tally_sentence(run.name, tally(run))
