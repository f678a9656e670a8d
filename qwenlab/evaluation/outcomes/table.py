"""A table of results: every column may be a score, and one of them says which row is which item."""

from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import ResultFile, Row

ID_COLUMNS = ("id", "item", "item_id", "doc_id", "task_id", "sample_id", "question_id", "name")
"""Columns that name a row, by what they are usually called; the first that is there."""


def read(path: Path, id_column: str | None, alone: bool) -> ResultFile:
    """The rows of any file that data is read from.

    Args:
        id_column: the column that names the items; None: looked for among `ID_COLUMNS`.
        alone: both sides are columns of this one table, so that a row may have its number for a name.

    Raises:
        UserError: it cannot be read, no column names the items, or two rows have the same name.
    """
    from qwenlab.data.files import read_file  # polars loads when rows are read

    found = read_file(path)
    column = id_column or next(
        (name for known in ID_COLUMNS for name in found.frame.columns if name.lower() == known), None
    )
    if column is not None and column not in found.frame.columns:
        near = get_close_matches(column, found.frame.columns, 1)
        there = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(found.frame.columns)}."
        raise UserError(f"{path.name} has no column {column}.", there)
    if column is None and not alone:
        raise UserError(
            f"{path.name} does not say which row is which item: it has none of the columns {', '.join(ID_COLUMNS)}.",
            f"Name the column that does: --id COLUMN. There are: {', '.join(found.frame.columns)}.",
        )
    names = [_name(value) for value in found.frame[column]] if column else _numbers(found.frame.height)
    _check_unique(path, names, column or "")
    rows = found.frame.drop(column).to_dicts() if column else found.frame.to_dicts()
    return ResultFile(
        path=path,
        kind="table",
        rows=tuple(Row(name, scores) for name, scores in zip(names, rows, strict=True)),
        notes=found.notes,
    )


def _name(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _numbers(rows: int) -> list[str]:
    return [f"row {number}" for number in range(1, rows + 1)]


def _check_unique(path: Path, names: list[str], column: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        shown = ", ".join(name or "an empty cell" for name in twice[:3]) + (", …" if len(twice) > 3 else "")
        raise UserError(
            f"{path.name}: names in the column {column} stand in more than one row: {shown}.",
            "Each item has one row; name the column that tells them apart with --id.",
        )
