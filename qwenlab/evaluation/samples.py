"""samples.jsonl: what the models answered, a line an answer, appended as it is generated."""

from typing import Literal

from qwenlab.files import Record

Side = Literal["base", "tuned", "base_again"]
"""`base_again` is the base a second time: what differs between the two is noise."""


class Sample(Record):
    """One answer to one problem."""

    problem: str
    model: Side
    sample: int
    """From 0; several answers to the same problem."""
    answer: str
    """Without the reasoning."""
    reasoning: str = ""
    tokens: int
    """Of both."""
    truncated: bool
    """It ran out of tokens before its end."""
    cut_thinking: bool = False
    """It did so before its reasoning ended."""
