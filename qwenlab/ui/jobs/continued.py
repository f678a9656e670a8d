"""Go on with a run: resume, extend, start from; and how such a launch stands."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from qwenlab.runs import Run, Status
from qwenlab.runs.launch import Launch, launch, list_launches

Way = Literal["--resume", "--extend", "--start-from"]


def go_on(runs: Path, run: Run, way: Way, changes: Sequence[str] = ()) -> Launch:
    """Start the training that goes on with this run, or begins with its adapter."""
    settings = [part for change in changes for part in ("--set", change)]
    return launch(runs, "train", [way, run.name, *settings, "--runs", str(runs)])


def resuming(run: Run, status: Status) -> str:
    """What `--resume` does with the run, as a button says it; empty where it does nothing.

    Without a checkpoint there is nothing to go on from: the same run begins at its first step.
    """
    if status not in (Status.stopped, Status.failed, Status.lost):
        return ""
    return "Resume" if run.checkpoints else "Start again"


def can_extend(run: Run, status: Status) -> bool:
    return not status.claims_life and bool(run.checkpoints)


def length(run: Run) -> tuple[str, str, float]:
    """By which setting the run's length is given, in which unit, and its value."""
    train = run.recipe.train
    if train.max_steps > 0:
        return "train.max_steps", "steps in all", train.max_steps
    return "train.num_train_epochs", "epochs in all", train.num_train_epochs


def lengthened(run: Run, until: float | None) -> str:
    """The change that extends the run up to so many epochs or steps."""
    key, _, _ = length(run)
    return f"{key}={int(until or 0) if key == 'train.max_steps' else until or 0}"


def latest_launch(runs: Path, run: Run, name: str) -> Launch | None:
    """The latest process of this name that was started for the run."""
    found = [launched for launched in list_launches(runs, name) if f" {run.name}" in launched.read().command]
    return found[-1] if found else None
