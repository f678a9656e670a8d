"""Kinds of damage that a file may have when it is read."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEWER = {"of_a_later_version": {"list": [1, 2, 3]}, "kept": True}
"""Fields that this version does not know."""


def _gone(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    """As a full disk, or a copy that was broken off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _zeroed(path: Path) -> None:
    """As a power cut leaves what was not on the disk yet."""
    path.write_bytes(bytes(path.stat().st_size))


def _noise(path: Path) -> None:
    path.write_bytes(random.Random(path.name).randbytes(max(path.stat().st_size, 16)))


def _flipped(path: Path) -> None:
    """One byte in the middle is another."""
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    """A link to what is not there any more."""
    path.unlink()
    path.symlink_to(path.with_name("moved away"))


def _nested(path: Path) -> None:
    path.write_text("[" * 100_000, encoding="utf-8")


def _other_shape(path: Path) -> None:
    path.write_text('[null, 1, "two"]\n', encoding="utf-8")


def _huge_number(path: Path) -> None:
    """The first number is one of 5,000 digits."""
    path.write_text(f'{{"version": {"9" * 5000}}}\n', encoding="utf-8")


def _newer(path: Path) -> None:
    """As a later version writes it: with fields that are not known here."""
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(_with_fields(content)), encoding="utf-8")
    elif path.suffix == ".jsonl":
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        path.write_text("".join(json.dumps(_with_fields(line)) + "\n" for line in lines), encoding="utf-8")
    else:
        path.write_bytes(path.read_bytes() + b"\n[of_a_later_version]\nkept = true\n")


def _with_fields(content: Any) -> Any:
    """Every object with fields that are not known; a list or dict of values stays what it is."""
    if isinstance(content, dict):
        return {name: _with_fields(value) if isinstance(value, list) else value for name, value in content.items()} | (
            NEWER
        )
    return [_with_fields(one) for one in content] if isinstance(content, list) else content


DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": _gone,
    "empty": _empty,
    "cut in half": _cut,
    "zeroed": _zeroed,
    "noise": _noise,
    "one byte flipped": _flipped,
    "of another shape": _other_shape,
    "of a later version": _newer,
    "nested without end": _nested,
    "a number of 5,000 digits": _huge_number,
    "a folder": _folder,
    "a dangling link": _dangling,
}


def damage(path: Path, kind: str) -> None:
    """Do it; what was a link is its own file afterwards."""
    if path.is_symlink():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    DAMAGES[kind](path)


def repaired(folder: Path, whole: Path) -> None:
    """Put the folder back as `whole` is."""
    shutil.rmtree(folder)
    shutil.copytree(whole, folder, symlinks=True)
