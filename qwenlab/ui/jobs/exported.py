"""Exports of a run as processes: what can be exported here, how one is started and stopped, and how it stands."""

import os
import signal
from pathlib import Path
from typing import Literal, NamedTuple

from qwenlab.errors import UserError
from qwenlab.jobs.export import Dtype, Target, can_check, lacking, merged_bytes
from qwenlab.runs import Run
from qwenlab.runs.exports import new_folder
from qwenlab.runs.launch import Launch, launch, list_launches

VERB = "export"


class Choice(NamedTuple):
    """What is to be made of a run's adapter."""

    target: Target
    dtype: Dtype = Dtype.auto
    repo: str = ""
    """Of the hub, as the next two."""
    merged: bool = False
    public: bool = False


class Progress(NamedTuple):
    """How the latest export of a run stands."""

    state: Literal["running", "done", "failed"]
    what: str
    """The folder's name, or the hub's repository."""
    said: str
    """The last line, or why it failed."""


def start(runs: Path, run: Run, choice: Choice) -> Launch:
    """Start the export, into a new folder of the run or to the hub.

    Raises:
        UserError: another one of this run is under way, or this machine lacks something.
    """
    found = latest(runs, run)
    if found and found.is_alive:
        raise UserError("An export of this run is under way.", "Wait for it, or stop it.")
    if lack := lacking(choice.target):
        raise lack
    return launch(runs, VERB, arguments(runs, run, choice), _launch_name(run))


def arguments(runs: Path, run: Run, choice: Choice) -> list[str]:
    """The command line after `python -m qwenlab.export`."""
    where = ["--runs", str(runs)]
    dtype = [] if choice.dtype is Dtype.auto else ["--dtype", choice.dtype.value]
    if choice.target is Target.hub:
        kind = ["--merged", *dtype] if choice.merged else []
        public = ["--public"] if choice.public else []
        return [run.name, "--to", "hub", "--repo", choice.repo, *kind, *public, "--yes", *where]
    dtype = [] if choice.target is Target.adapter else dtype
    out = new_folder(run, choice.target.value).resolve()
    return [run.name, "--to", choice.target.value, "--out", str(out), *dtype, *where]


def stop(runs: Path, run: Run) -> None:
    """End the export that is under way; nothing of it is left."""
    found = latest(runs, run)
    if found and found.is_alive:
        os.kill(found.read().pid, signal.SIGTERM)  # the holder of the lock wrote this number


def latest(runs: Path, run: Run) -> Launch | None:
    return next(reversed(list_launches(runs, _launch_name(run))), None)


def progress(runs: Path, run: Run) -> Progress | None:
    """None: none was ever started from the page."""
    found = latest(runs, run)
    if found is None:
        return None
    command = found.read().command.split()
    what = command[command.index("--repo") + 1] if "--repo" in command else ""
    made = _made(run, found.text)
    lines = found.last_words.splitlines()
    if found.is_alive:
        return Progress("running", what or made, lines[-1] if lines else "loading the model")
    uploaded = next((line for line in lines if line.startswith("Uploaded to ")), "")
    if made or uploaded:
        return Progress("done", what or made, uploaded)
    return Progress("failed", what, found.last_words or "The process exited without output.")


def needed(run: Run, choice: Choice) -> int:
    """Bytes on the disk, about; 0: little, or it is not known."""
    if choice.target is Target.adapter or (choice.target is Target.hub and not choice.merged):
        return 0
    return merged_bytes(run) * (2 if choice.target in (Target.gguf, Target.ollama) else 1)


def unproven(choice: Choice) -> bool:
    """Whether it can be made here, and not be compared with the adapter."""
    return lacking(choice.target) is None and not can_check(choice.target)


def _made(run: Run, said: str) -> str:
    """The name of the folder that the process says it has made; empty: none."""
    place = f"{run.folder.resolve() / 'exports'}{os.sep}"
    lines = (line for line in reversed(said.splitlines()) if line.startswith(place))
    return next((line.removeprefix(place).partition("  ")[0] for line in lines), "")


def _launch_name(run: Run) -> str:
    return f"{VERB}-{run.name}"
