"""samples.jsonl: what the models answered, a line an answer, appended as it is generated."""

from collections.abc import Sequence
from typing import Literal

from qwenlab.files import Record

Side = Literal["base", "tuned", "base_again"]
"""`base_again` is the base a second time: what differs between the two is noise."""


class Sample(Record):
    """One answer to one item."""

    item: str
    model: Side
    sample: int
    """From 0; several answers to the same item."""
    answer: str
    """Without the reasoning."""
    reasoning: str = ""
    tokens: int
    """Of both."""
    truncated: bool
    """It ran out of tokens before its end."""
    cut_thinking: bool = False
    """It did so before its reasoning ended."""


def same_throughout(samples: Sequence[Sample]) -> int:
    """The number of answers of either side, where those of base and tuned are the same letter for letter; else 0."""
    base, tuned = (
        {(one.item, one.sample): (one.reasoning, one.answer) for one in samples if one.model == side}
        for side in ("base", "tuned")
    )
    return len(base) if base == tuned else 0
