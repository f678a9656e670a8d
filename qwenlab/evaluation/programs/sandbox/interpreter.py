"""The Python that runs the programs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError

OLDEST = (3, 9)
"""The launcher is run by the same one, and waits on process descriptors."""

OPTIONS = ("-s", "-B")
"""No user's packages, no bytecode files. Not -I: it would ignore PYTHONHASHSEED, and what else it isolates from, the
environment and the current folder, is not there. Not -S: it takes away exit() and quit(), which programs use."""

QUESTION = """
import importlib.util, json, platform, sys
print(json.dumps([list(sys.version_info[:2]), platform.python_version(), sys.base_prefix,
                  importlib.util.find_spec("numpy") is not None]))
"""


class Interpreter(NamedTuple):
    """A Python, as the sandbox needs to know it."""

    path: str
    version: str
    prefix: str
    """Where its library is; the sandbox makes it readable."""
    numpy: bool
    """Programs that import numpy can run."""

    def command(self, program: str) -> list[str]:
        """What runs a program's file."""
        return [self.path, *OPTIONS, program]

    def __str__(self) -> str:
        return f"{self.path} {self.version}, {'with' if self.numpy else 'without'} numpy"


def judging_interpreter() -> Interpreter:
    """The system's own Python if it is new enough, else the one that runs the judge.

    The system's is readable to every user, so also after root's rights are dropped.

    Raises:
        UserError: neither can be used.
    """
    own = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in map(Path, ("/usr/bin/python3", own)):
        found = _ask(str(candidate.resolve())) if candidate.exists() else None
        if found:
            return found
    raise UserError(
        f"No Python {'.'.join(map(str, OLDEST))} or newer was found to run programs with.",
        "Install one as /usr/bin/python3: sudo apt install python3",
    )


def _ask(path: str) -> Interpreter | None:
    answer = subprocess.run([path, "-I", "-B", "-c", QUESTION], env={}, capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    version, name, prefix, numpy = json.loads(answer.stdout)
    return Interpreter(path, name, prefix, numpy) if tuple(version) >= OLDEST else None
