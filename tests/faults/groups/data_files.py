"""Data files of every kind that is read, damaged: rows or a sentence, in bounded time and memory."""

import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

import polars as pl
import pyarrow as pa

from tests.data.made import many, write_xlsx
from tests.faults.asked import Asked
from tests.faults.damaged_bytes import damaged
from tests.faults.group import Attempt, LostError

TITLE = "data files damaged"
PROMISE = "rows or a sentence: no traceback, no hang, no more memory than a sound file of that size takes"
ALL = 2000
FIRST = 150

SEED = 18
PACKINGS = ("", "", "", ".gz", ".zst", "broken.gz", "broken.zst")
NAMES = ("a\0b.jsonl", "./a\0b", f"/{'a' * 5000}", f"{'a' * 5000}.jsonl", "~nobody-of-this-name/x.jsonl", "/dev")
SHARED = Path(__file__).parents[4] / "shared" / "cases" / "security" / "damaged.parquet"


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Named ones first, then sound files of each kind with faults drawn by seed."""
    with Asked() as asked:
        yield from islice(chain(_named(asked, folder), _drawn(asked, folder)), count)


def _named(asked: Asked, folder: Path) -> Iterator[Attempt]:
    for name, (suffix, data) in CONTENTS.items():
        yield Attempt(name, partial(_read_written, asked, folder / f"data{suffix}", data))
    for name, make in BOMBS.items():
        yield Attempt(name, partial(_refuse_bomb, asked, folder, make))
    for name in NAMES:
        yield Attempt(f"the name {name[:30]!r}", partial(_refuse_name, asked, name))
    if SHARED.is_file():
        yield Attempt("a Parquet file over which polars panics", partial(_read, asked, SHARED))


def _drawn(asked: Asked, folder: Path) -> Iterator[Attempt]:
    sound = dict(_sound(folder))
    kinds = list(sound)
    for number in range(ALL):
        kind, draw = kinds[number % len(kinds)], random.Random(f"{SEED} {number}")
        packing = draw.choice(PACKINGS)
        name = f"{kind}{packing} {number}"
        yield Attempt(name, partial(_read_spoilt, asked, folder, kind, sound[kind], packing, draw))


def _read_spoilt(asked: Asked, folder: Path, kind: str, data: bytes, packing: str, draw: random.Random) -> None:
    """Spoilt before it is compressed, or, where that is `broken`, after."""
    data = data if packing.startswith("broken") else damaged(data, draw)
    if packing.endswith(".gz"):
        data = gzip.compress(data)
    elif packing.endswith(".zst"):
        data = pa.compress(data, "zstd", asbytes=True)
    data = damaged(data, draw) if packing.startswith("broken") else data
    _read_written(asked, folder / f"data.{kind.rpartition('.')[2]}{packing.removeprefix('broken')}", data)


def _read_written(asked: Asked, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _read(asked, path)


def _read(asked: Asked, path: Path) -> None:
    heard = asked.ask("data", str(path))
    if heard.refused and not heard.said.strip():
        raise LostError("it is refused without a word")


def _refuse_bomb(asked: Asked, folder: Path, make: Callable[[], tuple[str, bytes]]) -> None:
    suffix, data = make()
    path = folder / f"bomb{suffix}"
    path.write_bytes(data)
    heard = asked.ask("bomb", str(path))
    if not heard.refused or "once it is decompressed" not in heard.said:
        raise LostError(f"it is not refused for its size: {heard.said[:200]}")


def _refuse_name(asked: Asked, name: str) -> None:
    heard = asked.ask("data", name)
    if not heard.refused:
        raise LostError(f"it was read: {heard.said}")


def _sound(folder: Path) -> Iterator[tuple[str, bytes]]:
    """A file of each kind, by its name's end; where there are two of a suffix, what is before it tells them apart."""
    rows, path = many(12), folder / "sound"
    talks = [
        {"messages": [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]}
        for row in rows
    ]
    for suffix in (".jsonl", ".ndjson"):
        yield suffix, "".join(json.dumps(row) + "\n" for row in rows).encode()
    yield "talks.jsonl", "".join(json.dumps(row) + "\n" for row in talks).encode()
    yield ".json", json.dumps(rows, indent=1).encode()
    yield "data.json", json.dumps({"data": talks}).encode()
    frame = pl.DataFrame(rows)
    for suffix, separator in ((".csv", ","), (".tsv", "\t"), ("semicolons.csv", ";")):
        yield suffix, frame.write_csv(separator=separator, quote_style="always").encode()
    yield (
        "messages.csv",
        pl.DataFrame({"messages": [json.dumps(row["messages"]) for row in talks]}).write_csv().encode(),
    )
    for name, table in (("", frame), ("talks", pl.DataFrame(talks))):
        for compression in ("zstd", "uncompressed", "snappy"):
            stream = io.BytesIO()
            table.write_parquet(stream, compression=compression)
            yield f"{name}{compression}.parquet", stream.getvalue()
        yield f"{name}stream.arrow", _arrow(table, pa.ipc.new_stream)
        yield f"{name}file.arrow", _arrow(table, pa.ipc.new_file)
    write_xlsx(path, first=[list(rows[0]), *(list(row.values()) for row in rows)])
    yield ".xlsx", path.read_bytes()


