"""Who answers what in which order: the same batches for base and tuned, and the same again after a kill.

Answers depend a little on what else is in their batch. So a batch is made once, for both sides alike, and a batch that
was cut short by a kill is answered again as a whole. A server batches as it likes: of its answers each is kept.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.answering.answerer import BASE, Answer, Answerer, Ask, Listener, Sampling, TooLargeError
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.files import append_lines, read_lines, rewrite_lines
from qwenlab.recipe import EvaluateSettings

TUNED = "tuned"
"""The name under which the adapter answers."""

SEED_BYTES = 8


class Unit(NamedTuple):
    """One answer to be had from each side."""

    item: Item
    sample: int


class Batch(NamedTuple):
    """Units that are answered together by one side."""

    side: Side
    units: tuple[Unit, ...]

    @property
    def keys(self) -> list[tuple[str, Side, int]]:
        return [(unit.item.name, self.side, unit.sample) for unit in self.units]

    def without(self, keys: Collection[tuple[str, Side, int]]) -> "Batch":
        """Its other units."""
        pairs = zip(self.units, self.keys, strict=True)
        return Batch(self.side, tuple(unit for unit, key in pairs if key not in keys))


def plan(items: Sequence[Item], samples: int, batch_size: int, noise_floor: bool) -> list[Batch]:
    """All batches. Long questions come first, so that what does not fit into memory shows at once.

    For the noise floor the base answers again, in the other order and in smaller batches: what differs then is what
    batching alone can change.
    """
    units = [Unit(item, sample) for item in items for sample in range(samples)]
    units.sort(key=lambda unit: (-len(unit.item.shown), unit.item.name, unit.sample))
    sides: tuple[Side, ...] = ("base", "tuned")
    batches = [Batch(side, part) for part in _parts(units, batch_size) for side in sides]
    if noise_floor:
        batches += [Batch("base_again", part) for part in _parts(units[::-1], (batch_size + 1) // 2)]
    return batches


def sample_seed(seed: int, side: Side, unit: Unit) -> int:
    """The seed of one sampled answer: the same for base and tuned, another for the base's second run."""
    text = f"{seed} {side == 'base_again'} {unit.item.name} {unit.sample}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:SEED_BYTES], "big") >> 1  # torch's are signed


def unanswered(batches: Sequence[Batch], path: Path, parts: bool = False) -> list[Batch]:
    """What is left to do: the batches that are not whole in the file; what is there of them is taken out.

    `parts`: what is there of a batch stays, and only the rest of it is left to do.
    """
    found = {(sample.item, sample.model, sample.sample): sample for sample in read_lines(path, Sample)}
    done = [batch for batch in batches if found.keys() >= set(batch.keys)]
    kept = [found[key] for batch in (batches if parts else done) for key in batch.keys if key in found]
    if path.exists():
        rewrite_lines(path, kept)  # also without a torn line, which would swallow the next one
    todo = [batch for batch in batches if batch not in done]
    return [batch.without(found.keys()) for batch in todo] if parts else todo


def generate_samples(
    batches: Sequence[Batch],
    answerer: Answerer,
    settings: EvaluateSettings,
    path: Path,
    progress: Callable[[Side, list[Sample], float], None],
    thinking: bool | None = None,
    parts: bool = False,
) -> None:
    """Have each batch answered and append its samples.

    Args:
        progress: told of every batch, with the seconds it took.
        thinking: whether both sides think first; None: as the chat template does of itself.
        parts: of a batch that fails, keep the answers that came.

    Raises:
        UserError: a server cannot be asked, or even one answer at a time does not fit into the memory.
    """

    def keep(batch: Batch, samples: list[Sample], began: float) -> None:
        append_lines(path, samples)
        progress(batch.side, samples, time.monotonic() - began)

    for batch in batches:
        began, came = time.monotonic(), _Came()
        try:
            samples = answer_batch(batch, answerer, settings, thinking, came)
        except (UserError, KeyboardInterrupt):
            if parts:
                keep(batch, [_sample(batch.side, batch.units[row], answer) for row, answer in came.answers], began)
            raise
        keep(batch, samples, began)


def in_order(batches: Sequence[Batch], path: Path) -> list[Sample]:
    """All samples in the order of the batches, however they came to be in the file."""
    found = {(sample.item, sample.model, sample.sample): sample for sample in read_lines(path, Sample)}
    return [found[key] for batch in batches for key in batch.keys]


class _Came(Listener):
    """Keeps the answers that came to their end, by the number of their unit."""

    hears_pieces = False

    def __init__(self) -> None:
        self.answers: list[tuple[int, Answer]] = []

    def done(self, row: int, answer: Answer) -> None:
        if answer.finish != "cancelled":
            self.answers.append((row, answer))


def answer_batch(
    batch: Batch,
    answerer: Answerer,
    settings: EvaluateSettings,
    thinking: bool | None = None,
    listener: Listener | None = None,
) -> list[Sample]:
    """A sample for each unit, in order; in halves, of which nobody hears, where the memory is too small for the whole.

    Raises:
        As `generate_samples`.
    """
    try:
        answers = answerer.answer([_ask(batch.side, unit, settings, thinking) for unit in batch.units], listener)
    except TooLargeError:
        if len(batch.units) == 1:
            raise
    else:
        return [_sample(batch.side, *pair) for pair in zip(batch.units, answers, strict=True)]
    middle = len(batch.units) // 2
    halves = (Batch(batch.side, batch.units[:middle]), Batch(batch.side, batch.units[middle:]))
    return [sample for half in halves for sample in answer_batch(half, answerer, settings, thinking)]


def _ask(side: Side, unit: Unit, settings: EvaluateSettings, thinking: bool | None) -> Ask:
    seed = sample_seed(settings.seed, side, unit)
    sampling = Sampling(
        settings.max_new_tokens, settings.temperature, settings.top_p, seed, settings.max_thinking_tokens
    )
    # A question that fills the whole context leaves no room: no answer, and cut short.
    return Ask(unit.item.messages, sampling, TUNED if side == "tuned" else BASE, thinking, shorten=True)


def _sample(side: Side, unit: Unit, answer: Answer) -> Sample:
    return Sample(
        item=unit.item.name,
        model=side,
        sample=unit.sample,
        answer=answer.text,
        reasoning=answer.reasoning,
        tokens=answer.tokens,
        truncated=answer.is_cut,
        cut_thinking=answer.finish == "thinking",
    )


def _parts(units: Sequence[Unit], size: int) -> Iterator[tuple[Unit, ...]]:
    for begin in range(0, len(units), size):
        yield tuple(units[begin : begin + size])
