"""The runs room: a run is a folder and a process, and everybody else only reads the folder.

The folder holds the recipe, a record of what ran where (run.json), the events as they happened (events.jsonl), the
checkpoints and the adapters. Whether the process lives is told by a file lock that it holds, so a reload, a second
browser, a run started over SSH and one that was killed all look right. Nothing here imports torch.
"""

from qwenlab.runs.evaluation import Evaluation, list_evaluations
from qwenlab.runs.events import EventLog, read_events
from qwenlab.runs.gpu_queue import gpu_line, gpu_lock, gpu_waiting
from qwenlab.runs.record import RunRecord, Status
from qwenlab.runs.run import Run, find_run, list_runs

__all__ = [
    "Evaluation",
    "EventLog",
    "Run",
    "RunRecord",
    "Status",
    "find_run",
    "gpu_line",
    "gpu_lock",
    "gpu_waiting",
    "list_evaluations",
    "list_runs",
    "read_events",
]
