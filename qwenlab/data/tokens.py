"""Conversations to tokens: polars rows in, an Arrow table that the trainer reads out, and figures on both."""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from qwenlab.data.chat_template import Rendering, Tokenizer
from qwenlab.data.loss_mask import encode
from qwenlab.data.report import Row, TokenLengths, summary
from qwenlab.errors import UserError

CHUNK_ROWS = 2_000
"""Rows tokenised at once: as Python objects, tokens take many times the room that they take in Arrow."""

SCHEMA = pa.schema({"input_ids": pa.list_(pa.int32()), "assistant_masks": pa.list_(pa.int8())})

SHOWN_ROWS = 5
"""Rows that an error names."""


class Tokenized(NamedTuple):
    """Rows as tokens."""

    table: pa.Table
    """`input_ids` (list of int32) and `assistant_masks` (list of int8, 1: learned), cut at `max_length`. Only examples
    with something to learn, in the frame's order."""
    lengths: pl.Series
    """Tokens of every example, before the cut."""
    learned: pl.Series
    """Tokens that the loss covers, of every example, after the cut."""
    rows: pl.Series
    """Which row of the frame each example is of, from 0. Most rows are one."""
    nothing_to_learn: list[Row]
    """Rows of which no token is learned: they are not in the table."""

    @property
    def row_lengths(self) -> pl.Series:
        """Tokens of every row of the frame before the cut: of its longest example."""
        by_row = pl.DataFrame({"row": self.rows, "tokens": self.lengths}).group_by("row", maintain_order=True)
        return by_row.agg(pl.col("tokens").max())["tokens"]

    @property
    def notes(self) -> list[str]:
        """What the chat template does to the rows, as sentences."""
        split = self.rows.value_counts().filter(pl.col("count") > 1)
        if split.is_empty():
            return []
        examples = split["count"].sum()
        return [
            f"{split.height:,} conversations are trained as {examples:,} examples, each up to one of their answers: "
            "the chat template writes earlier answers otherwise than it asks for them."
        ]


def tokenize(
    frame: pl.DataFrame,
    tokenizer: Tokenizer,
    how: Rendering,
    max_length: int,
    progress: Callable[[int], None] | None = None,
) -> Tokenized:
    """Tokenise conversations, and leave out those that teach nothing once they are cut at `max_length` tokens.

    Args:
        frame: columns `file`, `row` and `messages`, a list of {role, content, reasoning_content, learned}.
        tokenizer: a fast one, with a chat template.
        how: the run's rendering.
        max_length: in tokens.
        progress: called after each chunk with the rows done so far.

    Raises:
        UserError: a row cannot be rendered, which is named; or no row has anything to learn.
    """
    batches: list[pa.RecordBatch] = []
    lengths: list[int] = []
    learned: list[int] = []
    of_row: list[int] = []
    nothing_to_learn: list[Row] = []
    done = 0
    for chunk in frame.iter_slices(CHUNK_ROWS):
        rows = [Row(file=file, row=row) for file, row in chunk.select("file", "row").iter_rows()]
        encoded = encode(chunk["messages"].to_list(), tokenizer, how, max_length, [_named(row) for row in rows])
        counts = [mask.count(1) for mask in encoded.assistant_masks]
        batch = pa.record_batch([encoded.input_ids, encoded.assistant_masks], schema=SCHEMA)
        batches.append(batch.filter(pa.array([count > 0 for count in counts])))
        lengths += encoded.lengths
        learned += counts
        of_row += [done + index for index in encoded.conversations]
        teaching = {index for index, count in zip(encoded.conversations, counts, strict=True) if count}
        nothing_to_learn += [row for index, row in enumerate(rows) if index not in teaching]
        done += chunk.height
        if progress:
            progress(done)
    table = pa.Table.from_batches(batches, schema=SCHEMA)
    if nothing_to_learn and not table.num_rows:
        raise _nothing_at_all(nothing_to_learn, min(lengths), max_length)
    return Tokenized(
        table,
        lengths=pl.Series("lengths", lengths, dtype=pl.Int64),
        learned=pl.Series("learned", learned, dtype=pl.Int64),
        rows=pl.Series("row", of_row, dtype=pl.Int64),
        nothing_to_learn=nothing_to_learn,
    )


def token_lengths(tokenized: Tokenized, max_length: int) -> TokenLengths:
    """The figures for the report, over every example, of which there is at least one.

    `max_length` is the one that the rows were tokenised with.
    """
    lengths = tokenized.lengths
    truncated = int((lengths > max_length).sum())
    return TokenLengths(
        **summary(lengths).model_dump(),
        total=int(lengths.sum()),
        learned_total=int(tokenized.learned.sum()),
        truncated=truncated,
        truncated_share=truncated / len(lengths),
        beyond=int((lengths - max_length).clip(lower_bound=0).sum()),
        percentile_99=int(lengths.quantile(0.99, "higher") or 0),
        nothing_to_learn=tokenized.nothing_to_learn,
    )


def _named(row: Row) -> str:
    return f"row {row.row} of {row.file}"


def _nothing_at_all(rows: list[Row], shortest: int, max_length: int) -> UserError:
    named = ", ".join(_named(row) for row in rows[:SHOWN_ROWS])
    more = f" and {len(rows) - SHOWN_ROWS:,} more" if len(rows) > SHOWN_ROWS else ""
    if shortest > max_length:
        hint = f"Raise data.max_length, which is {max_length}: the shortest row has {shortest:,} tokens."
    else:
        hint = (
            f"Each row needs an assistant's message that begins within data.max_length, which is {max_length} tokens."
        )
    return UserError(f"No row has anything to learn: {named}{more}.", hint)
