"""One thread that owns the model: it answers what has come together in one batch, and each asker hears its own row.

Requests for the base and for any adapter share a batch. A batch is formed when the one before it has ended: who comes
meanwhile waits in a bounded line. A row that is done early, or whose asker has gone, ends at once; the batch ends with
its last row.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence

import torch

from qwenlab.inference.generate import Answer, Ask, Conversation, Listener, generate, render
from qwenlab.inference.load import Inference
from qwenlab.training.memory import is_out_of_memory
from qwenlab.training.source import load_tokenizer

BATCH_TOKENS = 65_536
"""Rows times the longest row, prompt and answer: 3.75 GB of keys and values for a 7B Qwen2.5 in 16 bits."""

ALIKE = 4
"""Prompts more than so many times longer than others are answered apart from them: padding is computed too."""

SHORT = 256
"""Tokens. Prompts up to here count as equally long."""

GATHER_S = 0.01
"""Seconds in which others may join the first row of a batch; a step takes about as long."""

Event = str | Answer | Exception
"""A piece of text, or the end: an answer, or what went wrong."""


class FullError(Exception):
    """As many requests wait as may, or the batcher ends."""


class ShortOfMemoryError(Exception):
    """The GPU's memory does not suffice for the row."""


class Row:
    """An ask on its way. `tell` hears its events on the model's thread; the last one is no text."""

    def __init__(self, ask: Ask, prompt_tokens: int, tell: Callable[[Event], object]) -> None:
        self.ask = ask
        self.prompt_tokens = prompt_tokens
        self.gone = False
        """To be set when nobody waits for it any more."""
        self.begun = False
        self.ended = False
        self._tell = tell

    def tell(self, event: Event) -> None:
        self.begun = True
        self.ended = not isinstance(event, str)
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
        # Of its own: a tokenizer that pads in one thread must not be asked by another.
        self._counter = load_tokenizer(loaded.source).backend_tokenizer

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

    def count(self, messages: Conversation) -> int:
        """Tokens of the prompt; for one thread at a time."""
        return len(self._counter.encode(render(self.loaded, messages), add_special_tokens=False))

    def submit(self, rows: Sequence[Row]) -> None:
        """Put rows into the line, all or none. They fit into the context: see `generate.check_fits`.

        Raises:
            FullError: the line would become too long, or the batcher ends.
        """
        with self._change:
            self._drop_gone()
            if self.closing or len(self._line) + len(rows) > self._longest_line:
                raise FullError
            self._line.extend(rows)
            self._change.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            short = False
            try:
                generate(self.loaded, [row.ask for row in batch], _Teller(self, batch))
            except Exception as error:  # noqa: BLE001  its askers are told, and the others are served on
                short = is_out_of_memory(error)
                if not short:
                    traceback.print_exc()
                    self._fail(batch, error)
            if short:  # here the error is gone, and with it the tensors that its traceback held
                self._go_on_smaller(batch)
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
        prompts = [max(other.prompt_tokens, SHORT) for other in (*batch, row)]
        answers = [other.ask.sampling.max_new_tokens for other in (*batch, row)]
        return (
            len(batch) < self._rows_at_once
            and max(prompts) <= ALIKE * min(prompts)
            and len(prompts) * (max(prompts) + max(answers)) <= BATCH_TOKENS
        )

    def _drop_gone(self) -> None:
        for row in [row for row in self._line if row.gone]:
            self._line.remove(row)
            row.tell(Answer("", "cancelled", 0, row.prompt_tokens))

    def _go_on_smaller(self, batch: list[Row]) -> None:
        """From now on in batches of half the size, beginning with the rows that nothing was told of yet."""
        torch.cuda.empty_cache()
        self._rows_at_once = max(1, len(batch) // 2)
        again = [row for row in batch if not row.begun and len(batch) > 1]
        self._fail([row for row in batch if row not in again], ShortOfMemoryError())
        with self._change:
            self._line.extendleft(reversed(again))

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        for row in rows:
            if not row.ended:
                row.tell(error)


class _Teller(Listener):
    """Passes what is heard of each row to its asker."""

    def __init__(self, batcher: Batcher, batch: Sequence[Row]) -> None:
        self._batcher = batcher
        self._batch = batch

    def text(self, row: int, piece: str) -> None:
        self._batch[row].tell(piece)

    def done(self, row: int, answer: Answer) -> None:
        self._batch[row].tell(answer)

    def gone(self, row: int) -> bool:
        return self._batch[row].gone or self._batcher.closing
