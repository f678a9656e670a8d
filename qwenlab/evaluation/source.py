"""The rows of a suite: of a file that the user has, or of those files of a hub's data set that are needed."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.errors import UserError
from qwenlab.hub import Wanted, fetch

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Rows(NamedTuple):
    """What a file holds, row by row."""

    rows: list[dict[str, Any]]
    version: str
    """The file's SHA-256, or the hub's commit."""


def read_rows(source: str, pattern: str, suite: str) -> Rows:
    """The rows of a file, or of a hub data set's files that match the pattern.

    Raises:
        UserError: there is no such source, the hub cannot be reached, or a file cannot be read.
    """
    from qwenlab.data.files import read_file

    check_source(source, suite)
    if path := named_file(source):
        table = read_file(path)
        return Rows(table.frame.to_dicts(), table.sha256 or "")
    folder = fetch(Wanted(source, "dataset", "--suite", f"or give a file: --suite {suite}=PATH."), pattern)
    files = sorted(folder.glob(pattern))
    if not files:
        raise UserError(
            f"{source} has no file {pattern} that can be had from here.", f"Give a file: --suite {suite}=PATH"
        )
    return Rows([row for file in files for row in read_file(file).frame.to_dicts()], folder.name)


def numbered(rows: Iterable[dict[str, Any]], source: str) -> Iterator[tuple[str, tuple[int, dict[str, Any]]]]:
    """Each row with its number, from 1, under the place that it is told by, as `rows.checked` takes them."""
    return ((f"{source}, row {number}", (number, row)) for number, row in enumerate(rows, start=1))


def check_source(source: str, suite: str) -> None:
    """Whether a source can be one, without reading it.

    Raises:
        UserError: it names a file that is not there, or is no name of a hub data set.
    """
    path = named_file(source) if source else None
    if path:
        from qwenlab.data.files import check_exists  # polars loads when rows are read

        check_exists(path)
        if path.is_dir():
            raise UserError(f"{source} is a folder; the items of a suite are in one file.", "Name the file.")
    elif not HUB_ID.fullmatch(source):
        raise UserError(
            f"{source!r} is neither a file here nor the name of a hub data set.",
            f"For instance: --suite {suite}=PATH",
        )


def named_file(source: str) -> Path | None:
    """The file that a source names, whether it is there or not; None for what only the hub can have."""
    path = Path(source).expanduser()
    is_file = path.exists() or bool(path.suffix and not HUB_ID.fullmatch(source)) or source.startswith((".", "/", "~"))
    return path if is_file or path.suffix in (".jsonl", ".json", ".csv", ".parquet", ".gz", ".zst") else None
