"""From the name of a source to tables: a file, a folder, a hub data set, or the bundled one."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from qwenlab.data.files import Table, data_suffix, read_file, with_plain_names
from qwenlab.data.folder import data_files, training_files
from qwenlab.data.hub import read_hub
from qwenlab.errors import UserError
from qwenlab.hub import UnavailableError
from qwenlab.recipe import TINY
from qwenlab.tiny import TRAIN_FILE

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+)?")

TEXT_COLUMNS = ("description", "question", "problem", "prompt", "text")
"""Where problems to compare with stand; without any of these, in the first column of texts."""


class Source(NamedTuple):
    """What was read, and from where."""

    name: str
    tables: list[Table]
    notes: list[str]

    @property
    def sha256(self) -> str | None:
        """Of one file, its own; of several, that of their list as `sha256sum` prints it inside their folder."""
        if len(self.tables) == 1:
            return self.tables[0].sha256
        listing = "".join(f"{table.sha256}  {table.name}\n" for table in self.tables)
        return hashlib.sha256(listing.encode()).hexdigest()


def read(source: str, fallback: Sequence[str] = ()) -> Source:
    """Read a source, or the first fallback that can be had where a hub data set cannot.

    Raises:
        UserError: nothing of it can be had, or what is there cannot be read.
    """
    try:
        return _read_one(source, [])
    except UnavailableError as error:
        if not fallback:
            raise
        first = error
    notes = [first.message]
    for other in fallback:
        try:
            return _read_one(other, [*notes, f"{other} was used instead of {source}."])
        except UnavailableError as error:
            notes.append(error.message)
    raise UserError("\n".join(notes), first.hint)


def read_texts(path: Path) -> pl.DataFrame:
    """The problems, or whatever texts, of a file or folder: `file`, `row`, `text`.

    Raises:
        UserError: it cannot be read, or has no column of texts.
    """
    frames = []
    for table in map(read_file, data_files(path)):
        by_name = {column.lower(): column for column, dtype in table.frame.schema.items() if dtype == pl.String}
        column = next((by_name[name] for name in (*TEXT_COLUMNS, *by_name) if name in by_name), None)
        if column is None:
            raise UserError(f"{table.name} has no column of texts.", f"Looked for: {', '.join(TEXT_COLUMNS)}.")
        text = table.frame.select(text=pl.col(column)).with_row_index("row", 1)
        frames.append(text.select(pl.lit(table.name).alias("file"), "row", "text"))
    return pl.concat(frames)


def _read_one(source: str, notes: list[str]) -> Source:
    if source == TINY:
        return Source(source, [Table(source, read_file(TRAIN_FILE).frame)], notes)
    path = Path(source).expanduser()
    if source and (path.exists() or data_suffix(path) or source.startswith((".", "/", "~"))):
        files, left_out = training_files(path)
        tables = [read_file(file) for file in files]
        return Source(source, tables, [*notes, *left_out, *(note for table in tables for note in table.notes)])
    if not HUB_ID.fullmatch(source):
        raise UserError(
            f"{source!r} is neither a file or folder here nor the name of a hub data set.",
            "Files end in .jsonl, .json, .csv, .xlsx, .parquet; hub data sets are org/name or org/name:configuration.",
        )
    return Source(source, [Table(source, with_plain_names(read_hub(source, notes)))], notes)
