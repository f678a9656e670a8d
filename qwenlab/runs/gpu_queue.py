"""One owner of the GPU at a time; the others wait in line, in the order in which they came.

Training, evaluation, serving and comparing all take their turn here. A waiting process holds a ticket: an empty file
whose name says its place, when it came and who it is, locked for as long as the process lives. A killed process's lock
is free, so its ticket does not hold up the line. Its place is when it came, unless somebody moves it to the front.
The ticket decides whose turn it is; one more lock decides who has the GPU, since two tickets may appear in another
order than their times.
"""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

_POLL_SECONDS = 0.2
PLACE_DIGITS = 20
"""Of a place, so that names sort as places do."""


class Ticket(NamedTuple):
    """One in the line."""

    place: int
    """0: it has the GPU. The others in the order of their places."""
    pid: int
    who: str
    name: str
    """Of its file, without the place."""


@contextlib.contextmanager
def gpu_lock(runs: Path, who: str, waiting: Callable[[list[str]], None] = lambda ahead: None) -> Iterator[None]:
    """Wait for the turn, then hold the GPU until the block ends.

    `waiting` is called with the names that are ahead, first in line first, whenever that list changes.
    """
    line = _line(runs)
    line.mkdir(parents=True, exist_ok=True)
    came = time.time_ns()
    mine = f"{came}-{os.getpid()}-{who}.ticket"
    # The lock is taken under another name, so that nobody sees the ticket unlocked and takes it for a dead one.
    unseen = line / f"{mine}.new"
    ticket_lock = FileLock(unseen)
    owner = FileLock(line / "owner.lock")
    told: list[str] = []
    with ticket_lock:
        unseen.rename(line / _placed(came, mine))
        try:
            while True:
                ahead = list(itertools.takewhile(lambda other: not other.name.endswith(f"-{mine}"), _living(line)))
                if not ahead and _acquired(owner):
                    break
                names = [_read(other).who for other in ahead] or ["another process"]
                if names != told:
                    waiting(told := names)
                time.sleep(_POLL_SECONDS)
            _move(line, mine, 0)
            yield
        finally:
            for ticket in line.glob(f"*-{mine}"):
                ticket.unlink(missing_ok=True)
            owner.release()


def gpu_waiting(runs: Path) -> list[str]:
    """Who holds the GPU, and then who waits for it, in order."""
    return [ticket.who for ticket in gpu_line(runs)]


def gpu_line(runs: Path) -> list[Ticket]:
    """The ticket of who holds the GPU, and then of those who wait, in order."""
    return [_read(ticket) for ticket in _living(_line(runs))]


def move_first(runs: Path, who: str) -> None:
    """Let the one of this name, if it waits, be the next."""
    waiting = [ticket for ticket in gpu_line(runs) if ticket.place]
    for ticket in waiting:
        if ticket.who == who:
            _move(_line(runs), ticket.name, min(each.place for each in waiting) - 1)


def leave(runs: Path, who: str) -> None:
    """End the process of this name, if it waits: it has nothing yet to save."""
    for ticket in gpu_line(runs):
        if ticket.who == who and ticket.place:
            os.kill(ticket.pid, signal.SIGTERM)  # who holds the lock on the ticket is this process


def _placed(place: int, name: str) -> str:
    return f"{place:0{PLACE_DIGITS}d}-{name}"


def _move(line: Path, name: str, place: int) -> None:
    """Another place for the ticket, whoever may be moving it at this moment as well."""
    for ticket in line.glob(f"*-{name}"):
        with contextlib.suppress(FileNotFoundError):
            ticket.rename(line / _placed(place, name))


def _line(runs: Path) -> Path:
    return runs / ".gpu"


def _living(line: Path) -> list[Path]:
    """The tickets whose processes live, first come first; the others are swept away."""
    living = []
    for ticket in sorted(line.glob(f"{'[0-9]' * PLACE_DIGITS}-*.ticket")):
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


def _read(ticket: Path) -> Ticket:
    place, name = ticket.name.split("-", 1)
    _, pid, who = ticket.stem.split("-", 3)[1:]
    return Ticket(int(place), int(pid), who, name)
