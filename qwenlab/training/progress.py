"""How a training is told on the way: one live line on a terminal, a plain line now and then elsewhere."""

import time
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from qwenlab.runs.output import Output, duration

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines."""


class Progress:
    """Step, loss, speed and time left."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._total = 0
        self._last_plain = 0.0

    def start(self, total: int, done: int) -> None:
        """Training goes from step `done` to step `total`."""
        self._total = total
        if not self._output.terminal.is_terminal:
            return
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[now]}"))
        self._bar = Bar(*columns, console=self._output.terminal, redirect_stdout=False, redirect_stderr=False)
        self._task = self._bar.add_task("", total=total, completed=done, now="")
        self._bar.start()

    def step(self, event: dict[str, Any]) -> None:
        """A point of the curve, as it stands in events.jsonl."""
        last = event["step"] == self._total
        left = "" if last else f"  {duration(event['eta_s'])} left"
        now = f"loss {event['loss']:.4f}  {event['tokens_per_second']:,.0f} tokens/s{left}"
        if self._bar:
            self._bar.update(self._task, completed=event["step"], now=now)
        if last or time.monotonic() - self._last_plain > PLAIN_SECONDS:
            self._last_plain = time.monotonic()
            line = f"step {event['step']}/{self._total}  {now}"
            if self._bar:
                self._output.log(line)
            else:
                self._output.say(line)

    def evaluated(self, step: int, loss: float) -> None:
        when = f"step {step}/{self._total}" if step else "before training"
        self.note(f"{when}  validation loss {loss:.4f}")

    def note(self, text: str) -> None:
        self._output.say(text)

    def end(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
