"""A folder that one process works in: it holds a lock for as long as it lives, and everybody else can see that."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class HeldFolder:
    """A folder with a lock. A process id alone would not tell who lives: ids are used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop_file = folder / "stop"
        self._lock = FileLock(folder / ".lock")

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
    def locked(self) -> Iterator[None]:
        """Hold the folder, without an earlier wish to stop.

        Raises:
            Timeout: another process holds it.
        """
        self._lock.acquire(timeout=1)  # an onlooker may be trying it for a moment
        try:
            self.stop_file.unlink(missing_ok=True)
            yield
        finally:
            self._lock.release()
