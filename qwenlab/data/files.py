"""One data file as a table. polars reads it; where polars refuses, or may have filled a gap, the careful pass looks."""

import difflib
import hashlib
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
from polars import selectors

from qwenlab.data import strict_parsers
from qwenlab.errors import UserError

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}

BLOCK = 2**22
"""Bytes of JSON lines that are read at once."""

GROUP = 16
"""Blocks that are in memory at a time."""

# What a file is by its first bytes, whatever its name says.
SIGNATURES = {b"PAR1": ".parquet", b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"PK\x03\x04": ".zip or .xlsx"}


class Table(NamedTuple):
    """Rows in their order; `name` is what messages and the report call the file."""

    name: str
    frame: pl.DataFrame
    sha256: str | None = None
    """Of the file's bytes; None where the rows come from no file."""


def data_suffix(path: Path) -> str:
    """The suffix that says how a file is read, below any .gz or .zst; empty for other files."""
    inner = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    suffix = inner.suffix.lower()
    return suffix if suffix in READERS else ""


def data_files(path: Path) -> list[Path]:
    """The file itself, or the data files of a folder by name.

    Raises:
        UserError: nothing is there, it is not a data file, or the folder holds none.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and data_suffix(file))
        if not files:
            raise UserError(
                f"There is no data file in the folder {path}.", f"{_readable()} Subfolders are not searched."
            )
        return files
    if not path.exists():
        raise UserError(f"There is no file {path}.", _near(path))
    if not data_suffix(path):
        raise UserError(f"{path} has a suffix that is not known.", _readable())
    return [path]


def read_file(path: Path) -> Table:
    """Read one file.

    Raises:
        UserError: it cannot be read; the message names the file, and the line or row where the fault is.
    """
    name, suffix = path.name, data_suffix(path)
    try:
        _check_beginning(path, suffix)
        frame = READERS[suffix](path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        hint = "Look at its permissions. If it is compressed, it may be cut short: copy or download it again."
        raise UserError(f"{name} cannot be read: {error.strerror or error}.", hint) from None
    if frame.is_empty():
        raise UserError(f"{name} has no rows.", "A data file has at least one row.")
    return Table(name, frame, sha256)


def _opened(path: Path) -> io.BufferedReader:
    """The file's content, decompressed as it is read."""
    return io.BufferedReader(pa.input_stream(str(path), compression=COMPRESSED.get(path.suffix.lower())))


def _content(path: Path) -> bytes:
    with _opened(path) as stream:
        return stream.read()


def _check_beginning(path: Path, suffix: str) -> None:
    with _opened(path) as stream:
        beginning = stream.read(100)
        is_empty = not beginning.strip() and not stream.read().strip()
    if is_empty:
        raise UserError(f"{path.name} is empty.", "A data file has at least one row.")
    for signature, kind in SIGNATURES.items():
        if beginning.startswith(signature) and kind != suffix:
            raise UserError(f"{path.name} is not what its suffix says: its content is {kind}.", "Rename or convert it.")


def _parquet(path: Path) -> pl.DataFrame:
    data = _content(path)
    try:
        return pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).removeprefix("parquet: ")
        raise UserError(
            f"{path.name} is not readable as Parquet: {reason}.", "Copy, download or write it again."
        ) from None


def _json(path: Path) -> pl.DataFrame:
    """JSON lines, a list of objects, or an object that holds one such list."""
    try:
        with _opened(path) as stream:
            if stream.peek().lstrip().startswith(b"["):
                return pl.read_json(stream.read(), infer_schema_length=None)
            frame = _json_lines(stream)
    except pl.exceptions.PolarsError:
        return strict_parsers.read_json(_content(path), path.name)
    return strict_parsers.unwrapped(frame)


def _json_lines(stream: io.BufferedReader) -> pl.DataFrame:
    """Block by block, since polars reads JSON lines on one core, and builds much beside the rows."""
    blocks = iter(lambda: stream.read(BLOCK) + stream.readline(), b"")
    groups = iter(lambda: list(islice(blocks, GROUP)), [])
    with ThreadPoolExecutor() as pool:
        frames = [frame for group in groups for frame in pool.map(_json_block, group)]
    return pl.concat(frames, how="diagonal_relaxed", rechunk=True)


def _json_block(block: bytes) -> pl.DataFrame:
    """Rows of JSON lines.

    Raises:
        PolarsError: polars cannot read them, or lost one.
    """
    frame = pl.read_ndjson(block, infer_schema_length=None)
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    if frame.height != lines and frame.height != sum(1 for _ in re.finditer(rb"\S[^\n]*", block)):
        raise pl.exceptions.ComputeError(f"{frame.height} rows in {lines} lines")
    # As polars builds them, nested columns take twice the space of their content; copied, they do not.
    return frame.with_columns(selectors.nested().gather(pl.int_range(pl.len())))


def _tsv(path: Path) -> pl.DataFrame:
    return _separated(_content(path), path.name, "\t")


def _csv(path: Path) -> pl.DataFrame:
    data = _content(path)
    header = data.partition(b"\n")[0]
    return _separated(data, path.name, ";" if b";" in header and b"," not in header else ",")


def _separated(data: bytes, name: str, separator: str) -> pl.DataFrame:
    try:
        frame = pl.read_csv(data, infer_schema=False, separator=separator)
    except pl.exceptions.PolarsError as error:
        strict_parsers.check_csv(data, name, separator)
        raise UserError(
            f"{name} cannot be read as CSV: {error}.", "Texts with quotes or line breaks need quotes."
        ) from None
    # polars fills a row that is too short with nulls, which look like empty fields.
    if any(frame.null_count().row(0)):
        strict_parsers.check_csv(data, name, separator)
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return frame


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    names = sorted(entry.name for entry in path.parent.iterdir() if data_suffix(entry) or entry.is_dir())
    near = difflib.get_close_matches(path.name, names, 3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"In {path.parent} there are: {', '.join(names[:10])}." if names else f"{path.parent} holds no data files."


def _readable() -> str:
    return f"What can be read: {', '.join(READERS)}, each also with {' or '.join(COMPRESSED)}."


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
"""By suffix: what reads a file, compressed or not, into rows. It raises UserError with the place of the fault."""
