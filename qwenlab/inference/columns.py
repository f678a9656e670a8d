"""A loaded model as the one that answers side by side: every question by every name, all in one batch."""

import time
from collections.abc import Sequence

from qwenlab.answering.answerer import How, Messages, Tell
from qwenlab.inference.generate import Answer, Ask, Listener, Sampling, generate
from qwenlab.inference.load import Inference
from qwenlab.runs.comparisons import Column


class InMemory:
    """Answers with the base and each adapter that is loaded."""

    def __init__(self, loaded: Inference) -> None:
        self._loaded = loaded
        self._stamps = {name: loaded.stamp(name)._asdict() for name in loaded.names}

    @property
    def names(self) -> Sequence[str]:
        return self._loaded.names

    def answer(self, questions: Sequence[Messages], how: How, tell: Tell) -> list[tuple[Column, ...]]:
        """Raises:
        UserError: a question and its answer do not fit into the model's context.
        """
        sampling = Sampling(how.max_tokens, how.temperature, seed=how.seed)
        asks = [Ask(messages, sampling, name) for messages in questions for name in self.names]
        clock = _Clock(tell, len(self.names))
        answers = generate(self._loaded, asks, clock)
        columns = [
            Column(
                model=ask.model,
                text=answer.text,
                finish=answer.finish,
                tokens=answer.tokens,
                seconds=clock.seconds[row],
                stamp=self._stamps[ask.model],
            )
            for row, (ask, answer) in enumerate(zip(asks, answers, strict=True))
        ]
        width = len(self.names)
        return [tuple(columns[first : first + width]) for first in range(0, len(columns), width)]


class _Clock(Listener):
    """Passes pieces on, and notes when each row ended."""

    def __init__(self, tell: Tell, width: int) -> None:
        self.seconds: dict[int, float] = {}
        self._tell = tell
        self._width = width
        self._begun = time.monotonic()

    def text(self, row: int, piece: str) -> None:
        self._tell(*divmod(row, self._width), piece)

    def done(self, row: int, answer: Answer) -> None:
        self.seconds[row] = time.monotonic() - self._begun
