"""What every result file is read into: its answers, row by row, with the scores that they were given."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

OWN = "qwenlab"
"""The kind of our own files."""


class Row(NamedTuple):
    """One answer to one item."""

    item: str
    """The item's name, or its number."""
    scores: Mapping[str, object]
    """By name, as the file has them; what of it is a score is for `scores.py` to say."""
    content: str = ""
    """What tells the item from another of the same name, such as its text or a hash of it; empty: not known."""
    prompt: str = ""
    """What the model was sent, or a hash of it; empty: not known."""
    answer: str = ""


class ResultFile(NamedTuple):
    """A file of per-item results. Rows of one item are several answers to it."""

    path: Path
    kind: str
    """Whose file it is, for people: "lm-eval", "inspect", "qwenlab", "table"."""
    rows: tuple[Row, ...]
    task: str = ""
    """What was evaluated; empty: the file does not say."""
    lower_is_better: frozenset[str] = frozenset()
    """Scores of which the tool says so."""
    notes: tuple[str, ...] = ()

    @property
    def score_names(self) -> list[str]:
        """In the order in which they first appear."""
        return list(dict.fromkeys(name for row in self.rows for name in row.scores))
