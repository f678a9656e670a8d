"""A folder that one process works in: a record of how it stands, and a lock that shows whether the process lives."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from qwenlab.errors import UserError
from qwenlab.files import drop_unfinished
from qwenlab.runs.record import JobRecord, Status

R = TypeVar("R", bound=JobRecord)


class JobFolder(Generic[R]):
    """A folder with a record and a lock. A process id alone would not tell who lives: ids are used again."""

    def __init__(self, folder: Path, record_name: str, record_type: type[R]) -> None:
        self.folder = folder
        self.record_file = folder / record_name
        self.stop_file = folder / "stop"
        self._record_type = record_type
        self._lock = FileLock(folder / ".lock")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"

    @property
    def name(self) -> str:
        return self.folder.name

    def read(self) -> R:
        """The record as its process last wrote it; `status` says what holds for an onlooker.

        Raises:
            UserError: it cannot be read.
        """
        return self._record_type.read(self.record_file)

    @property
    def fault(self) -> str:
        """Why the record cannot be read, as a sentence; empty where it can."""
        try:
            self.read()
        except UserError as error:
            return error.message
        return ""

    def write(self, record: R) -> None:
        record.write(self.record_file)

    def update(self, **changes: Any) -> R:
        """Change some fields of the record and return it."""
        record = self._record_type.model_validate(self.read().model_dump() | changes)
        self.write(record)
        return record

    @property
    def status(self) -> Status:
        """As recorded, but `lost` where a process should live and none holds the lock."""
        status = self.read().status
        return Status.lost if status.claims_life and not self.is_alive else status

    @property
    def is_alive(self) -> bool:
        """Whether a process holds the folder."""
        try:
            with FileLock(self._lock.lock_file, timeout=0):
                return False
        except Timeout:
            return True

    def request_stop(self) -> None:
        """Ask the folder's process to save what it has and end; it looks again and again."""
        self.stop_file.touch()

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder for as long as this process works in it, and say so in its record.

        Raises:
            UserError: another process holds it.
        """
        with self.locked():
            self.update(pid=os.getpid(), command=[Path(sys.executable).name, *sys.orig_argv[1:]])
            yield

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, without an earlier wish to stop.

        Raises:
            UserError: another process holds it.
        """
        try:
            self._lock.acquire(timeout=1)  # an onlooker may be trying it for a moment
        except Timeout:
            raise UserError(
                f"{self.name} is being worked on by process {self.read().pid}.", "Wait for it, or stop it first."
            ) from None
        try:
            self.stop_file.unlink(missing_ok=True)
            drop_unfinished(self.folder)
            yield
        finally:
            self._lock.release()