def _arrow(frame: pl.DataFrame, kind: Callable[..., pa.RecordBatchFileWriter]) -> bytes:
    table, stream = frame.to_arrow(), io.BytesIO()
    with kind(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


ROW = b'{"question": "Who is it?", "answer": "It is she."}\n'

CONTENTS: dict[str, tuple[str, bytes]] = {
    "nothing": (".jsonl", b""),
    "one line end": (".csv", b"\n"),
    "zeros": (".json", bytes(5000)),
    "zeros after the rows, as a crash leaves them": (".jsonl", ROW * 3 + bytes(4096)),
    "a list in a list in a list": (".jsonl", ROW + b'{"question": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"),
    "an object in an object in an object": (".jsonl", b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"\n"),
    "a million brackets": (".json", b"[" * 1_000_000),
    "nested and no end, after a list began": (".json", b'[{"a": ' + b"[" * 100_000),
    "nested turns in a cell": (".csv", b"messages\n" + b"[" * 50_000 + b"]" * 50_000 + b"\n"),
    "turns written as deeply nested Python": (".csv", b'messages\n"' + b"[('a'," * 3000 + b"1" + b")]" * 3000 + b'"\n'),
    "an integer of 5,000 digits": (".jsonl", b'{"question": "How many?", "answer": ' + b"7" * 5000 + b"}\n"),
    "an integer of 5,000 digits in a list": (".json", b'[{"question": "How many?", "answer": ' + b"7" * 5000 + b"}]"),
    "an integer of 5,000 digits in a cell": (".csv", b"question,answer\nHow many?," + b"7" * 5000 + b"\n"),
    "turns with an integer of 5,000 digits": (
        ".csv",
        b'messages\n"[{""role"": ""user"", ""content"": ' + b"7" * 5000 + b'}]"\n',
    ),
    "a number beyond all numbers": (".jsonl", b'{"question": "How many?", "answer": 1e99999}\n'),
    "NaN and infinity": (
        ".jsonl",
        b'{"question": "How many?", "answer": NaN}\n{"question": "b", "answer": Infinity}\n',
    ),
    "half a pair of surrogates": (".jsonl", b'{"question": "Who\\ud800?", "answer": "\\udfff"}\n'),
    "a key twice": (".jsonl", b'{"question": "a", "question": "b", "answer": "c"}\n'),
    "keys without a name": (".jsonl", b'{"": "a", " ": "b"}\n'),
    "columns of one name": (".csv", b"question,question,answer\na,b,c\n"),
    "a header alone": (".csv", b"question,answer\n"),
    "one quote": (".csv", b'question,answer\n"'),
    "a separator that is none": (".csv", b"sep=\xff\nquestion\xffanswer\na\xffb\n"),
    "a separator that is a quote": (".csv", b'sep="\nquestion"answer\na"b\n'),
    "ten thousand columns": (".csv", b",".join(b"c%d" % n for n in range(10_000)) + b"\n" + b"," * 9_999 + b"\n"),
    "a UTF-16 file with an odd byte": (".csv", "question,answer\na,b\n".encode("utf-16") + b"\x00"),
    "two byte order marks": (".jsonl", b"\xef\xbb\xbf\xef\xbb\xbf" + ROW),
    "a Parquet footer that is longer than the file": (
        ".parquet",
        b"PAR1" + bytes(8) + struct.pack("<I", 2**31) + b"PAR1",
    ),
    "a Parquet file without rows": (".parquet", b"PAR1PAR1"),
    "an Arrow message of 2 GB that is not there": (".arrow", b"\xff\xff\xff\xff" + struct.pack("<i", 2**31 - 1)),
    "an archive without sheets": (".xlsx", b"PK\x05\x06" + bytes(18)),
    "a gzip header alone": (".jsonl.gz", gzip.compress(b"")[:10]),
    "a compressed file in a compressed file": (".jsonl.gz", gzip.compress(gzip.compress(ROW))),
    "a text that says it is compressed": (".jsonl.zst", ROW),
    "a line of 5 MB": (".jsonl", b'{"question": "' + b"a" * 5_000_000 + b'", "answer": "b"}\n'),
    "five million quotes": (".csv", b"question,answer\n" + b'"' * 5_000_000 + b"\n"),
    "five million line ends": (".jsonl", b"\n" * 5_000_000 + ROW),
    "a role in every letter": (
        ".jsonl",
        b'{"messages": [{"role": null, "content": 1}, {"role": [], "content": {}}]}\n',
    ),
    "turns of null": (".jsonl", b'{"messages": [null, null]}\n{"messages": null}\n{"messages": []}\n'),
}

LARGE = 60_000_000
"""Bytes of what a bomb holds; the bound is lowered for them."""


def _zipped_bomb(lie: bool) -> tuple[str, bytes]:
    """A workbook whose sheet is far larger than its file; `lie`: and than the archive says."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * LARGE)
    data = stream.getvalue()
    return ".xlsx", data.replace(struct.pack("<I", LARGE), struct.pack("<I", 10)) if lie else data


def _parquet_bomb() -> tuple[str, bytes]:
    stream = io.BytesIO()
    pl.DataFrame({"question": pl.repeat("a", LARGE // 16, eager=True)}).write_parquet(stream)
    return ".parquet", stream.getvalue()


def _arrow_bomb() -> tuple[str, bytes]:
    table = pa.table({"question": pa.array(["a" * (LARGE // 10)] * 10)})
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return ".arrow", stream.getvalue()


BOMBS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a bomb of JSON lines, by gzip": lambda: (".jsonl.gz", gzip.compress(ROW * (LARGE // len(ROW)))),
    "a bomb of one line, by gzip": lambda: (".json.gz", gzip.compress(b"[" + b" " * LARGE)),
    "a bomb of spaces, by zstd": lambda: (".csv.zst", pa.compress(b" " * LARGE, "zstd", asbytes=True)),
    "a bomb in Parquet": _parquet_bomb,
    "a bomb in Arrow": _arrow_bomb,
    "a bomb in a workbook": lambda: _zipped_bomb(lie=False),
    "a bomb in a workbook that lies about its size": lambda: _zipped_bomb(lie=True),
}
