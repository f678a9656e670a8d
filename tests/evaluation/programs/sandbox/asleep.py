"""A program that sleeps in a sandbox, to be looked at from outside."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from qwenlab.evaluation.programs.sandbox import SandboxFailureError, Spec
from qwenlab.evaluation.programs.sandbox.client import Client
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from tests.evaluation.programs.sandbox.conftest import LIMITS

PATIENCE_S = 20.0
Found = TypeVar("Found")


def lives(process: int) -> bool:
    """Whether it runs. What has ended and nobody has asked for yet does not."""
    return _parent(process) is not None


def descendants(process: int) -> set[int]:
    """All that a process has started, and they in turn, as far as they live."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        found = _parent(int(folder.name))
        if found:
            children.setdefault(found, []).append(int(folder.name))
    family = list(children.get(process, []))
    for child in family:
        family += children.get(child, [])
    return set(family)


def _parent(process: int) -> int | None:
    """Nothing for what does not live."""
    try:
        state, parent, *_ = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def wait_for(condition: Callable[[], Found]) -> Found:
    """What a condition says once it holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)
    return found


class Asleep:
    """A sandbox with one launcher, whose program sleeps."""

    def __init__(self, sandbox: LaunchedSandbox, wall_s: float) -> None:
        self.sandbox = sandbox
        self.failure: Exception | None = None
        self._spec = Spec(b"import time\ntime.sleep(20)", b"", LIMITS._replace(wall_s=wall_s))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.client: Client = wait_for(lambda: next(iter(sandbox.launchers), None))  # type: ignore[assignment]
        wait_for(lambda: any(map(self._is_the_program, self.processes())))

    def processes(self) -> set[int]:
        """The launcher and all that it started, as long as it lives."""
        launcher = self.client.process.pid
        return {launcher} & descendants(os.getpid()) | descendants(launcher)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            self.sandbox.run(self._spec)
        except SandboxFailureError as failure:
            self.failure = failure

    def _is_the_program(self, process: int) -> bool:
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        return b"main.py" in command[-2] and b"bwrap" not in command[0]


@contextmanager
def asleep_in(plan: Plan, wall_s: float = 20.0) -> Iterator[Asleep]:
    """A sandbox of its own for one sleeping program; ended with it."""
    with LaunchedSandbox(plan, judging_interpreter()) as sandbox:
        asleep = Asleep(sandbox, wall_s)
        yield asleep
    asleep.join()
