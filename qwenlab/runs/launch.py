"""Start a verb as a process of its own, which neither a closed browser nor an ended app takes along.

Each launch leaves two files in `runs/.launches`: the log, with all that the process says, and a record of the command.
The process holds a lock on its log for as long as it lives, so that everybody, a restarted app too, sees whether it
does. A training is found again in its run's folder; what ended before there was one has told why in its log.
"""

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from qwenlab.credentials import environment
from qwenlab.errors import UserError
from qwenlab.files import Record, last_lines
from qwenlab.runs.run import Run, list_runs

_PARENT = Path(__file__).parent.parent.parent
CLONE = [str(_PARENT)] if (_PARENT / "pyproject.toml").is_file() else []
"""The folder of a clone, which is not found from everywhere; an installed package is."""

LAST_WORDS = 12
"""Lines that are shown of what a process said before it ended."""


class LaunchRecord(Record):
    """What was started, and when (seconds since 1970)."""

    verb: str
    command: str
    """As it is typed in a terminal."""
    pid: int
    time: float


class Launch:
    """A process that was started, seen through its log and its record."""

    def __init__(self, log: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.log = log
        self._process = process
        self.record_file = log.with_suffix(".json")

    def read(self) -> LaunchRecord:
        return LaunchRecord.read(self.record_file)

    @property
    def is_alive(self) -> bool:
        """Whether the process, or one that it started, still writes to the log."""
        try:
            with self.log.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # nobody writes to what is not there
            return False
        return False

    @property
    def text(self) -> str:
        """All that it has said so far."""
        return last_lines(self.log, sys.maxsize)

    @property
    def last_words(self) -> str:
        """What it said last: for a process that failed, the sentence that says why, never a traceback."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        if any(line.startswith("Traceback (most recent call last)") for line in lines):
            return f"This is a fault of the program, not yours: {lines[-1]}\nAll that it said is in {self.log}"
        return "\n".join(lines[-LAST_WORDS:])

    def exit_code(self) -> int:
        """How it ended, once it has; for the process that started it alone."""
        assert self._process, "it was started here"
        return self._process.wait()

    def find_run(self, runs: Path) -> Run | None:
        """The run that this process works on, or worked on."""
        launched = self.read()
        for run in reversed(list_runs(runs)):
            with contextlib.suppress(UserError):  # one that cannot be read is not it
                record = run.read()
                if record.pid == launched.pid and record.started and record.started.timestamp() >= launched.time:
                    return run
        return None


def process_environment(verb: str) -> dict[str, str]:
    """Of a process that works for a verb: it finds the package from whatever folder the app was started in."""
    paths = os.pathsep.join([*CLONE, *filter(None, [os.environ.get("PYTHONPATH")])])
    return environment(verb) | {"PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"}


def shown_command(verb: str, arguments: Sequence[str]) -> str:
    """The command as it is typed in a terminal."""
    return shlex.join(["python", "-m", f"qwenlab.{verb}", *arguments])


def launch(runs: Path, verb: str, arguments: Sequence[str], name: str = "") -> Launch:
    """Start `python -m qwenlab.VERB arguments...` in a session of its own, and come back at once.

    `list_launches` finds it by `name`, which is the verb if nothing else is said.
    """
    folder = runs / ".launches"
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.time()
    log = folder / f"{time.time_ns()}-{name or verb}.log"
    with log.open("wb") as file:
        # The lock belongs to the open file, which the process inherits: it is free when the last holder has ended.
        fcntl.flock(file, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, "-m", f"qwenlab.{verb}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=process_environment(verb),
        )
    # It outlives the app; while the app lives, its end is taken note of, so that no zombie is left.
    threading.Thread(target=process.wait, name=f"wait for {verb}", daemon=True).start()
    launched = Launch(log, process)
    record = LaunchRecord(verb=verb, command=shown_command(verb, arguments), pid=process.pid, time=begun)
    record.write(launched.record_file)
    return launched


def list_launches(runs: Path, name: str) -> list[Launch]:
    """All launches of this name whose record can be read, oldest first."""
    found = sorted((runs / ".launches").glob(f"[0-9]*-{name}.json"))
    launches = [Launch(path.with_suffix(".log")) for path in found if path.stem.partition("-")[2] == name]
    return [launched for launched in launches if _is_readable(launched)]


def _is_readable(launched: Launch) -> bool:
    try:
        launched.read()
    except UserError:
        return False
    return True
