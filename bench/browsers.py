"""Browsers without a screen: clients that ask the app what its page asks, and what follows from the answers."""

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from qwenlab.ui.polling import POLL_SECONDS

if TYPE_CHECKING:
    import httpx


class Browsers:
    """So many pages, opened one after the other; they ask only while they are `awake`."""

    def __init__(self, url: str, count: int) -> None:
        self.awake = threading.Event()
        self.asked = 0
        self._url, self._over = url, threading.Event()
        self._threads = [threading.Thread(target=self._look, args=(number / count,)) for number in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.awake.set()
        for thread in self._threads:
            thread.join()

    def _look(self, offset: float) -> None:
        import httpx

        self._over.wait(offset * POLL_SECONDS)
        with httpx.Client(base_url=self._url, timeout=60) as client:
            page = _Page(client, f"bench{offset}")
            while not self._over.is_set():
                slept = time.monotonic()
                self.awake.wait()
                page.sleep(time.monotonic() - slept)
                self.asked += page.tick()
                self._over.wait(min(page.due - time.monotonic(), 1))


class _Page:
    """The script's part of the page: timers, and what follows from an answer."""

    def __init__(self, client: "httpx.Client", session: str) -> None:
        config = client.get("/config").json()
        self._client, self._session, self._events = client, session, config["dependencies"]
        self._values: dict[int, Any] = {one["id"]: one["props"].get("value") for one in config["components"]}
        self._due: dict[int, float] = {
            one["id"]: time.monotonic() + one["props"]["value"]
            for one in config["components"]
            if one["type"] == "timer" and one["props"].get("active", True)
        }

    @property
    def due(self) -> float:
        """When the next timer ticks, by the monotonic clock."""
        return min(self._due.values())

    def sleep(self, seconds: float) -> None:
        """Time that passed without the page's noticing."""
        self._due = {timer: due + seconds for timer, due in self._due.items()}

    def tick(self) -> int:
        """Ask what is due; the number of questions."""
        asked = 0
        for timer, due in self._due.items():
            if due <= time.monotonic():
                asked += self._happens(timer, "tick")
                self._due[timer] = time.monotonic() + self._values[timer]
        return asked

    def _happens(self, target: int, event: str) -> int:
        asked = 0
        for one in self._events:
            if [target, event] in one["targets"] and one["backend_fn"]:  # the others are the browser's own
                body = {
                    "data": [self._values[part] for part in one["inputs"]],
                    "fn_index": one["id"],
                    "session_hash": self._session,
                }
                answer = self._client.post("/gradio_api/run/predict", json=body).raise_for_status().json()
                asked += 1 + sum(map(self._set, one["outputs"], answer["data"]))
        return asked

    def _set(self, part: int, value: Any) -> int:
        """The value that an answer gives to a part of the page, and what is asked because it changed."""
        if isinstance(value, dict) or value == self._values[part]:
            return 0
        self._values[part] = value
        return 0 if part in self._due else self._happens(part, "change")
