"""What can be done to a run from outside its process: stop it, or delete it once nobody works on it."""

import os
import shutil
import signal
import time

from qwenlab.errors import UserError
from qwenlab.runs.record import Status
from qwenlab.runs.run import Run


def stop(run: Run) -> None:
    """Ask the run to save and end after the step at hand; one that still waits has nothing to save and ends at once."""
    record = run.read()
    if not run.is_alive:
        return
    if record.status is Status.queued and record.pid:
        os.kill(record.pid, signal.SIGTERM)  # the holder of the lock wrote this number
    else:
        run.request_stop()


def delete(run: Run) -> None:
    """Remove the run's folder: recipe, curves, checkpoints, adapter, evaluations.

    Raises:
        UserError: a process works on it.
    """
    if run.is_alive:
        raise UserError(f"{run.name} is being worked on.", "Stop it first.")
    # Out of the list in one step: who lists runs meanwhile must not find half of one.
    place = run.folder.parent / ".deleted"
    place.mkdir(exist_ok=True)
    doomed = run.folder.rename(place / f"{run.name}-{time.time_ns()}")
    shutil.rmtree(doomed)
