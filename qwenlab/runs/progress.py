"""How an evaluation is told on the way: in evaluation.json for onlookers, as a bar or as lines, and in the log."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from qwenlab.runs.evaluation import Evaluation, Phase
from qwenlab.runs.output import Output, duration

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines."""


class StopRequested(Exception):  # noqa: N818
    """Somebody asked the evaluation to stop; what is done is on the disk."""


class PhaseProgress:
    """One phase of an evaluation, as it proceeds."""

    def __init__(self, evaluation: Evaluation, output: Output, phase: Phase, total: int, done: int) -> None:
        self._evaluation = evaluation
        self._output = output
        self._phase: Phase = phase
        self._total = total
        self._done = self._begun_at = done
        self._tokens = 0
        self._begun = time.monotonic()
        self._last_plain = self._begun
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self._evaluation.update(
            phase=self._phase, total=self._total, done=self._done, tokens_per_second=None, eta_s=None
        )
        if self._output.terminal.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[now]}"),
            )
            self._bar = Progress(*columns, console=self._output.terminal, transient=True)
            self._task = self._bar.add_task(self._phase, total=self._total, completed=self._done, now="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def reach(self, done: int, tokens: int = 0) -> None:
        """`done` of the total are done, and so many more tokens were written.

        Raises:
            StopRequested: somebody asked for it.
        """
        self._done = done
        self._tokens += tokens
        spent = max(time.monotonic() - self._begun, 1e-9)
        since = done - self._begun_at
        left = round(spent / since * (self._total - done), 1) if since else None
        speed = round(self._tokens / spent, 1) if self._tokens else None
        self._evaluation.update(done=done, tokens_per_second=speed, eta_s=left)
        now = "  ".join(
            ([f"{speed:,.0f} tokens/s"] if speed else []) + ([f"{duration(left)} left"] if left is not None else [])
        )
        if self._bar:
            self._bar.update(self._task, completed=done, now=now)
        elif done < self._total and time.monotonic() - self._last_plain > PLAIN_SECONDS:
            self._last_plain = time.monotonic()
            self._output.say(f"{self._phase} {done}/{self._total}  {now}")
        if self._evaluation.stop_file.exists():
            raise StopRequested

    def more(self, count: int, tokens: int = 0) -> None:
        """As `reach`, with what has come on top."""
        self.reach(self._done + count, tokens)
