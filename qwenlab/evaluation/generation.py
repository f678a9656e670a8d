"""Who answers what in which order: the same batches for base and tuned, and the same again after a kill.

Answers depend a little on what else is in their batch. So a batch is made once, for both sides alike, and a batch that
was cut short by a kill is answered again as a whole.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.evaluation.problem import Problem
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.files import append_lines, read_lines, rewrite_lines

SEED_BYTES = 8


class Unit(NamedTuple):
    """One answer to be had from each side."""

    problem: Problem
    sample: int


class Batch(NamedTuple):
    """Units that are answered together by one side."""

    side: Side
    units: tuple[Unit, ...]

    @property
    def keys(self) -> list[tuple[str, Side, int]]:
        return [(unit.problem.name, self.side, unit.sample) for unit in self.units]


class TooLargeError(Exception):
    """The memory does not suffice for a batch of this size."""


Answerer = Callable[[Batch], list[Sample]]
"""Answers a batch: one sample for each unit, in order. May raise TooLargeError."""


def plan(problems: Sequence[Problem], samples: int, batch_size: int, noise_floor: bool) -> list[Batch]:
    """All batches. Long statements come first, so that what does not fit into memory shows at once.

    For the noise floor the base answers again, in the other order and in smaller batches: what differs then is what
    batching alone can change.
    """
    units = [Unit(problem, sample) for problem in problems for sample in range(samples)]
    units.sort(key=lambda unit: (-len(unit.problem.description), unit.problem.name, unit.sample))
    sides: tuple[Side, ...] = ("base", "tuned")
    batches = [Batch(side, part) for part in _parts(units, batch_size) for side in sides]
    if noise_floor:
        batches += [Batch("base_again", part) for part in _parts(units[::-1], (batch_size + 1) // 2)]
    return batches


def sample_seed(seed: int, side: Side, unit: Unit) -> int:
    """The seed of one sampled answer: the same for base and tuned, another for the base's second run."""
    text = f"{seed} {side == 'base_again'} {unit.problem.name} {unit.sample}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:SEED_BYTES], "big") >> 1  # torch's are signed


def unanswered(batches: Sequence[Batch], path: Path) -> list[Batch]:
    """The batches that are not whole in the file; what is there of them is taken out."""
    found = {(sample.problem, sample.model, sample.sample): sample for sample in read_lines(path, Sample)}
    whole = [batch for batch in batches if found.keys() >= set(batch.keys)]
    kept = [found[key] for batch in whole for key in batch.keys]
    if path.exists():
        rewrite_lines(path, kept)  # also without a torn line, which would swallow the next one
    return [batch for batch in batches if batch not in whole]


def generate_samples(
    batches: Sequence[Batch], answer: Answerer, path: Path, progress: Callable[[Side, list[Sample], float], None]
) -> None:
    """Answer each batch and append its samples; `progress` is told of every one, with the seconds it took.

    Raises:
        TooLargeError: even one answer at a time does not fit.
    """
    for batch in batches:
        began = time.monotonic()
        samples = _answered(batch, answer)
        append_lines(path, samples)
        progress(batch.side, samples, time.monotonic() - began)


def in_order(batches: Sequence[Batch], path: Path) -> list[Sample]:
    """All samples in the order of the batches, however they came to be in the file."""
    found = {(sample.problem, sample.model, sample.sample): sample for sample in read_lines(path, Sample)}
    return [found[key] for batch in batches for key in batch.keys]


def _answered(batch: Batch, answer: Answerer) -> list[Sample]:
    """In halves where the memory is too small for the whole."""
    try:
        return answer(batch)
    except TooLargeError:
        if len(batch.units) == 1:
            raise
    middle = len(batch.units) // 2
    halves = (Batch(batch.side, batch.units[:middle]), Batch(batch.side, batch.units[middle:]))
    return [sample for half in halves for sample in _answered(half, answer)]


def _parts(units: Sequence[Unit], size: int) -> Iterator[tuple[Unit, ...]]:
    for begin in range(0, len(units), size):
        yield tuple(units[begin : begin + size])
