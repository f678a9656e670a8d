"""A disk that is full, or read-only, on purpose: a file system in memory where one may be mounted."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

SIZE = 256 * 2**20


class SmallDisk:
    """A folder that is a file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / ".ballast"

    def leave(self, room: int) -> None:
        """Fill it, but for so many bytes."""
        self.make_room()
        found = os.statvfs(self.folder)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(found.f_bavail * found.f_frsize - room, 1))

    def make_room(self) -> None:
        """As somebody does who was told that it is full."""
        self._ballast.unlink(missing_ok=True)

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Inside the block nothing can be written to it, by root neither."""
        _mount("remount,ro", self.folder)
        try:
            yield
        finally:
            _mount("remount,rw", self.folder)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """A new one; None: this user may not mount anything here."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _mount(f"size={SIZE}", folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
