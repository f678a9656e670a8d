"""What all steps share: the folders, the child processes with their time boxes, and what is made once."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bench.gpu.results import Figures

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.05
TAIL = 700
"""Characters of a log that an error shows."""


def slug(name: str) -> str:
    """The name as files and folders carry it."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())


class StepError(Exception):
    """A step failed; `figures` is what it had come to."""

    def __init__(self, message: str, figures: Figures | None = None) -> None:
        super().__init__(message)
        self.figures = figures


class Ended(NamedTuple):
    """How a child process ended."""

    code: int
    """Negative: the signal that ended it."""
    log: Path

    @property
    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-TAIL:]


@dataclass
class Lab:
    """One call of the bench. `work` holds weights and rows, which a later call may find; `runs` is this call's own."""

    work: Path
    runs: Path
    logs: Path
    dry: bool
    over: threading.Event = field(default_factory=threading.Event)
    """Set: no process goes on, and none is started any more."""

    def __post_init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returned for this key, made by the first that asks; the others wait for it."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._made:
                self._made[key] = make()
            made: T = self._made[key]
            return made

    def child(self, module: str, arguments: Sequence[object], name: str, until: float) -> Ended:
        """Run `python -m module arguments...` to its end; what it prints is in the log of that name.

        Args:
            until: when it has to be done, by the monotonic clock.

        Raises:
            StepError: it was not done by then, or the bench is over.
        """
        log = self.logs / f"{slug(name)}.txt"
        begun = time.monotonic()
        command = [sys.executable, "-m", module, *map(str, arguments)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(name), stdout=output, stderr=output, start_new_session=True
            )
            try:
                while process.poll() is None:
                    if self.over.is_set():
                        raise StepError("interrupted")
                    if time.monotonic() > until:
                        raise StepError(f"not done after {time.monotonic() - begun:.0f} s; its log is {log}")
                    time.sleep(POLL_SECONDS)
            finally:
                _end(process)
        return Ended(process.returncode, log)

    def _environment(self, name: str) -> dict[str, str]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            "HF_HUB_OFFLINE": "1",
            # Of several processes that generate code at the same time, each into a folder of its own.
            "UNSLOTH_COMPILE_LOCATION": str(self.runs / "unsloth" / slug(name)),
        }
        # The figures are those of one card, and the plan's estimate is for one.
        environment.setdefault("CUDA_VISIBLE_DEVICES", "0")
        if self.dry:
            environment["OMP_NUM_THREADS"] = "1"
        return environment


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it and what it has started, be it over or not: a killed training leaves the processes that load its data."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
