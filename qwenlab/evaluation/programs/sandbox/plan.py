"""What a backend tells the launcher: the command, and the restrictions that the launcher sets itself."""

import base64
import json
from typing import NamedTuple

BOX = "{box}"
"""Stands for the folder that holds main.py and stdin; only the launcher knows where it is."""

STATUS_FD, FILTER_FD, HOLD_FD = 40, 41, 42
"""What bwrap gets beside the usual three: to tell what it does, to read the filter, to wait until it may go on."""

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/",
    "LANG": "C.UTF-8",
    # A program that prints a set gives the same output every time, so that judging again gives the same verdict.
    "PYTHONHASHSEED": "0",
    # Integers of any length are read and printed, as contests' own Pythons do: by itself it stops at 4,300 digits.
    "PYTHONINTMAXSTRDIGITS": "0",
    # Thread pools ask for address space by the core, and time is counted over all threads.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""The whole environment of a program, and of everything between it and the judge."""


class Unavailable(NamedTuple):
    """Why a backend cannot be used here, and the command that mends it."""

    reason: str
    mend: str


class Landlock(NamedTuple):
    """A ruleset: the fields of its attributes, and the rights granted beneath paths."""

    handled: list[int]
    rules: list[tuple[str, int]]


class Asked(NamedTuple):
    """A filter that has the launcher asked, and the numbers of `seccomp`, which installs it, and of `execve`."""

    seccomp: bytes
    calls: tuple[int, int]


class Plan(NamedTuple):
    """How to run a program."""

    backend: str
    version: str
    command: list[str]
    environment: dict[str, str]
    seccomp: bytes
    landlock: Landlock | None = None
    """The launcher restricts the program itself; else the command does, with the filter that it is given."""
    asked: Asked | None = None
    """Threads are counted by the launcher, which is asked for each; else by the kernel, for the box alone."""
    threads: int | None = None
    """Processes and threads of the box."""

    def json(self) -> str:
        """For the launcher."""
        return json.dumps(
            {
                "command": self.command,
                "environment": self.environment,
                "seccomp": _text(self.seccomp),
                "landlock": self.landlock and self.landlock._asdict(),
                "asked": self.asked and {"seccomp": _text(self.asked.seccomp), "calls": self.asked.calls},
                "threads": self.threads,
            }
        )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
