"""What a judge model is to compare: the first answers of base and tuned to the same question."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from qwenlab.answering.answerer import Messages
from qwenlab.evaluation.item import Item, Reference
from qwenlab.evaluation.samples import Sample

Compared = Literal["base", "tuned"]


class Pair(NamedTuple):
    """Two answers to one question."""

    name: str
    messages: Messages
    """The conversation that both answered."""
    base: str
    tuned: str
    reference: str | None = None
    """The data's own answer, where the item has no other way to be scored."""

    @property
    def is_identical(self) -> bool:
        """Both say the same, but for the white space around it."""
        return self.base.strip() == self.tuned.strip()

    def answer(self, side: Compared) -> str:
        """What the side answered."""
        return self.base if side == "base" else self.tuned


def is_free_text(item: Item) -> bool:
    """Whether nothing but a reader can say which of two answers is better."""
    return isinstance(item.task, Reference)


def pairs(items: Sequence[Item], samples: Sequence[Sample]) -> Iterator[Pair]:
    """In the order of the items; those without a first answer of both sides are passed over."""
    first = {(sample.item, sample.model): sample.answer for sample in samples if sample.sample == 0}
    for item in items:
        base, tuned = first.get((item.name, "base")), first.get((item.name, "tuned"))
        if base is not None and tuned is not None:
            reference = item.task.answer if isinstance(item.task, Reference) else None
            yield Pair(item.name, item.messages, base, tuned, reference)
