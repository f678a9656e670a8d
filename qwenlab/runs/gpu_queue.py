"""One owner of the GPU at a time; the others wait in line, in the order in which they came.

Training, evaluation, serving and comparing all take their turn here. A waiting process holds a ticket: an empty file
whose name says when it came and who it is, locked for as long as the process lives. A killed process's lock is free,
so its ticket does not hold up the line. The ticket decides whose turn it is; one more lock decides who has the GPU,
since two tickets may appear in another order than their times.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_POLL_SECONDS = 0.2


@contextlib.contextmanager
def gpu_lock(runs: Path, who: str, waiting: Callable[[list[str]], None] = lambda ahead: None) -> Iterator[None]:
    """Wait for the turn, then hold the GPU until the block ends.

    `waiting` is called with the names that are ahead, first in line first, whenever that list changes.
    """
    line = _line(runs)
    line.mkdir(parents=True, exist_ok=True)
    ticket = line / f"{time.time_ns()}-{os.getpid()}-{who}.ticket"
    # The lock is taken under another name, so that nobody sees the ticket unlocked and takes it for a dead one.
    unseen = ticket.with_suffix(".new")
    ticket_lock = FileLock(unseen)
    owner = FileLock(line / "owner.lock")
    told: list[str] = []
    with ticket_lock:
        unseen.rename(ticket)
        try:
            while True:
                ahead = [other for other in _living(line) if other.name < ticket.name]
                if not ahead and _acquired(owner):
                    break
                names = [_who(other) for other in ahead] or ["another process"]
                if names != told:
                    waiting(told := names)
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            ticket.unlink(missing_ok=True)
            owner.release()


def gpu_waiting(runs: Path) -> list[str]:
    """Who holds the GPU, and then who waits for it, in order."""
    return [_who(ticket) for ticket in _living(_line(runs))]


def _line(runs: Path) -> Path:
    return runs / ".gpu"


def _living(line: Path) -> list[Path]:
    """The tickets whose processes live, first come first; the others are swept away."""
    living = []
    for ticket in sorted(line.glob("*.ticket")):
        lock = FileLock(ticket)
        if _acquired(lock):
            ticket.unlink(missing_ok=True)
            lock.release()
        else:
            living.append(ticket)
    return living


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _who(ticket: Path) -> str:
    return ticket.stem.split("-", 2)[2]
