"""Typed JSON lines that survive a kill: appended in whole batches, read without what was torn."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Line = TypeVar("Line", bound=BaseModel)


def append_lines(path: Path, lines: Iterable[BaseModel]) -> None:
    """Append in one write, and see it on the disk."""
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    with path.open("ab") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """All lines but a last one without its end; none where there is no file.

    Raises:
        ValueError: a whole line is not of this kind.
    """
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            found.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise ValueError(f"{path}, line {number} is not a {kind.__name__}: {error}") from error
    return found


def rewrite_lines(path: Path, lines: Iterable[BaseModel]) -> None:
    """Replace the file's content, in one step."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    append_lines(temporary, lines)
    temporary.replace(path)
