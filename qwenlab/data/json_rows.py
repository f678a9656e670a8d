"""JSON to rows, at polars' speed. Where polars refuses, or has not kept what the file says, the careful pass reads."""

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import polars as pl
from polars import selectors

from qwenlab.data import strict_json
from qwenlab.data.content import content, decoded, opened

BLOCK = 2**22
"""Bytes of JSON lines that are read at once."""

GROUP = 16
"""Blocks that are in memory at a time."""


def read_json(path: Path, notes: list[str]) -> pl.DataFrame:
    """JSON lines, a list of objects, or an object that holds one such list.

    Raises:
        UserError: as `strict_json.read`.
    """
    try:
        with opened(path) as stream:
            if stream.peek().lstrip().startswith(b"["):
                data = stream.read()
                return _faithful(pl.read_json(data, infer_schema_length=None), data)
            frame = _json_lines(stream)
    except pl.exceptions.PolarsError:
        return strict_json.read(decoded(content(path), path.name, notes), path.name)
    return strict_json.unwrapped(frame)


def _json_lines(stream: io.BufferedReader) -> pl.DataFrame:
    """Block by block, since polars reads JSON lines on one core, and builds much beside the rows."""
    blocks = iter(lambda: stream.read(BLOCK) + stream.readline(), b"")
    groups = iter(lambda: list(islice(blocks, GROUP)), [])
    with ThreadPoolExecutor() as pool:
        frames = [frame for group in groups for frame in pool.map(_json_block, group)]
    _check_kinds(frames)
    return pl.concat(frames, how="diagonal_relaxed", rechunk=True)


def _json_block(block: bytes) -> pl.DataFrame:
    """Rows of JSON lines.

    Raises:
        PolarsError: polars cannot read them, lost one, or has not kept what they say.
    """
    frame = pl.read_ndjson(block, infer_schema_length=None)
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    if frame.height != lines and frame.height != sum(1 for _ in re.finditer(rb"\S[^\n]*", block)):
        raise pl.exceptions.ComputeError(f"{frame.height} rows in {lines} lines")
    # As polars builds them, nested columns take twice the space of their content; copied, they do not.
    return _faithful(frame.with_columns(selectors.nested().gather(pl.int_range(pl.len()))), block)


def _faithful(frame: pl.DataFrame, data: bytes) -> pl.DataFrame:
    """The frame, if it says what the JSON says.

    Where texts stand in the same place, polars makes JSON text of a list or an object; of two equal keys in an object
    it takes the first, and everybody else the last.

    Raises:
        PolarsError: it has done so.
    """
    fields = [field for column in frame for field in _fields(column)]
    for field in fields:
        if field.dtype == pl.String and field.str.starts_with("[").any() | field.str.starts_with("{").any():
            _refuse(rf'"(?:{_key(field.name)})"\s*:\s*[\[{{]', data, 0, f"{field.name!r} holds more than texts")
    keys, nulls = _keys(data)
    if keys - nulls != sum(field.len() - field.null_count() for field in fields):
        for name in {field.name for field in fields}:
            keys -= len(re.findall(rf'"(?:{_key(name)})"\s*:'.encode(), data))
            most = sum(field.len() - field.null_count() for field in fields if field.name == name)
            _refuse(rf'"(?:{_key(name)})"\s*:(?!\s*(?:null|\{{\s*\}}))', data, most, f"{name!r} stands twice")
        if keys > 0:
            raise pl.exceptions.ComputeError(f"{keys} keys are in no column")
    return frame


def _keys(data: bytes) -> tuple[int, int]:
    """How many keys there are, and how many of them are plainly null.

    No other quote stands before a colon, but for those inside texts, which are escaped.
    """
    characters = np.frombuffer(data, np.uint8)
    before = np.flatnonzero((characters[1:-1] == ord('"')) & (characters[2:] == ord(":")))
    before = before[characters[before] != ord("\\")]
    last = len(characters) - 1
    value = characters[np.minimum(before + 3, last)]
    value = np.where(value == ord(" "), characters[np.minimum(before + 4, last)], value)
    return len(before), int(np.count_nonzero(value == ord("n")))


def _fields(values: pl.Series) -> Iterator[pl.Series]:
    """A column, and all fields of the objects in it."""
    yield values
    while isinstance(values.dtype, pl.List):
        values = values.drop_nulls().explode()
    if isinstance(values.dtype, pl.Struct):
        for field in values.dtype.fields:
            yield from _fields(values.struct.field(field.name))


def _key(name: str) -> str:
    """A pattern for a key as it may be written: as it is, or in escapes."""
    return "|".join(re.escape(json.dumps(name, ensure_ascii=ascii_)[1:-1]) for ascii_ in (False, True))


def _refuse(pattern: str, data: bytes, most: int, why: str) -> None:
    if sum(1 for _ in islice(re.finditer(pattern.encode(), data), most + 1)) > most:
        raise pl.exceptions.ComputeError(why)


def _check_kinds(frames: list[pl.DataFrame]) -> None:
    """polars puts blocks together even where one has texts and another lists, or truth values and numbers."""
    kinds: dict[str, set[pl.DataType]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            kinds.setdefault(name, set()).add(dtype)
    for name, dtypes in kinds.items():
        if not all(_agree(one, other) for one, other in combinations(dtypes, 2)):
            raise pl.exceptions.ComputeError(f"{name!r} is of several kinds")


def _agree(one: pl.DataType, other: pl.DataType) -> bool:
    """Whether values of both types say the same once they stand in one column."""
    if one == other or pl.Null in (one, other) or (one.is_numeric() and other.is_numeric()):
        return True
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        return _agree(one.inner, other.inner)  # type: ignore[arg-type]
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        ours, theirs = dict(one), dict(other)
        return all(_agree(ours[name], theirs[name]) for name in ours.keys() & theirs.keys())  # type: ignore[arg-type]
    scalar = other if one == pl.String else one
    return pl.String in (one, other) and (scalar.is_integer() or scalar == pl.Boolean)
