"""Turns that stand in a file as text: CSV has no lists, so conversations are written there as JSON, or as Python."""

import ast
import json
from typing import Any

import polars as pl

from qwenlab.data import strict_json
from qwenlab.data.column_mapping import HISTORY, MESSAGES
from qwenlab.data.files import Table
from qwenlab.data.values import OTHER, TEXT, is_mixed, without_halves


def with_turns(table: Table, named: str | None) -> Table:
    """The table, in which columns of turns, by their usual names or `named`, hold lists where they were texts.

    A value that is no list becomes one turn of which nothing is text, so that a rule drops its row and says why. A
    column without any list stays as it is.
    """
    names = {*MESSAGES, *HISTORY, (named or "").strip().lower()}
    parsed = [_parsed(values) for values in table.frame if values.name.lower() in names]
    return table._replace(frame=table.frame.with_columns(column for column in parsed if column is not None))


def _parsed(values: pl.Series) -> pl.Series | None:
    if values.dtype != pl.String and not is_mixed(values.dtype):
        return None
    texts = values if values.dtype == pl.String else values.struct.field(OTHER).fill_null(values.struct.field(TEXT))
    first = texts.drop_nulls().head(1)
    lists = [None if text is None else _list(text) for text in texts] if first.str.contains(r"^\s*\[").any() else []
    if not any(lists):
        return None
    wrong = [[{"role": "user", "content": {"no list": text}}] for text in texts]
    return strict_json.column(
        values.name,
        [wrong[row] if found is None and texts[row] is not None else found for row, found in enumerate(lists)],
    )


def _list(text: str) -> list[Any] | None:
    """The list that the text writes out; None where it is none."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = without_halves(read(text), text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None
