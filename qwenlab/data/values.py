"""What may stand where a text should: numbers and truth values are texts, parts of type text are joined, and the rest
is kept apart, so that nobody trains on the JSON of a list without knowing.
"""

import json
import re
from typing import Any

import polars as pl

from qwenlab.tags import CLOSING, OPENING

TEXT, OTHER = "text", "no text"
MIXED = pl.Struct({TEXT: pl.String, OTHER: pl.String})
"""A place of a file that holds texts, and lists or objects beside them: each value is one of both, these as JSON."""

TEXT_PARTS = ("text", "input_text", "output_text", None)
"""Types of a content's parts whose `text` is what was said."""

SURROGATE = re.compile(r"\\[uU][dD][89a-fA-F]|[\ud800-\udfff]")

REASONING_PARTS = ("thinking", "reasoning")


def is_plain(dtype: pl.DataType) -> bool:
    """Whether every value is a text, or a number or truth value, which are texts too; so is a column without any."""
    return is_text(dtype) or dtype.is_numeric() or dtype == pl.Boolean


def is_text(dtype: pl.DataType) -> bool:
    """Whether the column was written as texts. One without any value may have been."""
    return dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)


def is_readable(dtype: pl.DataType) -> bool:
    """Whether some of the values can be texts."""
    return is_plain(dtype) or is_mixed(dtype) or _holds_parts(dtype)


def is_mixed(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Struct) and {field.name for field in dtype.fields} == {TEXT, OTHER}


def as_text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Plain values as texts; a whole number that stands among fractions is written without its `.0`."""
    if not dtype.is_float():
        return values.cast(pl.String)
    whole = values.cast(pl.Int64, strict=False)
    return pl.when(whole == values).then(whole.cast(pl.String)).otherwise(values.cast(pl.String))


def resolved(values: pl.Series) -> pl.Series:
    """A column of the kind `MIXED`: readable values that are not plain, parts joined and what is no text as JSON."""
    if is_mixed(values.dtype):
        texts = values.struct.field(TEXT)
        others = [None if value is None else spoken(json.loads(value)) for value in values.struct.field(OTHER)]
        both = [other or {TEXT: text, OTHER: None} for text, other in zip(texts, others, strict=True)]
    else:
        both = [{TEXT: None, OTHER: None} if value is None else spoken(value) for value in values.to_list()]
    return pl.Series(values.name, both, MIXED)


def spoken(value: Any) -> dict[str, str | None]:
    """A value as one of `MIXED`. Reasoning among the parts of a content is put as a Thinking model writes it."""
    if value is None or isinstance(value, str | bool | int | float):
        return {TEXT: _scalar(value), OTHER: None}
    if isinstance(value, list) and value:
        parts = [_part(part) for part in value]
        if None not in parts:
            return {TEXT: "".join(map(str, parts)), OTHER: None}
    return {TEXT: None, OTHER: json.dumps(value, ensure_ascii=False, default=str)}


def without_halves(value: Any, text: str) -> Any:
    """The JSON value of a text. Half a surrogate pair, which JSON can write and no file can hold, is an encoding fault.

    It becomes U+FFFD, so that the rule on encoding drops its row.
    """
    return _whole(value) if SURROGATE.search(text) else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def of_one_kind(values: list[Any]) -> list[Any]:
    """JSON values that stand in one place, so that a column can hold them: mixed scalars as texts, or `MIXED`."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {list}:
        items = iter(of_one_kind([item for value in values if value for item in value]))
        return [value and [next(items) for _ in value] for value in values]
    if kinds == {dict}:
        objects = [value for value in values if value is not None]
        fields = {
            key: iter(of_one_kind([value[key] for value in objects if key in value]))
            for key in dict.fromkeys(key for value in objects for key in value)
        }
        return [value and {key: next(fields[key]) for key in value} for value in values]
    if len(kinds) <= 1 or kinds == {int, float}:
        return values
    if not kinds & {list, dict}:
        return [_scalar(value) for value in values]
    return [None if value is None else _one_of_both(value) for value in values]


def _one_of_both(value: Any) -> dict[str, str | None]:
    if isinstance(value, list | dict):
        return {TEXT: None, OTHER: json.dumps(value, ensure_ascii=False)}
    return {TEXT: _scalar(value), OTHER: None}


def _scalar(value: str | bool | int | float | None) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str | None) else json.dumps(value)


def _part(part: Any) -> str | None:
    """What a part of a content says; None: it is a picture, or something else that is no text."""
    if not isinstance(part, dict):
        return None
    kind, text = part.get("type"), part.get("text")
    if kind in TEXT_PARTS and isinstance(text, str):
        return text
    thought = next((part[name] for name in REASONING_PARTS if isinstance(part.get(name), str)), text)
    return f"{OPENING}\n{thought}\n{CLOSING}\n\n" if kind in REASONING_PARTS and isinstance(thought, str) else None


def _holds_parts(dtype: pl.DataType) -> bool:
    if not (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)):
        return False
    names = {field.name for field in dtype.inner.fields}
    return "text" in names and "role" not in names
