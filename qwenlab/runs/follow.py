"""A job that was started as a process, heard to its end, and what it ended with as an exception."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.runs import Run, list_runs
from qwenlab.runs.events import Event, new_events
from qwenlab.runs.launch import Launch, launch

OnEvent = Callable[[Event], None]

POLL_SECONDS = 0.25


def follow_training(arguments: Sequence[str], runs: Path, on_event: OnEvent | None) -> Run:
    """Start `python -m qwenlab.train` with these arguments; its run, once it has ended.

    Args:
        on_event: is told each event of the run; None: what the process says is printed.

    Raises:
        As `follow`.
    """
    known = {run.name: run.events_file.stat().st_size for run in list_runs(runs) if run.events_file.exists()}
    launched = launch(runs, "train", [*arguments, "--runs", str(runs)])
    run: Run | None = None
    place = 0
    """Bytes of the run's events that were passed on, or were there before."""

    def hear(text: str) -> None:
        nonlocal run, place
        if on_event is None:
            print(text, end="", flush=True)
            return
        if run is None and (run := launched.find_run(runs)):
            place = known.get(run.name, 0)
        if run is not None:
            found, place = new_events(run.events_file, place)
            for event in found:
                on_event(event)

    def error() -> str | None:
        failed = launched.find_run(runs)
        return failed.read().error if failed else None

    follow(launched, hear, error)
    done = launched.find_run(runs)
    assert done, "a training that did not fail has a run"
    return done


def follow(launched: Launch, hear: Callable[[str], None], error: Callable[[], str | None] = lambda: None) -> None:
    """Until the process has ended; `hear` is called again and again with what it has said since.

    The first Ctrl-C asks it to save and stop, the second leaves it alone with that.

    Raises:
        UserError, RuntimeError: it failed.
    """
    asked = False
    with launched.log.open(encoding="utf-8", errors="replace") as said:
        while True:
            try:
                alive = launched.is_alive
                hear(said.read())
                if not alive:
                    break
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked:
                    raise
                asked = True
                os.kill(launched.read().pid, signal.SIGTERM)  # the holder of the log's lock is this process
    code = launched.exit_code()
    check_exit(code, launched.last_words, error() if code else None)


def check_exit(code: int, said: str, error: str | None = None) -> None:
    """Raise what a process ended with, by its exit code and the words on its standard error.

    Raises:
        UserError: exit code 2; `error` is what the job itself recorded, if it got so far.
        RuntimeError: another that is neither success nor a stop.
    """
    if code == 2:
        if error and error in said:  # what was printed before it is no part of it
            raise UserError(error, said.partition(error)[2].strip())
        message, _, hint = said.strip().partition("\n")
        raise UserError(message, hint)
    if code not in (0, 3):
        raise RuntimeError(said)
