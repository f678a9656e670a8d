"""Stopping a run, from inside its process or from outside."""

import os
import signal
from typing import Protocol

from qwenlab.runs.record import Status
from qwenlab.runs.run import Run


class _Stoppable(Protocol):
    stop_requested: bool


class Stopper:
    """Passes the wish to stop to the training that is under way, which fulfils it after the step at hand."""

    def __init__(self) -> None:
        self.callback: _Stoppable | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether a training is about to fulfil the wish."""
        return self.callback is not None and self.callback.stop_requested

    def request(self) -> bool:
        """Whether there is a training that will see it, and that was not asked before."""
        if self.callback is None or self.callback.stop_requested:
            return False
        self.callback.stop_requested = True
        return True


def stop(run: Run) -> None:
    """Ask the run to save and end after the step at hand; one that still waits has nothing to save and ends at once."""
    if not run.is_alive:
        return
    record = None if run.fault else run.read()
    if record and record.status is Status.queued and record.pid:
        os.kill(record.pid, signal.SIGTERM)  # the holder of the lock wrote this number
    else:
        run.request_stop()
