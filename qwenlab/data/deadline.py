"""A bound on the time of a piece of Python that somebody else wrote, in whatever thread it runs: a chat template.

A signal's handler runs in the main thread alone, and a process for each rendering would take longer than the rendering.
So one thread watches, and throws an exception into the thread whose time is up; it arrives between two of Python's
instructions, and so not inside a single one that takes for ever.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_S = 0.5
"""Between two looks at who has taken too long."""


class TooLongError(Exception):
    """The time is up."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End the block where it takes longer.

    Raises:
        TooLongError: it did.
    """
    _watch()
    thread = threading.get_ident()
    with _lock:
        _deadlines[thread] = time.monotonic() + seconds
    try:
        yield
    finally:
        with _lock:
            # Gone: the exception was thrown, and may not have arrived yet.
            if _deadlines.pop(thread, None) is None:
                _throw(thread, None)


_lock = threading.Lock()
_deadlines: dict[int, float] = {}
"""By thread: when its time is up."""
_watcher: threading.Thread | None = None


def _watch() -> None:
    global _watcher
    if _watcher is None or not _watcher.is_alive():  # a forked process has none
        _watcher = threading.Thread(target=_look, name="deadlines", daemon=True)
        _watcher.start()


def _look() -> None:
    while True:
        time.sleep(LOOK_S)
        now = time.monotonic()
        with _lock:
            for thread in [thread for thread, deadline in _deadlines.items() if deadline < now]:
                del _deadlines[thread]
                _throw(thread, TooLongError)


def _throw(thread: int, error: type[Exception] | None) -> None:
    """None takes back what has not arrived."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error) if error else None)
