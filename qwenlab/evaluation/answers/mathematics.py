"""Are two expressions equal? Asked of math-verify, in a process that can be ended.

SymPy can be made to work for ever: by `5^{5^{5^{5^5}}}`, which a model writes easily. math-verify's own limit of time
is a signal, which only the main thread can have and which a long calculation in C does not hear.
"""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.evaluation.line_process import LineProcess, end, heard

SECONDS = 10.0
"""For one pair; a pair of a data set takes some hundredths."""

START_S = 120.0
"""SymPy is imported in one to ten seconds, of a cold disk."""


class Mathematics(LineProcess):
    """Compares expressions, one pair at a time. The process starts with the first. Not for several threads at once."""

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__()
        self.seconds = seconds

    def are_equal(self, gold: str, answer: str) -> bool | None:
        """Whether two LaTeX expressions are equal; None: that took too long, or too much memory.

        Raises:
            UserError: math-verify cannot be used.
        """
        said = self.ask(json.dumps([gold, answer]).encode() + b"\n", self.seconds)
        if said not in (b"0\n", b"1\n"):
            self.close()
            return None
        return said == b"1\n"

    def start(self) -> subprocess.Popen[bytes]:
        paths = json.dumps([path for path in sys.path if Path(path).is_absolute()])
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "int_max_str_digits=0", "-c", _source(), paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env={},
                cwd="/",
                bufsize=0,
            )
            if heard(process, START_S) != b"ready\n":
                end(process)
                said.seek(0)
                reason = (said.read().decode(errors="replace").strip().splitlines() or ["it does not answer"])[-1]
                raise UserError(f"math-verify cannot be started: {reason}.", "Install it again: make install")
        return process


@cache
def _source() -> str:
    return Path(__file__).with_name("math_worker.py").read_text(encoding="utf-8")
