"""Who looks at the page, and how often each of them may ask what is new.

A training on the same machine pays for every question, about 7 ms of a core. So all browsers together may ask twice a
second and no more: up to four ask every two seconds, thirty of them every fifteen.
"""

import time
from collections.abc import Callable
from threading import Lock

POLL_SECONDS = 2.0
"""Between two questions of a browser, where few look."""
SECONDS_A_BROWSER = 0.5
"""What each browser that looks adds to that time, once it is more than `POLL_SECONDS`."""
FORGOTTEN = 3
"""A browser that has missed so many questions in a row has gone."""


class Audience:
    """Who looks at the page. Its methods may be called from several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: dict[str, float] = {}
        self._lock = Lock()

    def pace(self, browser: str) -> float:
        """Seconds until this browser, which asks now, should ask again."""
        now = self._now()
        with self._lock:
            self._seen[browser] = now
            gone = now - FORGOTTEN * self._pace()
            self._seen = {name: seen for name, seen in self._seen.items() if seen >= gone}
            return self._pace()

    def _pace(self) -> float:
        return max(POLL_SECONDS, round(SECONDS_A_BROWSER * len(self._seen), 1))
