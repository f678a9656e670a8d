"""The careful pass over JSON: Python reads what polars cannot, to name the line at fault, or to read it after all."""

import json
from typing import Any

import polars as pl

from qwenlab.data.values import MIXED, of_one_kind, spoken, without_halves
from qwenlab.errors import UserError

SPOT = 30
"""Characters shown on either side of a fault."""


def read(text: str, name: str) -> pl.DataFrame:
    """JSON lines, a list of objects, or an object that holds one such list.

    Numbers among texts become texts; where lists or objects stand among texts, the column is `MIXED`.

    Raises:
        UserError: names the line, the character and what stands there.
    """
    first_line = text.lstrip().partition("\n")[0]
    if first_line.startswith("["):
        return _from_objects([(row, value) for row, value in enumerate(_loads(text, name), 1)], name, "row")
    if first_line.rstrip().endswith("}"):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return _from_objects([(number, _loads(line, name, number)) for number, line in lines], name, "line")
    # An object over many lines.
    return unwrapped(_from_objects([(1, _loads(text, name))], name, "line"))


def unwrapped(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows inside `{"data": [...]}`: of a row that is nothing but one list of objects, that list.

    A list of turns is not taken for one: a single conversation stays a single row.
    """
    if frame.shape != (1, 1):
        return frame
    ((column, dtype),) = frame.schema.items()
    if not (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)):
        return frame
    fields = {field.name for field in dtype.inner.fields}
    return frame if fields & {"role", "from"} else frame.explode(column).unnest(column)


def column(name: str, values: list[Any]) -> pl.Series:
    """One column of JSON values, with the types that polars finds in it."""
    try:
        lines = "\n".join(json.dumps({name: value}) for value in of_one_kind(values))
        return pl.read_ndjson(lines.encode(), infer_schema_length=None).to_series()
    except (pl.exceptions.PolarsError, RecursionError):
        return pl.Series(name, [spoken(value) for value in values], MIXED)


def _from_objects(values: list[tuple[int, Any]], name: str, where: str) -> pl.DataFrame:
    """A table of numbered JSON values, all of which must be objects."""
    for number, value in values:
        if not isinstance(value, dict):
            raise UserError(
                f"{name}, {where} {number}: a row must be an object, and here is {_kind(value)}: {_cut(value)}",
                'For instance: {"question": "...", "answer": "..."}',
            )
    objects = [value for _, value in values]
    columns = dict.fromkeys(key for value in objects for key in value)
    return pl.DataFrame([column(key, [value.get(key) for value in objects]) for key in columns])


def _loads(text: str, name: str, line: int = 1) -> Any:
    """The JSON value that is the whole of `text`, which begins on this line of the file."""
    try:
        return without_halves(json.loads(text), text)
    except json.JSONDecodeError as error:
        before, after = text[max(error.pos - SPOT, 0) : error.pos], text[error.pos : error.pos + SPOT]
        raise UserError(
            f"{name}, line {line + error.lineno - 1}, character {error.colno}: {error.msg}, at the mark: "
            f"{_plain(before)} >>> {_plain(after)}",
            "Mend or delete this line.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}, line {line}: {error}.", "Mend or delete this line.") from None


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _cut(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2 * SPOT else f"{text[: 2 * SPOT]}..."


def _plain(text: str) -> str:
    """On one line, and without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)
