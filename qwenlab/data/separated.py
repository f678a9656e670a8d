"""CSV and its relatives: which separator, and whose quotes. polars reads files that leave no doubt, Python all others.

No doubt: every quote begins a field, ends one, or is doubled inside one. Where quotes stand elsewhere, as in 5" wide,
readers differ, and polars may lose text; Python's csv reads them as spreadsheets and pandas do, or names the line.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import polars as pl

from qwenlab.data.content import content, decoded, in_utf8
from qwenlab.errors import UserError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

SAMPLE_ROWS = 50
SAMPLE = 200_000
"""Rows, and bytes, that are looked at to find a separator."""

SEP_LINE = re.compile(rb"\s*\"?sep=([\t -!#-~])\"?\r?\n", re.IGNORECASE)
"""The first line by which Excel is told the separator."""

ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')


def read_csv(path: Path, notes: list[str]) -> pl.DataFrame:
    """Rows of texts, under the names of the header; the separator is found.

    Raises:
        UserError: a row has more or fewer fields than the header, or a quote is lost; names the row and its line.
    """
    data = in_utf8(content(path), path.name, notes)
    named = SEP_LINE.match(data)
    skipped = named.end() if named else 0
    skipped += len(data[skipped:]) - len(data[skipped:].lstrip(b"\r\n"))
    before, data = data[:skipped].count(b"\n"), data[skipped:]
    if not data or data.isspace():
        raise UserError(f"{path.name} has no rows.", "A data file has at least one row.")
    separator = named[1].decode("latin-1") if named else _separator(data, "\t" if ".tsv" in path.name.lower() else ",")
    table = _Separated(data, path.name, separator, before)
    with _long_fields():
        return table.fast(notes) if table.is_regular() else table.careful(notes)


class _Separated:
    """The bytes of a file from its header on."""

    def __init__(self, data: bytes, name: str, separator: str, before: int) -> None:
        self.data, self.name, self.separator = data, name, separator
        self.before = before
        """Lines before the header."""

    def is_regular(self) -> bool:
        """Whether every quote begins a field, ends one, or is doubled inside one.

        Between quotes, the pieces of such a text are outside a field and inside one by turns. Outside stands nothing,
        between doubled quotes, or what begins and ends with a separator or a line end.
        """
        first, *pieces = self.data.split(b'"')
        if not pieces:
            return True
        edge = (self.separator.encode(), b"\n", b"\r")
        outside = pieces[1::2]
        return (
            len(pieces) % 2 == 0
            and (not first or first.endswith(edge))
            and (not outside[-1] or outside[-1].startswith(edge))
            and all(not piece or (piece.startswith(edge) and piece.endswith(edge)) for piece in outside[:-1])
        )

    def fast(self, notes: list[str]) -> pl.DataFrame:
        """By polars. It fills a row that is too short with nulls, which look like empty fields."""
        try:
            frame = pl.read_csv(self.data, infer_schema=False, separator=self.separator)
        except pl.exceptions.PolarsError:
            return self.careful(notes)
        if any(frame.null_count().row(0)):
            for _ in self._rows(decoded(self.data, self.name, notes)):
                pass
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        # polars leaves quotes in the header doubled.
        return frame.rename({name: name.replace('""', '"') for name in frame.columns if '""' in name})

    def careful(self, notes: list[str]) -> pl.DataFrame:
        """By Python's csv; where that finds a fault, with quotes that a backslash escapes, if that mends it."""
        text = decoded(self.data, self.name, notes)
        try:
            return self._frame(self._rows(text))
        except UserError:
            doubled = ESCAPED_QUOTE.sub(r'\1""', text)
            frame = self._mended(doubled) if doubled != text else None
            if frame is None:
                raise
        notes.append(f'{self.name} writes quotes inside texts as \\" and not as "": they were read as quotes.')
        return frame

    def _mended(self, text: str) -> pl.DataFrame | None:
        try:
            return self._frame(self._rows(text))
        except UserError:
            return None

    def _rows(self, text: str) -> Iterator[list[str]]:
        """The header and every row that is not blank.

        Raises:
            UserError: names the first row at fault, counted without the header, and the line on which it begins.
        """
        separated = f"separated by {SEPARATORS.get(self.separator, repr(self.separator))}"
        # Some put a space behind every separator, in the header too; a quote behind it is no text.
        spaced = text[: text.find("\n")].count(f"{self.separator} ") == text[: text.find("\n")].count(self.separator)
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=self.separator, strict=True, skipinitialspace=spaced
        )
        row_number, begins, width = -1, self.before + 1, 0
        try:
            for row in reader:
                if row:
                    row_number += 1
                    width = width or len(row)
                    # Empty fields behind the last column say nothing; polars leaves them out as well.
                    while len(row) > width and not row[-1]:
                        row.pop()
                    if len(row) != width:
                        raise UserError(
                            f"{self.name}, row {row_number} (line {begins}): it has {len(row)} fields, and the header "
                            f"has {width}, {separated}.",
                            f'A text that contains "{self.separator}" or a line break needs quotes around it.',
                        )
                    yield row
                begins = self.before + reader.line_num + 1
        except csv.Error as error:
            raise UserError(
                f"{self.name}, row {row_number + 1} (line {begins}): {error}; the fields are {separated}.",
                "A quote is missing or stands alone; inside a quoted text, quotes are doubled.",
            ) from None

    def _frame(self, rows: Iterator[list[str]]) -> pl.DataFrame:
        header = next(rows)
        names = [name if name not in header[:index] else f"{name}_{index + 1}" for index, name in enumerate(header)]
        filled = [[value or None for value in row] for row in rows if any(row)]
        return pl.DataFrame(filled, schema=dict.fromkeys(names, pl.String), orient="row")


def _separator(data: bytes, usual: str) -> str:
    """The one by which most of the first rows have as many fields as the header, and more than one; else the usual.

    Where the quotes are in order by some of them, it is one of those.
    """
    text = data[:SAMPLE].decode(errors="replace")
    # The sample may end in the middle of a row.
    text = text.rpartition("\n")[0] if len(data) > SAMPLE else text
    best, found = (False, 0.0), usual
    for separator in dict.fromkeys((usual, *SEPARATORS)):
        with _long_fields():
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            widths = [len(row) for row in islice(filter(None, rows), SAMPLE_ROWS)]
        score = _is_in_order(text, separator), sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and score > best:
            best, found = score, separator
    return found


def _is_in_order(text: str, separator: str) -> bool:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for _ in islice(rows, SAMPLE_ROWS):
            pass
    except csv.Error:
        return False
    return True


@contextmanager
def _long_fields() -> Iterator[None]:
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
