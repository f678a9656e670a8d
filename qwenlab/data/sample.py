"""The first rows of a source as they stand in it, and as the model sees them: to say which column is what."""

from typing import NamedTuple

import polars as pl

from qwenlab.data.chat_template import Tokenizer
from qwenlab.data.clean import clean
from qwenlab.data.conversations import conversations
from qwenlab.data.dataset import with_system_prompt
from qwenlab.data.files import Table
from qwenlab.data.preview import IN_ORDER, Preview, preview
from qwenlab.data.read import read
from qwenlab.data.thinking import decide
from qwenlab.data.tokens import tokenize
from qwenlab.data.unrecognised import UnrecognisedError
from qwenlab.data.values import is_mixed
from qwenlab.errors import UserError
from qwenlab.files import Record
from qwenlab.recipe import Recipe

HEAD = 2_000
"""Rows by which the columns are recognised: what a column holds is seen in so many."""
SHOWN = 3
"""Rows that are shown as they stand in the source."""
CELL = 400
"""Characters of a value that are shown."""


class Column(Record):
    """A column of the source, and the beginnings of its first values."""

    name: str
    kind: str
    """Its type, in a word."""
    values: list[str]


class Sample(Record):
    """The beginning of a source."""

    file: str
    """The first of its files."""
    columns: list[Column]
    mapping: dict[str, list[str]]
    """Role (or `messages`, `history`, `wanted`) to the columns it is read from, as far as that is known."""
    missing: list[str] = []
    """Roles without which no row can be read, and for which no column is known."""
    fault: str = ""
    """Why the rows cannot be read as they are; empty where they can, or where only a role is missing."""
    preview: Preview | None = None
    """The rows that the rules keep, as the model sees them."""
    notes: list[str] = []
    """What was found out in reading it, such as its encoding."""


class Head(NamedTuple):
    """The first rows of a source, as they were read."""

    table: Table
    notes: list[str]


def head(source: str) -> Head:
    """The first rows of the first file of a source.

    Raises:
        UserError: as `read`.
    """
    found = read(source)
    table = found.tables[0]
    return Head(table._replace(frame=table.frame.head(HEAD).rechunk()), found.notes)


def sample(rows: Head, settings: Recipe, tokenizer: Tokenizer | None) -> Sample:
    """The first rows, their columns' roles, and the rows as the model sees them, where there is a tokenizer.

    Nothing is raised for rows that cannot be read: `fault` or `missing` says what is wrong with them.
    """
    found = Sample(file=rows.table.name, columns=columns(rows.table.frame), mapping={}, notes=rows.notes)
    try:
        shaped, mapping = conversations([rows.table], settings.data.columns)
        found = found.model_copy(update={"mapping": {role: list(names) for role, names in mapping.columns.items()}})
        seen = _seen(shaped, settings, tokenizer) if tokenizer else None
        return found.model_copy(update={"preview": seen})
    except UnrecognisedError as error:
        known = {role: list(names) for role, names in error.known.items()}
        return found.model_copy(update={"mapping": known, "missing": list(error.missing)})
    except UserError as error:
        return found.model_copy(update={"fault": str(error)})


def columns(frame: pl.DataFrame) -> list[Column]:
    """The columns with their first values as texts."""
    first = frame.head(SHOWN)
    return [
        Column(name=name, kind=_kind(dtype), values=[_cell(value) for value in first[name].to_list()])
        for name, dtype in frame.schema.items()
    ]


def _seen(shaped: pl.DataFrame, settings: Recipe, tokenizer: Tokenizer) -> Preview | None:
    kept = clean(shaped.head(SHOWN * IN_ORDER), settings.data).rows
    if kept.is_empty():
        return None
    rows = with_system_prompt(kept.head(IN_ORDER), settings.data.system_prompt)
    how, _ = decide(settings, rows, tokenizer)
    lengths = tokenize(rows, tokenizer, how, settings.data.max_length).row_lengths
    return preview(rows, lengths, tokenizer, how, settings.data.max_length)


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "text"
    if is_mixed(dtype):
        return "text and other values"
    if isinstance(dtype, pl.List | pl.Array):
        return "list"
    if isinstance(dtype, pl.Struct):
        return "object"
    return "number" if dtype.is_numeric() else str(dtype).lower()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    return text if len(text) <= CELL else text[:CELL] + " …"
