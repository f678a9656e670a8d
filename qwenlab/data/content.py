"""What a data file holds: its bytes, decompressed, and these as text.

A byte order mark says which encoding a text has. Without one it is UTF-8, or another beyond doubt (`encodings`), which
is told; anything else is refused, with what the line would read like in the encodings that it may have: a wrong guess
would be trained on.
"""

import io
import shlex
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from pathlib import Path

import pyarrow as pa

from qwenlab.data.encodings import decode, readings
from qwenlab.data.inflated import BoundedStream
from qwenlab.errors import UserError

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}

# UTF-32's mark begins with UTF-16's.
MARKS = {
    BOM_UTF8: "utf-8-sig",
    BOM_UTF32_LE: "utf-32",
    BOM_UTF32_BE: "utf-32",
    BOM_UTF16_LE: "utf-16",
    BOM_UTF16_BE: "utf-16",
}

CANDIDATES = ("gb18030", "big5", "shift_jis", "euc_kr", "windows-1252", "windows-1250", "windows-1251")
"""Encodings that texts have where they are not in Unicode's; each is tried, and none is believed."""

SHOWN = 30
"""Characters that are shown of a line, on either side of its fault."""


def opened(path: Path) -> io.BufferedReader:
    """The file's content, decompressed as it is read, which raises a UserError where that is too much."""
    compression = COMPRESSED.get(path.suffix.lower())
    stream = pa.input_stream(str(path), compression=compression)
    return io.BufferedReader(BoundedStream(stream, path.name) if compression else stream)


def content(path: Path) -> bytes:
    """The whole of it."""
    with opened(path) as stream:
        return stream.read()


def in_utf8(data: bytes, name: str, notes: list[str]) -> bytes:
    """The bytes in UTF-8 and without a mark, where a mark or the look of them says what they are; else as they are.

    Raises:
        UserError: as `decoded`.
    """
    return decoded(data, name, notes).encode() if _encoding(data) else data


def decoded(data: bytes, name: str, notes: list[str]) -> str:
    """The bytes as text, without a byte order mark; `notes` is told of an encoding that no mark names.

    Raises:
        UserError: it is not UTF-8 and has no mark; names the line, and what it would read like.
    """
    encoding = _encoding(data)
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding not in (None, "utf-8-sig"):
            raise UserError(
                f"{name} begins like {encoding}, and byte {error.start + 1:,} is none.", "Save the file as UTF-8."
            ) from None
        found = readings(data)
        if len(found) != 1:
            raise _not_utf8(data, name, error.start) from None
        text, encoding = found[0]
    if encoding and encoding not in MARKS.values():
        shown = encoding.upper() if encoding.startswith("utf") else encoding
        notes.append(f"{name} was read as {shown}: it is not UTF-8.")
    return text


def _encoding(data: bytes) -> str | None:
    """What the mark says, or the look of the bytes."""
    return next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), _unmarked_utf16(data))


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark, where it is plain to see: every other byte of Western text is zero."""
    beginning = data[: min(len(data) // 2 * 2, 200)]
    half = len(beginning) // 2
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if half >= 4 and beginning[first::2].count(0) > 0.9 * half and not beginning[1 - first :: 2].count(0):
            return encoding
    return None


def _not_utf8(data: bytes, name: str, position: int) -> UserError:
    """With what the line is in each encoding in which the whole file can be read."""
    number = data.count(b"\n", 0, position) + 1
    begins, ends = data.rfind(b"\n", 0, position) + 1, data.find(b"\n", position)
    line = data[begins : ends if ends >= 0 else len(data)]
    lines: dict[str, list[str]] = {}
    for encoding in CANDIDATES:
        if decode(data, encoding) is not None:
            before = len(decode(data[begins:position], encoding) or "")
            reading = line.decode(encoding)[max(before - SHOWN, 0) : before + SHOWN]
            shown = "".join(character if character.isprintable() else " " for character in reading)
            lines.setdefault(shown.strip(), []).append(encoding)
    told = "".join(f"\nin {' or '.join(encodings)}: {reading}" for reading, encodings in lines.items())
    return UserError(
        f"{name}, line {number}: byte {position + 1:,} of the file, 0x{data[position]:02x}, is not UTF-8."
        + (f" The line would read{told}" if told else " Nor is it any other encoding that texts usually have."),
        "Open it in the program that wrote it, and save it as UTF-8 or as .xlsx. In a terminal, from the encoding in "
        "which the line reads right:\n"
        f"iconv -f ENCODING -t UTF-8 {shlex.quote(name)} > utf8-{shlex.quote(name)}"
        if told
        else "Look at what program wrote it, and save it there as UTF-8.",
    )
