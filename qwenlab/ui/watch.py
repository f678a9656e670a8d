"""Reading runs again and again: what has not changed on the disk is not parsed twice, however many browsers look."""

from functools import lru_cache
from pathlib import Path

from qwenlab.runs import Run
from qwenlab.runs.events import Event, read_events


def events(run: Run) -> list[Event]:
    """The run's events; not to be changed."""
    return _events(run.events_file, stamp(run.events_file))


def stamp(path: Path) -> tuple[int, int]:
    """Changes whenever the file does: nanoseconds and bytes."""
    if not path.exists():
        return (0, 0)
    found = path.stat()
    return (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _events(path: Path, changed: tuple[int, int]) -> list[Event]:
    return read_events(path)
