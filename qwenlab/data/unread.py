"""What is not read, or not learned, though a data set has it for a reason: told with a count, never in silence."""

from collections.abc import Sequence

import polars as pl

from qwenlab.data.column_mapping import HISTORY, REASONING, WANTED, Mapping
from qwenlab.data.files import Table
from qwenlab.data.turns import LEARNED, is_there

KNOWN = (
    *("tools", "tool_calls", "functions", "image", "images", "video", "videos", "audio", "audios"),
    *(*HISTORY, *REASONING, *WANTED, *LEARNED, "system", "system_prompt"),
)
"""Columns that change what a row means."""


def unread_notes(tables: Sequence[Table], mapping: Mapping) -> list[str]:
    """A sentence for each column of that kind that the mapping does not read."""
    read = {column for columns in mapping.columns.values() for column in columns}
    counts: dict[str, int] = {}
    for table in tables:
        for column, dtype in table.frame.schema.items():
            if column.lower() in KNOWN and column not in read:
                held = table.frame.select(is_there(pl.col(column), dtype).sum()).item()
                counts[column] = counts.get(column, 0) + held
    return [f"The column {column} is not read; {count:,} rows have it." for column, count in counts.items() if count]


def unlearned_note(rows: pl.DataFrame) -> list[str]:
    """A sentence on the turns that the rows themselves keep out of the loss, if there are any."""
    turns = rows.select("messages").explode("messages").unnest("messages")
    count = turns.filter(pl.col("learned").eq(False)).height
    fields = ", ".join(name for name in LEARNED if name != "learned")
    return [f"{count:,} turns of assistants are not learned: their rows say so ({fields})."] if count else []
