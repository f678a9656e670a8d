"""Who answers what, in which batches, and what a kill leaves to do."""

import random
from pathlib import Path

import pytest

from qwenlab.evaluation.generation import (
    Batch,
    TooLargeError,
    Unit,
    generate_samples,
    in_order,
    plan,
    sample_seed,
    unanswered,
)
from qwenlab.evaluation.problem import Problem
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.files import read_lines

PROBLEMS = [Problem(name=f"p{number}", description="x" * (number % 3), tests=()) for number in range(7)]


def answered(batch: Batch) -> list[Sample]:
    """An answer that tells its batch: composition changes what a model says."""
    together = "+".join(f"{unit.problem.name}.{unit.sample}" for unit in batch.units)
    return [
        Sample(
            problem=unit.problem.name,
            model=batch.side,
            sample=unit.sample,
            answer=f"{together} seed {sample_seed(1, batch.side, unit)}",
            tokens=1,
            truncated=False,
        )
        for unit in batch.units
    ]


def quiet(side: Side, samples: list[Sample], seconds: float) -> None:
    assert seconds >= 0


def test_base_and_tuned_get_the_same_batches_longest_statements_first() -> None:
    batches = plan(PROBLEMS, samples=2, batch_size=4, noise_floor=False)
    base = [batch.units for batch in batches if batch.side == "base"]
    assert base == [batch.units for batch in batches if batch.side == "tuned"]
    assert [batch.side for batch in batches[:4]] == ["base", "tuned", "base", "tuned"]
    order = [unit for units in base for unit in units]
    assert {(unit.problem.name, unit.sample) for unit in order} == {(p.name, s) for p in PROBLEMS for s in (0, 1)}
    lengths = [len(unit.problem.description) for unit in order]
    assert lengths == sorted(lengths, reverse=True)


def test_the_noise_floor_is_the_base_in_other_batches() -> None:
    batches = plan(PROBLEMS, samples=1, batch_size=4, noise_floor=True)
    again = [set(batch.units) for batch in batches if batch.side == "base_again"]
    assert set().union(*again) == {Unit(problem, 0) for problem in PROBLEMS}
    assert not any(part == set(batch.units) for part in again for batch in batches if batch.side == "base")


def test_a_sample_s_seed_is_the_same_for_base_and_tuned_alone() -> None:
    seeds = {
        (side, name, sample): sample_seed(42, side, Unit(Problem(name=name, description="", tests=()), sample))
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
    batches = plan(PROBLEMS, samples=2, batch_size=3, noise_floor=True)
    whole, path = tmp_path / "whole.jsonl", tmp_path / "samples.jsonl"
    generate_samples(unanswered(batches, whole), answered, whole, quiet)
    rng = random.Random(seed)
    for _ in range(4):
        generate_samples(unanswered(batches, path)[: rng.randrange(1, 4)], answered, path, quiet)
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content) // 2, len(content) + 1)])
    todo = unanswered(batches, path)
    generate_samples(todo, answered, path, quiet)
    assert in_order(batches, path) == in_order(batches, whole)
    assert len(read_lines(path, Sample)) == sum(len(batch.units) for batch in batches)
    assert unanswered(batches, path) == []


def test_a_batch_that_does_not_fit_is_halved(tmp_path: Path) -> None:
    sizes: list[int] = []

    def small(batch: Batch) -> list[Sample]:
        sizes.append(len(batch.units))
        if len(batch.units) > 2:
            raise TooLargeError
        return answered(batch)

    batches = plan(PROBLEMS[:4], samples=1, batch_size=4, noise_floor=False)
    generate_samples(batches, small, tmp_path / "samples.jsonl", quiet)
    assert sizes == [4, 2, 2, 4, 2, 2]
    assert len(in_order(batches, tmp_path / "samples.jsonl")) == 8


def test_what_does_not_fit_alone_is_an_error(tmp_path: Path) -> None:
    def never(batch: Batch) -> list[Sample]:
        raise TooLargeError

    with pytest.raises(TooLargeError):
        generate_samples(plan(PROBLEMS, 1, 4, noise_floor=False), never, tmp_path / "samples.jsonl", quiet)
