"""Who answers what, in which batches, and what a kill leaves to do."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from qwenlab.answering.answerer import Answer, Ask, Listener, TooLargeError
from qwenlab.errors import UserError
from qwenlab.evaluation.generation import (
    Unit,
    generate_samples,
    in_order,
    plan,
    sample_seed,
    unanswered,
)
from qwenlab.evaluation.item import Item
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.samples import Sample, Side, same_throughout
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.files import read_lines
from qwenlab.recipe import EvaluateSettings


def item(name: str, description: str = "") -> Item:
    return contest_item(Problem(name=name, description=description, tests=()))


ITEMS = [item(f"p{number}", "x" * (number % 3)) for number in range(7)]

SETTINGS = EvaluateSettings(seed=1)


class Together:
    """Answers that tell their batch by its seeds: composition changes what a model says. No batch may be too large."""

    names = ("base", "tuned")

    def __init__(self, largest: int = 100) -> None:
        self.largest = largest
        self.sizes: list[int] = []

    def stamp(self, name: str) -> dict[str, Any]:
        return {}

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        self.sizes.append(len(asks))
        if len(asks) > self.largest:
            raise TooLargeError("no memory")
        together = "+".join(str(ask.sampling.seed) for ask in asks)
        return [Answer(f"{ask.model} {ask.sampling.seed} of {together}", "stop", 1, 1) for ask in asks]


class Failing(Together):
    """A server: answers each by itself, and fails at so many of them, the later ones hung up on."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at: int | None = None

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        answers = []
        for row, ask in enumerate(asks):
            gone = self.fails_at is not None and row > self.fails_at
            answers.append(Answer(f"{ask.model} {ask.sampling.seed}", "cancelled" if gone else "stop", 1, 1))
            if listener and row != self.fails_at:
                listener.done(row, answers[-1])
        if self.fails_at is not None and len(asks) > self.fails_at:
            raise UserError("http://there/v1 answered 500: oops")
        return answers


def quiet(side: Side, samples: list[Sample], seconds: float) -> None:
    assert seconds >= 0


def test_base_and_tuned_get_the_same_batches_longest_statements_first() -> None:
    batches = plan(ITEMS, samples=2, batch_size=4, noise_floor=False)
    base = [batch.units for batch in batches if batch.side == "base"]
    assert base == [batch.units for batch in batches if batch.side == "tuned"]
    assert [batch.side for batch in batches[:4]] == ["base", "tuned", "base", "tuned"]
    order = [unit for units in base for unit in units]
    assert {(unit.item.name, unit.sample) for unit in order} == {(each.name, s) for each in ITEMS for s in (0, 1)}
    lengths = [len(unit.item.shown) for unit in order]
    assert lengths == sorted(lengths, reverse=True)


def test_the_noise_floor_is_the_base_in_other_batches() -> None:
    batches = plan(ITEMS, samples=1, batch_size=4, noise_floor=True)
    first, again = (
        [{unit.item.name for unit in batch.units} for batch in batches if batch.side == side]
        for side in ("base", "base_again")
    )
    assert set().union(*again) == {each.name for each in ITEMS}
    assert not any(part in first for part in again)


def test_a_sample_s_seed_is_the_same_for_base_and_tuned_alone() -> None:
    seeds = {
        (side, name, sample): sample_seed(42, side, Unit(item(name), sample))
        for side in ("base", "tuned", "base_again")
        for name in ("a", "b")
        for sample in (0, 1)
    }
    for name in ("a", "b"):
        for sample in (0, 1):
            assert seeds["base", name, sample] == seeds["tuned", name, sample] != seeds["base_again", name, sample]
    assert len(set(seeds.values())) == 8
    assert all(0 <= seed < 2**63 for seed in seeds.values())


@pytest.mark.parametrize("seed", range(10))
def test_killed_anywhere_it_goes_on_to_the_same_samples(tmp_path: Path, seed: int) -> None:
    batches = plan(ITEMS, samples=2, batch_size=3, noise_floor=True)
    whole, path = tmp_path / "whole.jsonl", tmp_path / "samples.jsonl"
    generate_samples(unanswered(batches, whole), Together(), SETTINGS, whole, quiet)
    rng = random.Random(seed)
    for _ in range(4):
        some = unanswered(batches, path)[: rng.randrange(1, 4)]
        generate_samples(some, Together(), SETTINGS, path, quiet)
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content) // 2, len(content) + 1)])
    todo = unanswered(batches, path)
    generate_samples(todo, Together(), SETTINGS, path, quiet)
    assert in_order(batches, path) == in_order(batches, whole)
    assert len(read_lines(path, Sample)) == sum(len(batch.units) for batch in batches)
    assert unanswered(batches, path) == []


