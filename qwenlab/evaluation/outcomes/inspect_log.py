"""Inspect's logs, `.eval` and `.json`, as version 0.3.285 writes them: scores by scorer, and an answer an epoch.

An `.eval` is a zip with `header.json` and a file for each sample, compressed with Zstandard, which Python's zipfile
knows from 3.14 on only; so a member's bytes are found by its header and decompressed here.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from qwenlab.data.inflated import check_inflated
from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import ResultFile, Row

ZSTD = 93
"""The number of Zstandard among the methods of zip (APPNOTE.TXT, 4.4.5)."""

LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Correct, incorrect, partial, no answer: what Inspect's accuracy makes of its letters."""


def is_log(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a log."""
    return {"version", "status", "eval"} <= content.keys()


def read_archive(path: Path) -> ResultFile:
    """A log in the format `.eval`.

    Raises:
        UserError: it is none, or holds no sample.
    """
    try:
        with ZipFile(path) as archive, path.open("rb") as file:
            check_inflated(path.name, sum(info.file_size for info in archive.infolist()))
            members = {info.filename: info for info in archive.infolist()}
            header = members.get("header.json", members.get("_journal/start.json"))
            if header is None:
                raise UserError(
                    f"{path.name} is a zip without Inspect's header.json.", "Give a log that Inspect wrote."
                )
            samples = [info for name, info in members.items() if name.startswith("samples/")]
            return _result(
                path,
                json.loads(_member(archive, file, header)),
                (json.loads(_member(archive, file, info)) for info in samples),
            )
    except (OSError, BadZipFile, struct.error, ValueError, RecursionError) as error:
        raise UserError(f"{path.name} is not readable as a log of Inspect: {error}.", "Copy it again.") from None


def read_log(path: Path, content: Mapping[str, Any]) -> ResultFile:
    """A log in the format `.json`, its content read already.

    Raises:
        UserError: it holds no sample.
    """
    return _result(path, content, iter(content.get("samples") or ()))


def _member(archive: ZipFile, file: Any, info: ZipInfo) -> bytes:
    """A member's content; `file` is the archive, opened once more.

    The local header is 30 bytes, of which the last four are the lengths of what follows it: name and extra field
    (APPNOTE.TXT, 4.3.7).
    """
    if info.compress_type != ZSTD:
        return archive.read(info)
    import pyarrow as pa

    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    file.seek(name + extra, 1)
    packed = pa.BufferReader(file.read(info.compress_size))
    content: bytes = pa.CompressedInputStream(packed, "zstd").read(info.file_size + 1)
    if zlib.crc32(content) != info.CRC:
        raise BadZipFile(f"{info.filename} has another checksum")
    return content


def _result(path: Path, header: Mapping[str, Any], samples: Iterator[Mapping[str, Any]]) -> ResultFile:
    rows = tuple(map(_row, samples))
    if not rows:
        raise UserError(f"{path.name} holds no sample.", "Evaluate without --no-log-samples.")
    status = header.get("status", "started")
    early = f"{path.name}: the evaluation did not end well: status {status}. What it answered until then counts."
    return ResultFile(
        path=path,
        kind="inspect",
        rows=rows,
        task=str(header["eval"].get("task", "")),
        notes=() if status == "success" else (early,),
    )


def _row(sample: Mapping[str, Any]) -> Row:
    messages = sample.get("messages") or ()
    asked = [message for message in messages if message.get("source") != "generate"]
    return Row(
        item=str(sample["id"]),
        scores=dict(_scores(sample.get("scores") or {})),
        content=json.dumps([_texts(sample.get("input")), sample.get("target")]),
        prompt=json.dumps(_texts(asked)) if len(asked) < len(messages) else "",
        answer=str((sample.get("output") or {}).get("completion", "")),
    )


def _scores(scores: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """By scorer, and by scorer and key where it gives several values."""
    for scorer, score in scores.items():
        value = score.get("value")
        if isinstance(value, dict):
            yield from ((f"{scorer}/{key}", LETTERS.get(part, part)) for key, part in value.items())
        else:
            yield scorer, value if isinstance(value, list) else LETTERS.get(value, value)


def _texts(asked: Any) -> Any:
    """Messages without their ids, which are drawn anew in each evaluation."""
    return [(one.get("role"), one.get("content")) for one in asked] if isinstance(asked, list) else asked
