"""One thread that owns the model: it answers what has come together in one batch, and each asker hears its own row.

Requests for the base and for any adapter share a batch, which is why transformers' own server (`transformers serve`,
with continuous batching) is not used: it knows no adapters, let alone one for each row. A batch is formed when the one
before it has ended: who comes meanwhile waits in a bounded line. A row that is done early, or whose asker has gone,
ends at once; the batch ends with its last row. A row that fails, fails alone: where it is not known which one did, each
that nothing was told of is answered again by itself.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch

from qwenlab.answering.answerer import Answer, Ask, Listener, TooLargeError
from qwenlab.answering.reasoning import Piece
from qwenlab.inference.generate import Prompt, answer_prompts, read
from qwenlab.inference.load import Inference
from qwenlab.training.memory import first_line, is_out_of_memory

BATCH_TOKENS = 65_536
"""Rows times the longest row, prompt and answer: 3.75 GB of keys and values for a 7B Qwen2.5 in 16 bits."""

ALIKE = 4
"""Prompts more than so many times longer than others are answered apart from them: padding is computed too."""

SHORT = 256
"""Tokens. Prompts up to here count as equally long."""

GATHER_S = 0.01
"""Seconds in which others may join the first row of a batch; a step takes about as long."""

Event = Piece | Answer | Exception
"""A piece of reasoning or answer, or the end: a whole answer, or what went wrong."""


class FullError(Exception):
    """As many requests wait as may, or the batcher ends."""


class Row:
    """An answer on its way. `tell` hears its events on the model's thread; the last one is no piece."""

    def __init__(self, prompt: Prompt, tell: Callable[[Event], object], streams: bool = True) -> None:
        """`streams`: pieces are told, and not its end alone."""
        self.prompt = prompt
        self.alone = False
        """No others may be in its batch."""
        self.gone = False
        """To be set when nobody waits for it any more."""
        self.begun = False
        self.ended = False
        self._tell = tell
        self._streams = streams

    def tell(self, event: Event) -> None:
        if isinstance(event, Piece) and not self._streams:
            return
        self.begun = True
        self.ended = not isinstance(event, Piece)
        self._tell(event)


class Batcher:
    """Answers with a loaded model from a thread of its own, between `start` and `close`."""

    def __init__(self, loaded: Inference, rows_at_once: int = 32, longest_line: int = 256) -> None:
        self.loaded = loaded
        self._rows_at_once = rows_at_once
        self._longest_line = longest_line
        self._line: deque[Row] = deque()
        self._batch: list[Row] = []
        self.closing = False
        """Whatever runs shall end."""
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="model")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End what runs, refuse what waits, and let the thread go."""
        with self._change:
            self.closing = True
            self._change.notify()
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Rows in line."""
        return len(self._line)

    @property
    def running(self) -> int:
        """Rows that are being answered."""
        return sum(not row.ended for row in self._batch)

    def submit(self, ask: Ask, count: int, tell: Callable[[int, Event], object], streams: bool = True) -> list[Row]:
        """Put so many answers to a question into the line, all or none, each with the next seed.

        `tell` hears their events by their number; pieces only where it `streams`. Making tokens of a long prompt takes
        a while: of any thread's time, but not of an event loop's.

        Raises:
            FullError: the line would become too long, or the batcher ends.
            ContextError, UserError: see `generate.read`.
        """
        prompt = read(self.loaded, ask)
        rows = [Row(_seeded(prompt, number), partial(tell, number), streams) for number in range(count)]
        with self._change:
            self._drop_gone()
            if self.closing or len(self._line) + len(rows) > self._longest_line:
                raise FullError
            self._line.extend(rows)
            self._change.notify()
        return rows

    def _work(self) -> None:
        while batch := self._next_batch():
            full: TooLargeError | None = None
            try:
                answer_prompts(self.loaded, dict(enumerate(row.prompt for row in batch)), _Teller(self, batch))
            except Exception as error:  # noqa: BLE001  its askers are told, and the others are served on
                if is_out_of_memory(error):
                    full = TooLargeError(first_line(error))
                else:
                    traceback.print_exc()
                    self._go_on_alone(batch, error)
            if full:  # here the error is gone, and with it the tensors that its traceback held
                self._go_on_smaller(batch, full)
            self._batch = []
        self._fail(list(self._line), FullError())

    def _next_batch(self) -> list[Row]:
        """Waits for the oldest row and takes those in line that go well with it; none when the batcher ends."""
        with self._change:
            self._change.wait_for(self._is_asked)
            # A moment for those who come at the same time: else the first alone would keep the others waiting.
            self._change.wait_for(lambda: len(self._line) >= self._rows_at_once, timeout=GATHER_S)
            self._change.wait_for(self._is_asked)  # the first may have gone meanwhile
            if self.closing:
                return []
            batch = [self._line.popleft()]
            for row in list(self._line):
                if self._goes_with(batch, row):
                    self._line.remove(row)
                    batch.append(row)
            self._batch = batch
            return batch

    def _is_asked(self) -> bool:
        self._drop_gone()
        return bool(self._line) or self.closing

    def _goes_with(self, batch: list[Row], row: Row) -> bool:
        prompts = [max(len(other.prompt.ids), SHORT) for other in (*batch, row)]
        answers = [other.prompt.sampling.most_tokens for other in (*batch, row)]
        return (
            len(batch) < self._rows_at_once
            and not (batch[0].alone or row.alone)
            and max(prompts) <= ALIKE * min(prompts)
            and len(prompts) * (max(prompts) + max(answers)) <= BATCH_TOKENS
        )

    def _drop_gone(self) -> None:
        for row in [row for row in self._line if row.gone]:
            self._line.remove(row)
            row.tell(Answer("", "cancelled", 0, len(row.prompt.ids)))

    def _go_on_smaller(self, batch: list[Row], error: TooLargeError) -> None:
        """From now on in batches of half the size, beginning with the rows that nothing was told of yet."""
        torch.cuda.empty_cache()
        self._rows_at_once = max(1, len(batch) // 2)
        self._again(batch, error)

    def _go_on_alone(self, batch: list[Row], error: Exception) -> None:
        for row in batch:
            row.alone = True
        self._again(batch, error)

    def _again(self, batch: list[Row], error: Exception) -> None:
        """Put the rows that nothing was told of at the head of the line, unless they were alone already."""
        again = [row for row in batch if not row.begun and len(batch) > 1]
        self._fail([row for row in batch if row not in again], error)
        with self._change:
            self._line.extendleft(reversed(again))

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        for row in rows:
            if not row.ended:
                row.tell(error)


def _seeded(prompt: Prompt, number: int) -> Prompt:
    sampling = prompt.sampling
    return prompt._replace(sampling=sampling._replace(seed=(sampling.seed + number) % 2**63))


class _Teller(Listener):
    """Passes what is heard of each row to its asker."""

    def __init__(self, batcher: Batcher, batch: Sequence[Row]) -> None:
        self._batcher = batcher
        self._batch = batch

    def text(self, row: int, piece: str) -> None:
        self._batch[row].tell(Piece(piece))

    def reasoning(self, row: int, piece: str) -> None:
        self._batch[row].tell(Piece(piece, is_reasoning=True))

    def done(self, row: int, answer: Answer) -> None:
        self._batch[row].tell(answer)

    def failed(self, row: int, error: Exception) -> None:
        self._batch[row].tell(error)

    def gone(self, row: int) -> bool:
        return self._batch[row].gone or self._batcher.closing
