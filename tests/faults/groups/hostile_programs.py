"""Hostile programs beside honest ones, in every sandbox that this machine has, judged by root and by a user."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS, Backend
from tests.faults.greedy import CLAIMS, STARVES, STAYS
from tests.faults.group import Attempt, LostError
from tests.faults.hostile import CHANGES, PRELUDE, REACHES, READS

TITLE = "hostile programs judged"
PROMISE = (
    "No verdict is forged, no canary is read, nothing is reached, changed or left running, and the verdicts of the "
    "honest programs judged at the same time are what they always are."
)
ALL = 240
"""60 programs, by root and by a user, in bubblewrap and with Landlock."""
FIRST = 4

PATIENCE_S = 120.0

KINDS = {"reads": READS, "reaches": REACHES, "changes": CHANGES, "starves": STARVES, "stays": STAYS, "claims": CLAIMS}
PROGRAMS = {f"{kind}: {name}": source for kind, named in KINDS.items() for name, source in named.items()}
FIRST_OF_ALL = {
    "starves: disk beyond the file's end",
    "starves: threads of Python",
    "stays: as another program, from a thread",
    "claims: an answer of zeros",
}


class Judge:
    """The judging process of a backend and a user; it is started when it is needed, and again when it has died."""

    def __init__(self, backend: str, user: str) -> None:
        self.command = [sys.executable, "-m", "tests.faults.judging", backend, user]
        self.process: subprocess.Popen[str] | None = None

    def judge(self, source: str) -> None:
        """Judge a program beside the honest ones.

        Raises:
            LostError: something of the promise did not hold.
        """
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"source": PRELUDE + source}) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        said = self.process.stdout.readline() if ready else ""
        if not said:
            self.close()
            raise LostError("the judge has died" if ready else f"no verdict after {PATIENCE_S:.0f} s")
        if lost := json.loads(said):
            raise LostError("; ".join(lost))

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Each program once, by one judge and another in turn; then again, until each was judged by all."""
    del folder
    users = ["root", "user"] if os.geteuid() == 0 else ["user"]
    names = sorted(PROGRAMS, key=lambda name: name not in FIRST_OF_ALL)
    with ExitStack() as stack:
        judges = [
            (f"{backend.name}, {user}", stack.enter_context(Judge(backend.name, user)))
            for backend in filter(_works, BACKENDS)
            for user in users
        ]
        for number in range(min(count, len(names) * len(judges))):
            turn, place = divmod(number, len(names))
            where, judge = judges[(turn + place) % len(judges)]
            yield Attempt(f"{names[place]} ({where})", partial(judge.judge, PROGRAMS[names[place]]))


def _works(backend: Backend) -> bool:
    plan = backend.plan(judging_interpreter())
    if not isinstance(plan, Plan):
        return False
    with LaunchedSandbox(plan, judging_interpreter()) as sandbox:
        return sandbox.probe().works
