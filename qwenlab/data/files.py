"""One data file as a table: what its suffix says, with a look at whether its content says so too."""

import difflib
import hashlib
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from qwenlab.data.content import COMPRESSED, content, opened
from qwenlab.data.inflated import arrow_table, check_parquet, check_xlsx
from qwenlab.data.json_rows import read_json
from qwenlab.data.separated import read_csv
from qwenlab.errors import UserError, outside_told, panic_told, refused

ZIP = b"PK\x03\x04"

# What a file is by its first bytes, whatever its name says.
SIGNATURES = {b"PAR1": ".parquet", b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", ZIP: ".zip or .xlsx"}

TABLES = {".parquet": "Parquet", ".xlsx": "an Excel workbook"}
"""What is read as what its content is, though its suffix says that it is something else."""

LFS_POINTER = b"version https://git-lfs"
"""What Git holds in place of a large file until that is fetched."""


class Table(NamedTuple):
    """Rows in their order; `name` is what messages and the report call the file."""

    name: str
    frame: pl.DataFrame
    sha256: str | None = None
    """Of the file's bytes; None where the rows come from no file."""
    notes: tuple[str, ...] = ()
    """What was found out in reading it, such as its encoding."""


def data_suffix(path: Path) -> str:
    """The suffix that says how a file is read, below any .gz or .zst; empty for other files."""
    inner = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    suffix = inner.suffix.lower()
    return suffix if suffix in READERS else ""


def read_file(path: Path) -> Table:
    """Read one file.

    Raises:
        UserError: it cannot be read; the message names the file, and the line or row where the fault is.
    """
    name, suffix = path.name, data_suffix(path)
    notes: list[str] = []
    try:
        with outside_told(f"{name} cannot be read"), panic_told(name, "Copy or write it again, or in another format."):
            found = _found_suffix(path, suffix)
            if found != suffix:
                notes.append(f"{name} is {TABLES[found]}, whatever its suffix says, and was read as one.")
            frame = READERS[found](path, notes)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        hint = "If it is compressed, it may be cut short: copy or download it again."
        raise refused(error, f"{name} cannot be read", hint) from None
    if frame.is_empty():
        raise UserError(f"{name} has no rows.", "A data file has at least one row.")
    return Table(name, with_plain_names(frame), sha256, tuple(notes))


def with_plain_names(frame: pl.DataFrame) -> pl.DataFrame:
    """With the names of its columns as they are meant: without spaces around them, unless two would be the same."""
    names = {name: name.strip() for name in frame.columns}
    return frame.rename(names) if len(set(names.values())) == len(names) else frame


def check_exists(path: Path) -> None:
    """Raises:
    UserError: nothing is there, with what is near; or it is a file of a kind that is not read.
    """
    if not path.exists():
        raise UserError(f"There is no file {path}.", _near(path))
    if path.is_file() and not data_suffix(path):
        raise UserError(f"{path} has a suffix that is not known.", readable())


def readable() -> str:
    """A sentence that names the suffixes."""
    return f"What can be read: {', '.join(READERS)}, each also with {' or '.join(COMPRESSED)}."


def _found_suffix(path: Path, suffix: str) -> str:
    """The suffix by which the file is to be read: its own, or that of its content where this leaves no doubt.

    Raises:
        UserError: it is empty, or is no data.
    """
    with opened(path) as stream:
        beginning = stream.read(100)
        is_empty = not beginning.strip() and not stream.read().strip()
    if is_empty:
        raise UserError(f"{path.name} is empty.", "A data file has at least one row.")
    if beginning.startswith(LFS_POINTER):
        raise UserError(f"{path.name} is a Git LFS pointer, and not the data.", "Fetch what it points at: git lfs pull")
    for signature, kind in SIGNATURES.items():
        if beginning.startswith(signature) and suffix not in kind.split(" or "):
            found = ".xlsx" if signature == ZIP and _is_workbook(path) else kind
            if found in TABLES:
                return found
            raise UserError(f"{path.name} is not what its suffix says: its content is {kind}.", "Rename or convert it.")
    return suffix


def _is_workbook(path: Path) -> bool:
    with suppress(zipfile.BadZipFile, OSError):
        return "xl/workbook.xml" in zipfile.ZipFile(path).namelist()
    return False


def _parquet(path: Path, notes: list[str]) -> pl.DataFrame:
    data = content(path)
    check_parquet(path.name, io.BytesIO(data))
    try:
        return pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).removeprefix("parquet: ")
        raise UserError(
            f"{path.name} is not readable as Parquet: {reason}.", "Copy, download or write it again."
        ) from None


def _arrow(path: Path, notes: list[str]) -> pl.DataFrame:
    try:
        frame = pl.from_arrow(arrow_table(path.name, content(path)))
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise UserError(f"{path.name} is not readable as Arrow: {error}.", "Copy or write it again.") from None
    assert isinstance(frame, pl.DataFrame)
    return frame


def _xlsx(path: Path, notes: list[str]) -> pl.DataFrame:
    """The first sheet, every cell as text."""
    import fastexcel

    data = content(path)
    check_xlsx(path.name, data)
    try:
        book = fastexcel.read_excel(data)
        sheet = book.load_sheet(0, dtypes="string")
    except fastexcel.FastExcelError as error:
        raise UserError(f"{path.name} is not readable as .xlsx: {error}.", "Save it again, or as CSV.") from None
    if len(book.sheet_names) > 1:
        others = ", ".join(book.sheet_names[1:])
        notes.append(f"{path.name}: the sheet {sheet.name} was read, and not {others}.")
    frame = sheet.to_polars()
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    names = sorted(entry.name for entry in path.parent.iterdir() if data_suffix(entry) or entry.is_dir())
    near = difflib.get_close_matches(path.name, names, 3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"In {path.parent} there are: {', '.join(names[:10])}." if names else f"{path.parent} holds no data files."


READERS: dict[str, Callable[[Path, list[str]], pl.DataFrame]] = {
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".xlsx": _xlsx,
}
"""By suffix: what reads a file, compressed or not, into rows, and notes what was found out on the way. It raises
UserError with the place of the fault."""
