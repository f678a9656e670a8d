"""A small file that holds too much is refused before it fills the memory, in every format that compresses."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from qwenlab.data import inflated
from qwenlab.data.files import read_file
from qwenlab.errors import UserError
from tests.data.made import many, write_jsonl, write_xlsx
from tests.data.test_files import ROWS, WRITERS

BOUND = 1_000_000
TEXT = "a" * BOUND


@pytest.fixture(autouse=True)
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflated, "MOST_INFLATED", BOUND)


def _gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(f'{{"question": "{TEXT}"}}\n'.encode()))


def _zstd(path: Path) -> None:
    path.write_bytes(pa.compress(f"question,answer\n{TEXT},b\n".encode(), "zstd", asbytes=True))


def _text_in_parquet(path: Path) -> None:
    pl.DataFrame({"question": [TEXT], "answer": ["b"]}).write_parquet(path)


def _rows_in_parquet(path: Path) -> None:
    pl.DataFrame({"question": pl.repeat("a", BOUND, eager=True)}).write_parquet(path)


def _arrow(path: Path) -> None:
    table = pa.table({"question": [TEXT]})
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)


def _workbook(path: Path) -> None:
    write_xlsx(path, first=[["question"], [TEXT]])
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as smaller:
        for name in plain.namelist():
            smaller.writestr(name, plain.read(name))
    path.write_bytes(packed.getvalue())


def _workbook_that_lies(path: Path) -> None:
    _workbook(path)
    with zipfile.ZipFile(path) as archive:
        size = max(part.file_size for part in archive.infolist())
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", 10)))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.jsonl.gz", _gzip),
        ("a.csv.zst", _zstd),
        ("a.parquet", _text_in_parquet),
        ("a.parquet", _rows_in_parquet),
        ("a.arrow", _arrow),
        ("a.xlsx", _workbook),
        ("a.xlsx", _workbook_that_lies),
    ],
    ids=["gz", "zst", "text in Parquet", "rows in Parquet", "Arrow", "workbook", "workbook that lies"],
)
def test_what_holds_too_much_is_refused(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / name
    make(path)
    assert path.stat().st_size < 50_000
    with pytest.raises(UserError, match=rf"{name} holds more than .* once it is decompressed"):
        read_file(path)


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".csv.zst", ".parquet", ".arrow"])
def test_what_holds_less_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix.split('.')[1]}"
    WRITERS[path.suffix](path, ROWS)
    if suffix.count(".") > 1:
        data = path.read_bytes()
        path = path.with_name(f"a{suffix}")
        path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else pa.compress(data, "zstd", asbytes=True))
    assert read_file(path).frame.height == 2


def test_what_is_not_compressed_may_have_any_size(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"question": TEXT, "answer": "b"}, *many(3)])
    assert read_file(path).frame.height == 4


def test_offsets_that_lie_are_told_and_do_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    WRITERS[".arrow"](path, ROWS)
    data = path.read_bytes()
    ends = pl.DataFrame(ROWS).to_arrow().column("question").chunk(0).buffers()
    honest = next(bytes(buffer) for buffer in ends if buffer and bytes(buffer) in data)
    path.write_bytes(data.replace(honest, b"\x7f" * len(honest)))
    with pytest.raises(UserError, match="not readable as Arrow"):
        read_file(path)
