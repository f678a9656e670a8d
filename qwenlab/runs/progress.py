"""How a job is told on the way: one live line on a terminal, a plain line now and then elsewhere and in the log."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from qwenlab.runs.evaluation import Evaluation, Phase
from qwenlab.runs.output import Output
from qwenlab.text import time_left

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines."""


class StopRequested(Exception):  # noqa: N818
    """Somebody asked the evaluation to stop; what is done is on the disk."""


class Progress:
    """Counts from `start` to the total, with a few words on how it goes."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def start(self, title: str, total: int, done: int = 0) -> None:
        """Go from `done` to `total`, both counted in what `title` names."""
        self._title, self._total, self._begun_at = title, total, done
        self._begun, self._last_plain = time.monotonic(), 0.0
        if self._output.terminal.is_terminal:
            columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[now]}"))
            # What is printed meanwhile goes to the log as well: rich would take it away from there.
            self._bar = Bar(
                *columns, console=self._output.terminal, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._task = self._bar.add_task("", total=total, completed=done, now="")
            self._bar.start()

    def seconds(self) -> float:
        """Since the start."""
        return max(time.monotonic() - self._begun, 1e-9)

    def seconds_left(self, done: int) -> float | None:
        """Until the end, at the pace so far; None before anything was done."""
        since = done - self._begun_at
        return round(self.seconds() / since * (self._total - done), 1) if since else None

    def seconds_in_all(self, done: int) -> float | None:
        """What the total takes, at the pace so far; None before anything was done."""
        since = done - self._begun_at
        return self.seconds() / since * self._total if since else None

    def reach(self, done: int, *words: str) -> None:
        """`done` of the total are done; empty words are left out."""
        now, last = "  ".join(filter(None, words)), done == self._total
        if self._bar:
            self._bar.update(self._task, completed=done, now=now)
        if last or time.monotonic() - self._last_plain > PLAIN_SECONDS:
            self._last_plain = time.monotonic()
            say = self._output.log if self._bar and not last else self._output.say
            say(f"{self._title} {done}/{self._total}  {now}".rstrip())

    def note(self, text: str) -> None:
        """A line of its own."""
        self._output.say(text)

    def log(self, text: str) -> None:
        """A line in the log alone."""
        self._output.log(text)

    def end(self) -> None:
        """Take the live line away."""
        if self._bar:
            self._bar.stop()
            self._bar = None


class PhaseProgress:
    """One phase of an evaluation as it proceeds, in evaluation.json for onlookers too.

    Args:
        total: answers of this phase, of which `done` were there before.
        before_s: seconds that the phases before it took.
        expected_s: seconds that this phase will take, before its pace is known; None: nothing is known of it.
        after_s: seconds that the phases after it will take.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        output: Output,
        phase: Phase,
        total: int,
        done: int,
        before_s: float = 0.0,
        expected_s: float | None = None,
        after_s: float = 0.0,
    ) -> None:
        self._evaluation = evaluation
        self._progress = Progress(output)
        self._phase: Phase = phase
        self._total, self._done = total, done
        self._before_s, self._expected_s, self._after_s = before_s, expected_s, after_s
        self._share = evaluation.read().share or 0.0
        self._tokens = 0

    def __enter__(self) -> Self:
        share, left = self._whole(self._expected_s)
        self._evaluation.update(
            phase=self._phase, total=self._total, done=self._done, tokens_per_second=None, share=share, eta_s=left
        )
        self._progress.start(self._phase, self._total, self._done)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.end()

    def reach(self, done: int, tokens: int = 0) -> None:
        """`done` of the total are done, and so many more tokens were written.

        Raises:
            StopRequested: somebody asked for it.
        """
        self._done, self._tokens = done, self._tokens + tokens
        seconds_left = self._progress.seconds_left(done)
        speed = round(self._tokens / self._progress.seconds(), 1) if self._tokens else None
        share, left = self._whole(self._phase_s(done))
        self._evaluation.update(done=done, tokens_per_second=speed, share=share, eta_s=left)
        self._progress.reach(done, f"{speed:,.0f} tokens/s" if speed else "", time_left(seconds_left))
        if self._evaluation.stop_file.exists():
            raise StopRequested

    def more(self, count: int, tokens: int = 0) -> None:
        """As `reach`, with what has come on top."""
        self.reach(self._done + count, tokens)

    def _phase_s(self, done: int) -> float | None:
        """What all of this phase takes: as was expected, and the more is done the more as it went so far."""
        measured = self._progress.seconds_in_all(done)
        if measured is None or self._expected_s is None:
            return self._expected_s if measured is None else measured
        seen = done / self._total
        return seen * measured + (1 - seen) * self._expected_s

    def _whole(self, phase_s: float | None) -> tuple[float | None, float | None]:
        """How far the whole evaluation is, and seconds left; `phase_s`: what all of this phase takes.

        The share never goes back: that a pace was guessed wrongly is told by the time.
        """
        if phase_s is None:
            return (self._share or None), None
        done_s = phase_s * self._done / self._total if self._total else phase_s
        whole_s = self._before_s + phase_s + self._after_s
        reached = (self._before_s + done_s) / whole_s if whole_s else 1.0
        self._share = round(max(self._share, min(reached, 1.0)), 4)
        return self._share, round(phase_s - done_s + self._after_s, 1)
