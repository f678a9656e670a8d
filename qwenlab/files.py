"""Files that are whole at every moment, whoever reads them and whenever the writer is killed.

A `Record` is the content of a small JSON file, written in one step. JSON lines are appended in whole batches, and a
last line without its end, which a killed process leaves behind, is no line. What is written is exact: a record refuses
a field that it does not have. What is read may be of another version: fields that are not known are passed over.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from qwenlab.errors import UserError, outside_told, refused

UNFINISHED = re.compile(r"\..+\.(\d{1,7})\.tmp")
"""The name of what `replacing` writes to, with the process that does."""


class Record(BaseModel):
    """What stands in a JSON file, or in a line of one; NaN and infinity are written as texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """As `read_json`."""
        return read_json(path, cls)


Content = TypeVar("Content", bound=BaseModel)


def read_json(path: Path, kind: type[Content]) -> Content:
    """The file's content; a field that `kind` does not have is passed over.

    Raises:
        UserError: there is no such file, or it holds something else; the first fault is named.
    """
    try:
        return kind.model_validate_json(path.read_bytes(), extra="ignore")
    except (OSError, ValidationError) as error:
        raise UserError(f"{path} cannot be read: {reason(error)}.") from None


def write_atomically(path: Path, text: str) -> None:
    """Write to a temporary name beside `path`, then replace it in one step.

    Raises:
        UserError: the disk refuses.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; what was written takes the file's place when the block ends.

    Raises:
        UserError: the disk refuses, or `path` is a folder.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"  # with_name refuses ".", which has no name
    with _refusals_told(path):
        if path.is_dir():
            raise UserError(f"{path} is a folder and cannot be written as a file.", "Name a file in it.")
        try:
            yield temporary
            temporary.replace(path)
        except BaseException:
            # Half of it would take the room that is missing.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def drop_unfinished(folder: Path) -> None:
    """Remove what killed processes have left of files in the folder, or in one in it, that they were to replace."""
    for path in folder.rglob(".*.tmp"):
        import psutil  # hardly ever needed, and a machine that only judges does without

        written_by = UNFINISHED.fullmatch(path.name)
        if written_by and path.is_file() and not psutil.pid_exists(int(written_by[1])):
            path.unlink(missing_ok=True)


def make_parent(path: Path) -> None:
    """Make the folder that the file will stand in.

    Raises:
        UserError: the disk refuses.
    """
    with _refusals_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)


def open_to_readers(folder: Path) -> None:
    """Give the files in the folder the mode that new files have here: safetensors lets their owner alone read them."""
    probe = folder / f".{os.getpid()}.mode"
    probe.touch()
    mode = probe.stat().st_mode & 0o777
    probe.unlink()
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(mode)


@contextmanager
def _refusals_told(path: Path) -> Iterator[None]:
    """As `outside_told`, and of every other word of the system too."""
    what = f"{path} cannot be written"
    try:
        with outside_told(what):
            yield
    except OSError as error:
        raise refused(error, what, "Choose another place.") from None


def append_lines(path: Path, lines: Iterable[BaseModel]) -> None:
    """Append in one write, and see it on the disk.

    Raises:
        UserError: the disk refuses.
    """
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    with _refusals_told(path), path.open("ab") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def rewrite_lines(path: Path, lines: Iterable[BaseModel]) -> None:
    """Replace the file's content, in one step."""
    with replacing(path) as temporary:
        temporary.unlink(missing_ok=True)  # of a process of the same number that was killed
        append_lines(temporary, lines)


def read_lines(path: Path, kind: type[Content]) -> list[Content]:
    """All whole lines; none where there is no file.

    Raises:
        UserError: a whole line is not of this kind.
    """
    found = []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            found.append(kind.model_validate_json(line, extra="ignore"))
        except ValidationError as error:
            raise UserError(f"{path}, line {number} cannot be read: {reason(error)}.") from None
    return found


def whole_lines(path: Path, place: int = 0) -> list[bytes]:
    """The file's lines after `place` bytes, but a last one without its end; none where there is no file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(place)
            return file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{path} cannot be read: {reason(error)}.") from None


def last_lines(path: Path, count: int) -> str:
    """The end of a log, whatever bytes are in it; empty where there is none, and why where it cannot be read."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be read: {reason(error)}."


def drop_torn_line(path: Path) -> None:
    """A line that a killed process left unfinished must not swallow the next one."""
    if path.exists():
        with _refusals_told(path), path.open("rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def reason(error: OSError | ValidationError) -> str:
    """What is wrong, in a few words: for a record, its first fault and where."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {fault['msg']}" if where else fault["msg"]
