"""Is a text Python? Asked of the interpreter that judges, in a process of its own.

Its grammar is what counts, which need not be that of the Python that asks. A text can end a parser: by recursion, by
memory, by a crash. Then the text is not Python, and the next one gets a new parser.
"""

import json
import subprocess

from qwenlab.evaluation.line_process import LineProcess
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


class Parser(LineProcess):
    """Parses texts, one at a time, and never runs them. Not for several threads at once."""

    def __init__(self, interpreter: Interpreter) -> None:
        super().__init__()
        self.interpreter = interpreter

    def parses(self, text: str) -> bool:
        """Whether `ast.parse` takes this text."""
        return self.ask(json.dumps(text).encode() + b"\n", SECONDS) == b"1\n"

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.interpreter.path, "-I", "-B", "-X", "int_max_str_digits=0", "-c", PARSER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            **unprivileged(),
        )
