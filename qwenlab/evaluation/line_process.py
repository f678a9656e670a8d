"""A process that answers line by line, and is ended where it takes too long; the next line starts another."""

import contextlib
import os
import select
import subprocess
from types import TracebackType
from typing import Self

MOST = 16
"""Bytes of an answer: it is a word."""


class LineProcess:
    """What texts of models are given to whose reading could hang or die. `start` says what runs."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """A new process with unbuffered pipes at its standard input and output."""
        raise NotImplementedError

    def ask(self, line: bytes, seconds: float) -> bytes:
        """The answer to a line; empty where the process died or took too long, and is ended."""
        if self.process is None:
            self.process = self.start()
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            rest = memoryview(line)
            while rest:
                rest = rest[self.process.stdin.write(rest) :]
        answer = heard(self.process, seconds)
        if not answer:
            self.close()
        return answer

    def close(self) -> None:
        """End the process; the next line would start another."""
        if self.process:
            end(self.process)
            self.process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def heard(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What it says next; empty if it has ended, or takes too long."""
    assert process.stdout
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    return os.read(process.stdout.fileno(), MOST) if waiting.poll(seconds * 1000) else b""


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
