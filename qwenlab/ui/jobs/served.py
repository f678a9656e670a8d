"""The server that the Compare tab talks to: `python -m qwenlab.serve`, found if it lives, else started.

It is a process of its own that waits in the line at the GPU like everybody else, and makes way when somebody comes.
"""

import os
import signal
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.runs import Run, find_run, gpu_waiting
from qwenlab.runs.events import Train, of_kind
from qwenlab.runs.launch import Launch, launch, list_launches, shown_command
from qwenlab.runs.serving import ServeRecord, serving
from qwenlab.text import time_left
from qwenlab.ui import run_cache
from qwenlab.ui.status_bar import has_gpu

SERVER = "serve"
"""How the server is called in the line at the GPU, and the verb that it is."""

KEY_VARIABLE = "QWENLAB_API_KEY"
"""Where the server finds the key that it asks for, and we the one that we show."""

POLL_SECONDS = 0.3


class WithdrawnError(Exception):
    """The server that was waited for is not wanted any more."""


def key() -> str | None:
    """What the server asks for, where it asks."""
    return os.environ.get(KEY_VARIABLE)


def ready(runs: Path, names: Sequence[str]) -> ServeRecord | None:
    """A server that answers for all these runs at this moment."""
    record = serving(runs)
    return record if record and set(names) <= set(record.models) else None


def busy(runs: Path, names: Sequence[str]) -> str:
    """Who is at work so that these runs cannot answer at once, as a sentence; empty where nobody is.

    Another server does not: it makes way.
    """
    holder = next(iter(gpu_waiting(runs)), SERVER)
    if holder == SERVER or ready(runs, names):
        return ""
    who = f"{called(runs, holder)} is at work"
    if has_gpu():
        who = f"The GPU is with {called(runs, holder)}"
    return f"{who}{_left(runs, holder)}. Answers can be had when it is done."


def called(runs: Path, name: str) -> str:
    """What the page calls a run; whatever else has a name goes by that."""
    run = Run(runs / name)
    return run_cache.name(run) if run.record_file.exists() else name


def wait(runs: Path, names: Sequence[str]) -> Generator[str, None, ServeRecord]:
    """Start a server for these runs unless one lives or is on its way; say what it does until it answers.

    Raises:
        UserError: it ended before that; with its own words.
        WithdrawnError: `withdraw` ended it.
    """
    started: Launch | None = None
    own = False
    while (record := ready(runs, names)) is None:
        if started is None:
            started = pending(runs, names)
            own = started is None
            started = started or launch(runs, SERVER, _arguments(runs, names))
        elif not started.is_alive and _withdrawn(started).exists():
            raise WithdrawnError
        elif not started.is_alive and own:
            raise UserError("The model could not be loaded.", started.last_words)
        elif not started.is_alive:
            started = None  # somebody else's, which was about to end
            continue
        yield busy(runs, names) or "Loading the model."
        time.sleep(POLL_SECONDS)
    return record


def pending(runs: Path, names: Sequence[str]) -> Launch | None:
    """A server for these runs that was started from a browser and lives, whether or not it answers yet."""
    command = shown_command(SERVER, _arguments(runs, names))
    return next(
        (each for each in list_launches(runs, SERVER) if each.read().command == command and each.is_alive), None
    )


def withdraw(runs: Path, names: Sequence[str]) -> None:
    """End a server that still waits or loads; one that answers stays."""
    waiting = pending(runs, names)
    if waiting and not ready(runs, names):
        _withdrawn(waiting).touch()  # before it ends: who waits for it may look in between
        os.kill(waiting.read().pid, signal.SIGTERM)  # the holder of the log's lock is this process


def _withdrawn(launched: Launch) -> Path:
    return launched.log.with_suffix(".withdrawn")


def _arguments(runs: Path, names: Sequence[str]) -> list[str]:
    return [*names, "--port", "0", "--runs", str(runs), "--make-way"]


def _left(runs: Path, holder: str) -> str:
    """How long the holder, where it is a training, will be at it."""
    try:
        told = of_kind(run_cache.events(find_run(runs, holder)), Train)
    except UserError:  # an evaluation, a job of another folder, or a run that cannot be read
        return ""
    left = time_left(told[-1].eta_s) if told else ""
    return f", {left}" if left else ""
