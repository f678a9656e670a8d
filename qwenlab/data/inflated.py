"""How much a data file may hold once it is decompressed: a small one can hold more than there is memory.

Text in .gz and .zst is counted as it is read. The formats that compress inside are held against the same bound before
or while they are read: Parquet by what it says of itself, Arrow batch by batch, .xlsx by inflating it once.
"""

import io
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from qwenlab.errors import UserError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_INFLATED = 2_000_000_000
"""Bytes: some 500 million tokens, more than one consumer GPU trains on, and what can be read in 8 GB of memory."""

CELL_BYTES = 16
"""What a cell takes at least once it is read, however short it is in the file."""

PIECE = 2**20


def check_inflated(name: str, size: int) -> None:
    """Raises:
    UserError: so many bytes are more than `MOST_INFLATED`.
    """
    if size > MOST_INFLATED:
        raise UserError(
            f"{name} holds more than {MOST_INFLATED / 1e9:,.0f} GB once it is decompressed.",
            "Split it into several files of a folder; or write it as .jsonl or .csv, not compressed, of any size.",
        )


class BoundedStream(io.RawIOBase):
    """A decompressed stream, which ends with a UserError where it goes on for too long."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name
        self._inflated = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        read = int(self._stream.readinto(buffer))
        self._inflated += read
        check_inflated(self._name, self._inflated)
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()


def check_parquet(name: str, file: BinaryIO) -> None:
    """As `check_inflated`, by what the file says that it holds; what it says wrong, its reader tells.

    The file is read from its beginning afterwards, as if nobody had looked.
    """
    from pyarrow import parquet

    with suppress(pa.ArrowException, OSError, UnicodeDecodeError):  # the last: of a column's name
        said = parquet.ParquetFile(file).metadata
        groups = [said.row_group(number) for number in range(said.num_row_groups)]
        check_inflated(name, sum(group.total_byte_size for group in groups))
        check_inflated(name, sum(group.num_rows for group in groups) * said.num_columns * CELL_BYTES)
    file.seek(0)


def arrow_table(name: str, data: bytes) -> pa.Table:
    """The rows of Arrow's stream, as `datasets` saves it to disk, or of its file format, which is also called Feather.

    Raises:
        UserError: as `check_inflated`.
        ArrowException: it is neither.
    """
    source, size, batches = pa.BufferReader(data), 0, []
    is_file = data.startswith(b"ARROW1")
    reader: Any = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
    for batch in _batches(reader) if is_file else reader:
        # Arrow believes the offsets that a file holds: where they lie, the process would die of looking further.
        batch.validate(full=True)
        check_inflated(name, size := size + batch.nbytes)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def check_xlsx(name: str, data: bytes) -> None:
    """As `check_inflated`, by inflating the archive, as its own word on its sizes may be wrong."""
    size = 0
    with suppress(zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, EOFError, OSError):  # its reader tells
        archive = zipfile.ZipFile(io.BytesIO(data))
        for part in archive.infolist():
            part.file_size = sys.maxsize
            with archive.open(part) as stream:
                while piece := stream.read(PIECE):
                    check_inflated(name, size := size + len(piece))


def _batches(reader: Any) -> Iterator[Any]:
    return (reader.get_batch(number) for number in range(reader.num_record_batches))
