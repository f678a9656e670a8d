"""Who answers: models in memory or behind an endpoint, all of them the same question with the same seed."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Event
from typing import Any, NamedTuple, Protocol

from qwenlab.answering.endpoint import Endpoint, ModelRow, Reply
from qwenlab.errors import UserError
from qwenlab.runs.comparisons import Column

Messages = tuple[dict[str, str], ...]
"""A conversation that waits for its answer."""

Tell = Callable[[int, int, str], None]
"""Hears the number of the question, that of the column, and the next piece of its text. Of one thread at a time."""


class How(NamedTuple):
    """How answers are drawn, alike in all columns."""

    max_tokens: int
    temperature: float
    seed: int


class Answerer(Protocol):
    """Answers questions by several models."""

    @property
    def names(self) -> Sequence[str]:
        """The models: `base`, or a run's name; a column each."""

    def answer(self, questions: Sequence[Messages], how: How, tell: Tell) -> list[tuple[Column, ...]]:
        """The columns of each question.

        Raises:
            UserError: a question does not fit, or a server cannot be asked.
        """


class Remote:
    """Models behind an OpenAI-compatible server: which of its models stands for which of our names."""

    def __init__(self, endpoint: Endpoint, models: dict[str, str]) -> None:
        """Raises:
        UserError: the server cannot be reached, or has no such model.
        """
        offered = {row.id: row for row in endpoint.models()}
        for model in models.values():
            if model not in offered:
                raise UserError(
                    f"{endpoint.url} has no model {model}.",
                    f"It has: {', '.join(offered)}. Name them with --base-model and --tuned-model.",
                )
        self._endpoint = endpoint
        self._models = {name: offered[model] for name, model in models.items()}

    @property
    def names(self) -> Sequence[str]:
        return list(self._models)

    def answer(self, questions: Sequence[Messages], how: How, tell: Tell) -> list[tuple[Column, ...]]:
        gone = Event()
        with ThreadPoolExecutor(len(questions) * len(self._models)) as pool:
            asked = [
                [
                    pool.submit(self._stream, name, messages, how, gone, partial(tell, n, c))
                    for c, name in enumerate(self._models)
                ]
                for n, messages in enumerate(questions)
            ]
            try:
                return [tuple(future.result() for future in row) for row in asked]
            finally:
                gone.set()  # where one failed, or on Ctrl-C, the others hang up

    def _stream(self, name: str, messages: Messages, how: How, gone: Event, tell: Callable[[str], None]) -> Column:
        model = self._models[name]
        begun = time.monotonic()
        with closing(self._endpoint.stream(model.id, messages, **how._asdict())) as stream:
            while not gone.is_set():
                try:
                    tell(next(stream))
                except StopIteration as end:
                    return _column(name, model, end.value, time.monotonic() - begun, self._endpoint.url)
        raise UserError("The comparison was stopped.")


def _column(name: str, model: ModelRow, reply: Reply, seconds: float, url: str) -> Column:
    stamp: dict[str, Any] = model.stamp or {"model": model.id, "endpoint": url}
    return Column(model=name, text=reply.text, finish=reply.finish, tokens=reply.tokens, seconds=seconds, stamp=stamp)
