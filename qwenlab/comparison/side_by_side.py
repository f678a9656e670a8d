"""The same questions put to several models: their columns while they are written, and what is kept of them."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from qwenlab.answering.answerer import Answer, Answerer, Ask, Listener, Messages, Sampling
from qwenlab.comparison.questions import Question
from qwenlab.runs.comparisons import Column, Comparison, now
from qwenlab.runs.mode import said

SECONDS_BETWEEN = 0.1
"""Between two looks at what came in: nobody reads faster."""


class Growing(NamedTuple):
    """A column as it stands. `answer` is there when it has ended, `fault` when it could not be answered."""

    model: str
    text: str = ""
    reasoning: str = ""
    seconds: float = 0.0
    """From the request to the last that came."""
    answer: Answer | None = None
    fault: str = ""


class SideBySide(Listener):
    """Each question asked of each model with the same sampling, the same seed; of each in its own mode of thinking."""

    def __init__(
        self,
        questions: Sequence[Question],
        models: Sequence[str],
        sampling: Sampling,
        modes: Mapping[str, bool | None],
        before: Mapping[str, Messages] | None = None,
    ) -> None:
        """`before`: the conversation that each model goes on from, where there is one."""
        self.growing = [Growing(model) for _ in questions for model in models]
        """The columns as they stand, one question's after the other's."""
        self.columns: list[tuple[Column, ...]] = []
        """Those of each question, once all have ended or were stopped."""
        self._modes = modes
        said = before or {}
        self._asks = [
            Ask((*said.get(model, ()), *question.messages), sampling, model, modes[model])
            for question in questions
            for model in models
        ]
        self._width = len(models)
        self._begun = time.monotonic()
        self._left = False

    def answer(self, answerer: Answerer) -> None:
        """Have all answered.

        Raises:
            As `Answerer.answer`.
        """
        self._begun = time.monotonic()
        answers = answerer.answer(self._asks, self)
        if not self._left:
            self._end(answerer, answers)

    def watch(
        self, answerer: Answerer, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[list[Growing], None, None]:
        """As `answer`, from a thread; yields the columns when they have grown. Closing it hangs up on all.

        So it does once it is `stopped`, and then the columns are what was written by then.
        """
        thread = ThreadPoolExecutor(1)
        answered = thread.submit(self.answer, answerer)
        try:
            shown = list[Growing]()
            while not answered.done():
                wait([answered], SECONDS_BETWEEN)
                if self.growing != shown:
                    shown = list(self.growing)
                    yield shown
                if stopped() and not answered.done():
                    self._left = True
                    answers = [grown.answer or _cut(grown) for grown in self.growing]
                    self._end(answerer, answers)
                    return
            answered.result()
        finally:
            self._left = True
            thread.shutdown(wait=False)

    def _end(self, answerer: Answerer, answers: Sequence[Answer]) -> None:
        columns = [
            Column(
                model=grown.model,
                text=answer.text,
                reasoning=answer.reasoning,
                reasoning_tokens=answer.reasoning_tokens,
                finish=answer.finish,
                tokens=answer.tokens,
                seconds=grown.seconds,
                stamp=answerer.stamp(grown.model) | {"thinking": self._modes[grown.model]},
            )
            for grown, answer in zip(self.growing, answers, strict=True)
        ]
        self.columns = [tuple(columns[first : first + self._width]) for first in range(0, len(columns), self._width)]

    def text(self, row: int, piece: str) -> None:
        self._grow(row, text=self.growing[row].text + piece)

    def reasoning(self, row: int, piece: str) -> None:
        self._grow(row, reasoning=self.growing[row].reasoning + piece)

    def done(self, row: int, answer: Answer) -> None:
        self._grow(row, text=answer.text, reasoning=answer.reasoning, answer=answer)

    def failed(self, row: int, error: Exception) -> None:
        self._grow(row, fault=str(error))

    def gone(self, row: int) -> bool:
        return self._left

    def _grow(self, row: int, **changes: Any) -> None:
        self.growing[row] = self.growing[row]._replace(seconds=time.monotonic() - self._begun, **changes)


def _cut(grown: Growing) -> Answer:
    """What there was of an answer when it was stopped; nobody has counted its tokens."""
    return Answer(grown.text, "stopped", 0, 0, grown.reasoning)


def comparison_of(question: Question, sampling: Sampling, columns: Sequence[Column], blind: bool) -> Comparison:
    """What is kept; the columns in the order in which they are shown."""
    return Comparison(
        created=now(),
        messages=tuple(question.messages),
        max_tokens=sampling.max_new_tokens,
        max_thinking_tokens=sampling.max_thinking_tokens,
        temperature=sampling.temperature,
        seed=sampling.seed,
        problem=question.problem.name if question.problem else None,
        columns=tuple(columns),
        blind=blind,
        expected=question.expected,
    )


def stamp_line(stamp: dict[str, Any]) -> str:
    """What made a column: the weights, the adapter or none, and where; another server than ours tells little of it."""
    parts = [str(stamp.get("model", "unknown"))]
    if "endpoint" in stamp:
        parts.append(f"at {stamp['endpoint']}")
    if "weights_sha256" in stamp:
        adapter = stamp["adapter_sha256"]
        parts += [
            f"weights {stamp['weights_sha256'][:8]}",
            f"adapter on {adapter[:8]}" if adapter else "adapter off",
            f"template {stamp['template_sha256'][:8]}",
            f"{stamp['dtype']} on {stamp['device']}",
        ]
    if stamp.get("thinking") is not None:
        parts.append(said(stamp["thinking"]))
    return " · ".join(parts)


def speed_line(column: Column) -> str:
    """How much was written and how fast; empty where nobody has counted."""
    if not column.tokens:
        return ""
    speed = f" · {column.tokens / column.seconds:,.0f} tokens/s" if column.seconds else ""
    return f"{column.tokens:,} tokens{speed}"


def cut_line(column: Column) -> str:
    """Why it is not whole; empty where it is."""
    return {
        "length": "ran out of tokens",
        "thinking": "ran out of tokens while thinking",
        "stopped": "stopped",
    }.get(column.finish, "")


def reasoning_line(reasoning: str, tokens: int = 0) -> str:
    """How long it reasoned; 0 tokens: nobody has counted them yet, or at all."""
    return f"reasoned for {tokens:,} tokens" if tokens else f"reasoned for {len(reasoning):,} characters"
