"""Stop a training from outside its process."""

import os
import signal

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
