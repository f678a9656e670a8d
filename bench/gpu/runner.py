"""One step after the other, or side by side: each with its time box, and its result told the moment it ends."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from bench.gpu.lab import Lab, StepError
from bench.gpu.results import Figures, Result

PATIENCE = 3
"""A step is ended after so many times the seconds that it takes on a fast card."""


@dataclass(frozen=True)
class Step:
    """What is measured, and what it takes."""

    name: str
    work: Callable[[float], Figures]
    """Given when it has to be done, by the monotonic clock; raises StepError."""
    seconds: float
    """That it takes on a fast card; with less time left it is skipped."""
    gb: float
    """Of the card's memory that it needs; with less of it free it is skipped."""
    alone: bool = True
    """Timed: nothing else runs meanwhile."""


def obstacle(step: Step, free_gb: float, seconds_left: float) -> str:
    """Why the step cannot run, in a sentence; empty where it can."""
    if step.gb > free_gb:
        return f"It needs {step.gb:g} GB of the card's memory, and {free_gb:.1f} are free."
    if step.seconds > seconds_left:
        return f"It takes about {step.seconds:g} s, and {max(seconds_left, 0):.0f} s are left."
    return ""


def run_steps(
    steps: Sequence[Step], lab: Lab, tell: Callable[[Result], None], free_gb: float, until: float, workers: int
) -> None:
    """Run them all: first those that are not timed, so many side by side as the card's memory allows, then the others.

    In a dry run nothing is timed.

    Args:
        tell: is called with each result; from one thread at a time.
        free_gb: of the card's memory before the first step.
        until: when all has to be done, by the monotonic clock.
        workers: how many steps may run side by side.
    """
    room, telling = _Room(free_gb), threading.Lock()

    def run(step: Step) -> None:
        with room.taken(step.gb):
            result = _result(step, free_gb, until)
        if not lab.over.is_set():
            with telling:
                tell(result)

    pool = ThreadPoolExecutor(workers)
    try:
        for done in [pool.submit(run, step) for step in steps if lab.dry or not step.alone]:
            done.result()
        for step in steps:
            if step.alone and not lab.dry:
                run(step)
    except BaseException:
        lab.over.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _result(step: Step, free_gb: float, until: float) -> Result:
    begun = time.monotonic()
    if why := obstacle(step, free_gb, until - begun):
        return Result(step=step.name, ok=None, skipped=why)

    def ended(ok: bool, figures: Figures | None, error: str = "") -> Result:
        seconds = round(time.monotonic() - begun, 1)
        return Result(step=step.name, ok=ok, seconds=seconds, error=error, figures=figures)

    try:
        return ended(True, step.work(min(begun + PATIENCE * step.seconds, until)))
    except StepError as error:
        return ended(False, error.figures, str(error))
    except Exception as error:  # noqa: BLE001  a step that breaks must not take the others with it
        return ended(False, None, f"{type(error).__name__}: {error}")


class _Room:
    """The card's memory, shared by steps side by side."""

    def __init__(self, gb: float) -> None:
        self._gb, self._taken = gb, 0.0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, gb: float) -> Iterator[None]:
        """Inside the block so much is taken; waits until it is free, or all is: what never fits is not for here."""
        with self._changed:
            self._changed.wait_for(lambda: math.isclose(self._taken, 0) or self._taken + gb <= self._gb)
            self._taken += gb
        try:
            yield
        finally:
            with self._changed:
                self._taken -= gb
                self._changed.notify_all()
