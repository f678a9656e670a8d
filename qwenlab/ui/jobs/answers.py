"""Answers for the page: had from the server, watched as they grow, and stopped when whoever asked wants no more."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Lock

from qwenlab.comparison.side_by_side import Growing, SideBySide
from qwenlab.runs.serving import ServeRecord
from qwenlab.ui.jobs import served

REST = 4.0
"""How much longer a state of the columns stands than it took to show it, so that showing costs a fifth of a core."""
LEAST_S, MOST_S = 0.15, 2.0


class Asking:
    """Who waits for answers, by browser. Stopping is a wish that the stream sees: a stream that is cut off from outside
    could neither keep what was written nor have the last word on the page."""

    def __init__(self) -> None:
        self._stops: dict[str, Event] = {}
        self._lock = Lock()

    @contextmanager
    def begun(self, browser: str) -> Iterator[Event]:
        """Set once this browser wants no more; what it asked before ends now."""
        stop = Event()
        self.stop(browser)
        with self._lock:
            self._stops[browser] = stop
        try:
            yield stop
        finally:
            with self._lock:
                if self._stops.get(browser) is stop:
                    del self._stops[browser]

    def stop(self, browser: str) -> None:
        """This browser wants no more of what it has asked."""
        with self._lock:
            if stop := self._stops.get(browser):
                stop.set()


def answers(
    runs: Path, names: Sequence[str], asked: SideBySide, stop: Event
) -> Generator[str | list[Growing], None, None]:
    """Say what is waited for, as sentences, and then yield the columns as they grow; what they are is in `asked`.

    Raises:
        UserError: no server could be started, or it refuses.
        WithdrawnError: it was stopped before there was a server.
    """
    from qwenlab.answering.remote import remote_answerer  # half a second

    record = yield from _server(runs, names, stop)
    models = {column.model: [column.model] for column in asked.growing}
    with (
        remote_answerer(record.url, models, served.key()) as answerer,
        closing(asked.watch(answerer, stop.is_set)) as states,
    ):
        for growing in states:
            begun = time.monotonic()
            yield growing
            stop.wait(min(MOST_S, max(LEAST_S, REST * (time.monotonic() - begun))))


def _server(runs: Path, names: Sequence[str], stop: Event) -> Generator[str, None, ServeRecord]:
    starting = served.wait(runs, names)
    while True:
        try:
            told = next(starting)
        except StopIteration as found:
            record: ServeRecord = found.value
            return record
        if stop.is_set():
            served.withdraw(runs, names)
            raise served.WithdrawnError
        yield told
