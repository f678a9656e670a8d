"""Some rows as the model sees them, to look at before anything trains: context, what is learned, what is cut."""

from itertools import groupby
from typing import Literal

import polars as pl

from qwenlab.data.chat_template import Message, Rendering, Tokenizer, own_system_message
from qwenlab.data.loss_mask import Tokens, example_tokens
from qwenlab.data.report import Row
from qwenlab.files import Record

Kind = Literal["context", "learned", "cut"]

Why = Literal["in order", "longest", "cut"]

IN_ORDER = 20
WORST = 10
"""Rows that are shown from the top, and of each bad kind."""


class PreviewRow(Row):
    """One example of a conversation through the chat template."""

    why: Why
    tokens: int
    """Before the cut."""
    learned: int
    """Tokens that the loss covers, after the cut."""
    pieces: list[tuple[str, Kind]]
    """Together the whole text. A piece ends where a token does."""
    system: str | None = None
    """The conversation's own system message; None: it has none, and the template may write one."""


class Preview(Record):
    """The rows that are shown: some in order, the longest, and some of those that are cut."""

    max_length: int
    rows: list[PreviewRow]
    template_system: str = ""
    """The system message that the chat template writes where a conversation has none; empty: it writes none."""


def preview(frame: pl.DataFrame, lengths: pl.Series, tokenizer: Tokenizer, how: Rendering, max_length: int) -> Preview:
    """Choose rows and render them.

    Args:
        frame: columns `file`, `row` and `messages`.
        lengths: tokens of each row before the cut.
        tokenizer: a fast one, with a chat template.
        how: the run's rendering.
        max_length: in tokens.
    """
    rows = frame.with_columns(lengths.alias("tokens"))
    longest = rows.sort("tokens", descending=True, maintain_order=True)
    cut = rows.filter(pl.col("tokens") > max_length)
    chosen: list[tuple[Why, pl.DataFrame]] = [
        ("in order", rows.head(IN_ORDER)),
        ("longest", longest.head(WORST)),
        ("cut", cut.head(WORST)),
    ]
    return Preview(
        max_length=max_length,
        template_system=own_system_message(tokenizer),
        rows=[
            _row(row, why, example, max_length)
            for why, part in chosen
            for row in part.iter_rows(named=True)
            for example in example_tokens(row["messages"], tokenizer, how)
        ],
    )


def _row(row: dict[str, object], why: Why, example: Tokens, max_length: int) -> PreviewRow:
    text, spans, mask = example
    kinds: list[Kind] = [
        "cut" if index >= max_length else "learned" if learned else "context" for index, learned in enumerate(mask)
    ]
    # Each token's text reaches to where the next begins, so that nothing between two tokens is lost.
    starts = [0, *(start for start, _ in spans[1:]), len(text)]
    pieces = [(text[starts[index] : starts[index + 1]], kind) for index, kind in enumerate(kinds)]
    merged = [("".join(piece for piece, _ in group), kind) for kind, group in groupby(pieces, key=lambda pair: pair[1])]
    messages: list[Message] = row["messages"]  # type: ignore[assignment]
    return PreviewRow(
        file=str(row["file"]),
        row=int(row["row"]),  # type: ignore[call-overload]
        why=why,
        tokens=len(mask),
        learned=kinds.count("learned"),
        pieces=merged,
        system=next((message["content"] for message in messages if message["role"] == "system"), None),
    )
