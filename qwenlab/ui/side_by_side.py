"""Several models answer the same prompt at the same time, each in a thread that reads its stream."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Event
from typing import NamedTuple

from qwenlab.answering.endpoint import Endpoint, Reply
from qwenlab.errors import UserError

SECONDS_BETWEEN = 0.1
"""Between two looks at what came in: a browser draws no more often."""

Messages = Sequence[dict[str, str]]


class Sampling(NamedTuple):
    """How an answer is drawn, the same for every column."""

    max_tokens: int
    temperature: float
    seed: int


class Answer(NamedTuple):
    """A column as it stands. `reply` is there when it has ended well, `fault` when it has not."""

    model: str
    text: str = ""
    seconds: float = 0.0
    reply: Reply | None = None
    fault: str = ""

    @property
    def ended(self) -> bool:
        return bool(self.reply or self.fault)

    @property
    def tokens_per_second(self) -> float | None:
        """From the request to the last token, prompt included; None where nothing was counted."""
        return self.reply.tokens / self.seconds if self.reply and self.reply.tokens and self.seconds else None


Heard = tuple[int, str | Reply | UserError]


def answers(server: Endpoint, models: Sequence[str], messages: Messages, sampling: Sampling) -> Iterator[list[Answer]]:
    """All columns again and again as they grow, until each has ended. Closing the iterator hangs up on all."""
    columns = [Answer(model) for model in models]
    heard: SimpleQueue[Heard] = SimpleQueue()
    gone = Event()
    began = time.monotonic()
    with _threads(len(columns), gone) as threads:
        futures = [
            threads.submit(_listen, server, model, messages, sampling, index, heard.put, gone)
            for index, model in enumerate(models)
        ]
        while not all(column.ended for column in columns):
            for index, what in _drained(heard):
                columns[index] = _grown(columns[index], what, time.monotonic() - began)
            yield list(columns)
            for future in futures:
                if future.done():
                    future.result()  # a bug in a thread is raised here


def _listen(
    server: Endpoint,
    model: str,
    messages: Messages,
    sampling: Sampling,
    index: int,
    tell: Callable[[Heard], None],
    gone: Event,
) -> None:
    """Read one stream to its end, or until nobody wants it any more."""
    stream = server.stream(model, messages, **sampling._asdict())
    with contextlib.closing(stream):
        try:
            while not gone.is_set():
                tell((index, next(stream)))
        except StopIteration as end:
            tell((index, end.value))
        except UserError as error:
            tell((index, error))


@contextlib.contextmanager
def _threads(count: int, gone: Event) -> Iterator[ThreadPoolExecutor]:
    threads = ThreadPoolExecutor(count)
    try:
        yield threads
    finally:
        gone.set()
        threads.shutdown(wait=False)


def _drained(heard: "SimpleQueue[Heard]") -> Iterator[Heard]:
    """All that comes within a moment."""
    until = time.monotonic() + SECONDS_BETWEEN
    while (left := until - time.monotonic()) > 0:
        with contextlib.suppress(Empty):
            yield heard.get(timeout=left)


def _grown(column: Answer, what: str | Reply | UserError, seconds: float) -> Answer:
    if isinstance(what, str):
        return column._replace(text=column.text + what, seconds=seconds)
    if isinstance(what, UserError):
        return column._replace(fault=str(what), seconds=seconds)
    return column._replace(text=what.text, seconds=seconds, reply=what)
