"""Are two expressions equal? Asked of math-verify, in a process that can be ended.

SymPy can be made to work for ever: by `5^{5^{5^{5^5}}}`, which a model writes easily. math-verify's own limit of time
is a signal, which only the main thread can have and which a long calculation in C does not hear.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from qwenlab.errors import UserError

SECONDS = 10.0
"""For one pair; a pair of a data set takes some hundredths."""

START_S = 120.0
"""SymPy is imported in one to ten seconds, of a cold disk."""


class Mathematics:
    """Compares expressions, one pair at a time. The process starts with the first. Not for several threads at once."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None

    def are_equal(self, gold: str, answer: str) -> bool | None:
        """Whether two LaTeX expressions are equal; None: that took too long, or too much memory.

        Raises:
            UserError: math-verify cannot be used.
        """
        process = self.process or self._start()
        said = _ask(process, json.dumps([gold, answer]).encode() + b"\n", self.seconds)
        if said not in (b"0\n", b"1\n"):
            self.close()
            return None
        return said == b"1\n"

    def close(self) -> None:
        """End the process; the next pair would start another."""
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

    def _start(self) -> subprocess.Popen[bytes]:
        paths = json.dumps([path for path in sys.path if Path(path).is_absolute()])
        with tempfile.TemporaryFile() as said:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "int_max_str_digits=0", "-c", _source(), paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env={},
                cwd="/",
                bufsize=0,
            )
            if _read(self.process, START_S) != b"ready\n":
                self.close()
                said.seek(0)
                reason = (said.read().decode(errors="replace").strip().splitlines() or ["it does not answer"])[-1]
                raise UserError(f"math-verify cannot be started: {reason}.", "Install it again: make install")
        return self.process


def _ask(process: subprocess.Popen[bytes], line: bytes, seconds: float) -> bytes:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):
        rest = memoryview(line)
        while rest:
            rest = rest[process.stdin.write(rest) :]
    return _read(process, seconds)


def _read(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """A short line; empty if the process has ended, or takes too long."""
    assert process.stdout
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    return os.read(process.stdout.fileno(), 16) if waiting.poll(seconds * 1000) else b""


@cache
def _source() -> str:
    return Path(__file__).with_name("math_worker.py").read_text(encoding="utf-8")
