"""The Python that runs the programs, and what of the machine it needs to read: that, and nothing else, they may."""

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
import importlib, importlib.util, json, os, platform, site, sys
from os.path import dirname, exists, join, realpath

for name in ("_bz2", "_ctypes", "_curses", "_decimal", "_elementtree", "_hashlib", "_lzma", "_sqlite3", "_ssl", "_uuid",
             "numpy", "readline", "zlib", "zoneinfo"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass

def within(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")

library = dirname(os.__file__)
numpy = []
if "numpy" in sys.modules:
    numpy = [dirname(sys.modules["numpy"].__file__)]
    numpy += filter(exists, [join(dirname(numpy[0]), "numpy.libs")])
loaded = {line.split(None, 5)[5] for line in open("/proc/self/maps").read().splitlines() if ".so" in line}
outside = [file for file in loaded if not any(within(file, realpath(own)) for own in [library, *numpy])]
folders = {dirname(file) for file in outside}
mixed = {folder for folder in folders if any(within(realpath(own), folder) for own in [library, *numpy])}
folders -= mixed
files = {join(realpath(folder), name) for folder in [*mixed, "/lib", "/lib64"] if exists(folder)
         for name in os.listdir(folder) if realpath(join(folder, name)) in loaded}
zones = getattr(sys.modules.get("zoneinfo"), "TZPATH", ())
folders.update(filter(exists, zones))
print(json.dumps({
    "version": list(sys.version_info[:2]),
    "name": platform.python_version(),
    "library": library,
    "packages": [folder for folder in site.getsitepackages() if exists(folder) and dirname(folder) == library],
    "folders": sorted(folder for folder in folders if not any(folder != o and within(folder, o) for o in folders)),
    "files": sorted(file for file in files if not any(within(file, folder) for folder in folders)),
    "loader": next((file for file in loaded if os.path.basename(file).startswith("ld")), None),
    "numpy": numpy,
}))
"""
"""Asked of the interpreter itself: which shared libraries it has loaded, /proc tells. Of a folder that holds more than
shared libraries, such as /usr/local/lib with the packages of whoever installed some there, only those are named."""


class Interpreter(NamedTuple):
    """A Python, as the sandbox needs to know it."""

    path: str
    version: str
    library: str
    """The folder of its standard library."""
    packages: tuple[str, ...] = ()
    """Folders in that which are not its own: what was installed, maybe these very problems. To be hidden."""
    folders: tuple[str, ...] = ()
    """Of the shared libraries that it loads, and of time zones."""
    files: tuple[str, ...] = ()
    """Shared libraries elsewhere, and the names that lead to the loader."""
    loader: str | None = None
    """What loads shared libraries, and is executed with it; None where it needs none."""
    numpy: tuple[str, ...] = ()
    """The folders of numpy; without them, programs that import it cannot run."""

    @property
    def readable(self) -> tuple[str, ...]:
        """What it cannot do without."""
        return (self.path, self.library, *self.folders, *self.files, *self.numpy)

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
        found = ask(str(candidate.resolve())) if candidate.exists() else None
        if found:
            return found
    raise UserError(
        f"No Python {'.'.join(map(str, OLDEST))} or newer was found to run programs with.",
        "Install one as /usr/bin/python3: sudo apt install python3",
    )


def ask(path: str) -> Interpreter | None:
    """What a Python says of itself; None if it is too old, or none."""
    answer = subprocess.run([path, "-I", "-B", "-c", QUESTION], env={}, capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    said = json.loads(answer.stdout)
    if tuple(said["version"]) < OLDEST:
        return None
    return Interpreter(
        path,
        said["name"],
        said["library"],
        packages=tuple(said["packages"]),
        folders=tuple(said["folders"]),
        files=tuple(said["files"]),
        loader=said["loader"],
        numpy=tuple(said["numpy"]),
    )
