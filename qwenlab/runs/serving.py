"""Who serves the runs in a folder, so that others can talk to it: `runs/.serve.json`, true while its lock is held."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from qwenlab.errors import UserError
from qwenlab.files import Record


class ServeRecord(Record):
    """A server that takes requests."""

    url: str
    """Of the API, `/v1` included."""
    pid: int
    models: tuple[str, ...]
    """What answers there: `base`, then the runs."""
    key_required: bool


def serving(runs: Path) -> ServeRecord | None:
    """The server that lives, or None. One that still loads its model, or waits for the GPU, is none yet."""
    if not _record_file(runs).exists():
        return None
    try:
        with FileLock(_lock_file(runs), timeout=0):
            return None
    except Timeout:
        pass
    try:
        return ServeRecord.read(_record_file(runs))
    except UserError:  # it has just ended, or is of another version
        return None


@contextlib.contextmanager
def announced(runs: Path, record: ServeRecord) -> Iterator[None]:
    """Be found by `serving` while the block lasts. There is one server at a time: it holds the turn at the GPU."""
    path = _record_file(runs)
    with FileLock(_lock_file(runs), timeout=1):  # an onlooker may be trying it for a moment
        record.write(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _record_file(runs: Path) -> Path:
    return runs / ".serve.json"


def _lock_file(runs: Path) -> Path:
    return runs / ".serve.lock"
