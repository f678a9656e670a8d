"""What Triton needs to build its launchers at the first step: a C compiler and Python's headers.

Both are looked for as Triton 3.6 does (triton/runtime/build.py), so that their lack is told before anything is loaded.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple


class Missing(NamedTuple):
    """What is missing, and the command that installs it on Debian and Ubuntu."""

    what: str
    command: str

    def __str__(self) -> str:
        return f"{self.what}: {self.command}"


def missing_for_triton() -> Missing | None:
    """The first thing that Triton would not find on this machine."""
    # Triton takes CC as it is, then gcc, then clang; `cc` is not looked for.
    if not os.environ.get("CC") and not shutil.which("gcc") and not shutil.which("clang"):
        return Missing("Triton finds no C compiler (gcc or clang)", "sudo apt install build-essential")
    if not (Path(_headers()) / "Python.h").exists():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Missing(f"Triton does not find Python.h of Python {version}", f"sudo apt install python{version}-dev")
    return None


def _headers() -> str:
    scheme = sysconfig.get_default_scheme()
    # Debian's own scheme names a folder under /usr/local that holds no headers.
    return sysconfig.get_paths("posix_prefix" if scheme == "posix_local" else scheme)["include"]
