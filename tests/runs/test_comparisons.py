"""Comparisons are kept in the run's folder, and blind choices counted."""

from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.comparisons import Column, Comparison, choose, keep, list_comparisons, now, read_comparison, tally


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, Recipe(), "one")


def comparison(run: Run, blind: bool = True, others: tuple[str, ...] = ("base",)) -> Comparison:
    columns = tuple(
        Column(model=model, text=f"from {model}", finish="stop", tokens=3, seconds=0.5, stamp={"adapter": None})
        for model in (run.name, *others)
    )
    made = Comparison(
        created=now(),
        messages=({"role": "user", "content": "Hello?"},),
        max_tokens=16,
        temperature=0.0,
        seed=42,
        columns=columns,
        blind=blind,
    )
    keep(run, made)
    return made


def test_kept_comparisons_are_read_back_oldest_first(run: Run) -> None:
    first, second = comparison(run), comparison(run)
    assert list_comparisons(run) == [first, second]
    assert read_comparison(run, second.name) == second


def test_a_choice_is_kept_once(run: Run) -> None:
    made = comparison(run)
    assert made.is_hidden
    chosen = choose(run, made.name, run.name)
    assert not chosen.is_hidden
    assert read_comparison(run, made.name).choice == run.name
    with pytest.raises(UserError, match="decided already"):
        choose(run, made.name, "base")
    assert read_comparison(run, made.name).choice == run.name


def test_only_what_answered_can_be_chosen(run: Run) -> None:
    with pytest.raises(ValueError, match="did not answer"):
        choose(run, comparison(run).name, "other")


def test_the_tally_counts_blind_choices_between_this_run_and_its_base_alone(run: Run) -> None:
    for choice in (run.name, run.name, "base", ""):
        choose(run, comparison(run).name, choice)
    choose(run, comparison(run, blind=False).name, "base")
    choose(run, comparison(run, others=("base", "two")).name, "base")
    comparison(run)
    assert tally(run) == (2, 1, 1)


def test_an_unknown_comparison_is_told(run: Run) -> None:
    with pytest.raises(UserError, match="no comparison"):
        read_comparison(run, "../../run")