def test_what_a_server_answered_before_it_failed_is_kept(tmp_path: Path) -> None:
    batches = plan(ITEMS, samples=1, batch_size=4, noise_floor=False)
    server, path, whole = Failing(), tmp_path / "samples.jsonl", tmp_path / "whole.jsonl"
    generate_samples(batches, server, SETTINGS, whole, quiet)
    for server.fails_at, kept in ((2, 2), (1, 3), (None, 14)):
        todo = unanswered(batches, path, parts=True)
        try:
            generate_samples(todo, server, SETTINGS, path, quiet, parts=True)
        except UserError:
            assert server.fails_at is not None
        samples = read_lines(path, Sample)
        assert len(samples) == kept, "those that came, and none twice"
        assert all(sample.answer for sample in samples)
    assert in_order(batches, path) == in_order(batches, whole)
    assert unanswered(batches, path, parts=True) == []


def test_a_batch_in_memory_is_answered_again_as_a_whole(tmp_path: Path) -> None:
    batches = plan(ITEMS, samples=1, batch_size=4, noise_floor=False)
    failing, path = Failing(), tmp_path / "samples.jsonl"
    failing.fails_at = 2
    with pytest.raises(UserError):
        generate_samples(batches, failing, SETTINGS, path, quiet)
    assert not path.exists()


class Thinking(Together):
    """Says in which mode it was asked, and is cut while it thinks."""

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        budgets = {ask.sampling.max_thinking_tokens for ask in asks}
        return [Answer("", "thinking", 9, 1, f"{ask.thinking} {budgets}") for ask in asks]


@pytest.mark.parametrize("thinking", [True, False, None])
def test_base_and_tuned_are_asked_in_one_mode(tmp_path: Path, thinking: bool | None) -> None:
    batches, path = plan(ITEMS, samples=1, batch_size=4, noise_floor=True), tmp_path / "samples.jsonl"
    settings = EvaluateSettings(max_thinking_tokens=77)
    generate_samples(batches, Thinking(), settings, path, quiet, thinking)
    samples = read_lines(path, Sample)
    assert {sample.model for sample in samples} == {"base", "tuned", "base_again"}
    assert {sample.reasoning for sample in samples} == {f"{thinking} {{77}}"}
    assert all(sample.truncated and sample.cut_thinking for sample in samples)


def test_a_sample_of_an_earlier_edition_is_read(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    old = {"item": "p", "model": "base", "sample": 0, "answer": "x", "tokens": 3, "truncated": True}
    path.write_text(json.dumps(old) + "\n", encoding="utf-8")
    [sample] = read_lines(path, Sample)
    assert (sample.reasoning, sample.cut_thinking, sample.truncated) == ("", False, True)


def test_a_batch_that_does_not_fit_is_halved(tmp_path: Path) -> None:
    small = Together(largest=2)
    batches = plan(ITEMS[:4], samples=1, batch_size=4, noise_floor=False)
    generate_samples(batches, small, SETTINGS, tmp_path / "samples.jsonl", quiet)
    assert small.sizes == [4, 2, 2, 4, 2, 2]
    assert len(in_order(batches, tmp_path / "samples.jsonl")) == 8


def test_what_does_not_fit_alone_is_an_error(tmp_path: Path) -> None:
    batches = plan(ITEMS, 1, 4, noise_floor=False)
    with pytest.raises(TooLargeError):
        generate_samples(batches, Together(largest=0), SETTINGS, tmp_path / "samples.jsonl", quiet)


def test_each_side_is_asked_by_its_own_model_and_seed(tmp_path: Path) -> None:
    batches = plan(ITEMS[:1], samples=1, batch_size=1, noise_floor=True)
    path = tmp_path / "samples.jsonl"
    generate_samples(batches, Together(), SETTINGS, path, quiet)
    seeds = {batch.side: sample_seed(1, batch.side, batch.units[0]) for batch in batches}
    assert {sample.model: sample.answer.partition(" of")[0] for sample in in_order(batches, path)} == {
        "base": f"base {seeds['base']}",
        "tuned": f"tuned {seeds['tuned']}",
        "base_again": f"base {seeds['base_again']}",
    }


def test_answers_that_are_all_the_same_are_counted_and_one_that_differs_is_enough() -> None:
    def said(side: Side, name: str, text: str, reasoning: str = "") -> Sample:
        return Sample(item=name, model=side, sample=0, answer=text, reasoning=reasoning, tokens=1, truncated=False)

    same = [said(side, name, f"It is {name}.") for name in "abc" for side in ("base", "tuned")]
    assert same_throughout(same) == 3
    assert same_throughout([*same, said("base_again", "a", "Else.")]) == 3
    assert same_throughout([*same[:-1], said("tuned", "c", "Else.")]) == 0
    assert same_throughout([*same[:-1], said("tuned", "c", "It is c.", reasoning="Hm.")]) == 0
    assert same_throughout([]) == 0
