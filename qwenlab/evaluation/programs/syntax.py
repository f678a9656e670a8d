"""Is a text Python? Asked of the interpreter that judges, in a process of its own.

Its grammar is what counts, which need not be that of the Python that asks. A text can end a parser: by recursion, by
memory, by a crash. Then the text is not Python, and the next one gets a new parser.
"""

import json
import os
import select
import subprocess
from types import TracebackType
from typing import Self

from qwenlab.evaluation.programs.sandbox.client import unprivileged
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter

SECONDS = 10.0
"""For one text; a program of a contest takes a millisecond."""

PARSER = """
import ast, json, resource, sys, warnings
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
warnings.simplefilter("ignore")
for line in sys.stdin:
    try:
        ast.parse(json.loads(line))
        answer = "1"
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        answer = "0"
    print(answer, flush=True)
"""
"""ValueError: null bytes, before 3.12; halves of surrogate pairs."""


class Parser:
    """Parses texts, one at a time, and never runs them. Not for several threads at once."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.process: subprocess.Popen[bytes] | None = None

    def parses(self, text: str) -> bool:
        """Whether `ast.parse` takes this text."""
        process = self.process or self._start()
        answer = _ask(process, json.dumps(text).encode() + b"\n")
        if not answer:
            self.close()
        return answer == b"1\n"

    def close(self) -> None:
        """End the parser's process; the next text would start another."""
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
        self.process = subprocess.Popen(
            [self.interpreter.path, "-I", "-B", "-X", "int_max_str_digits=0", "-c", PARSER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            **unprivileged(),
        )
        return self.process


def _ask(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """The parser's answer; empty if it died, or takes too long."""
    assert process.stdin and process.stdout
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[process.stdin.write(rest) :]
    except BrokenPipeError:
        return b""
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    return os.read(process.stdout.fileno(), 2) if waiting.poll(SECONDS * 1000) else b""
