"""What of this very machine no program may read: the problems' files, the runs, the package, the home, where we are.

Wherever they lie: beneath a folder that the interpreter needs, they would be readable with it.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.tiny import TEST_FILE

FILES, FOLDERS = 20, 200
"""Of a folder: so many of its files are tried, of so many folders in it."""

CACHES = ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
"""Name where what was fetched is kept, with the hub's token; without them that is in the home folder."""

OF_THE_KERNEL = ("/dev", "/proc", "/sys")


def private_paths(given: Sequence[Path], interpreter: Interpreter) -> list[str]:
    """Files that no program may open, and folders that none may list.

    Args:
        given: files and folders beside those that are always private.
        interpreter: what it needs may be read.
    """
    needed = [Path(path).resolve() for path in interpreter.readable]
    listed = {Path(interpreter.library).resolve(), *(Path(numpy).resolve().parent for numpy in interpreter.numpy)}
    found: dict[str, None] = {}
    for root in dict.fromkeys(path.resolve() for path in (*given, *_always())):
        if not root.is_dir():
            found |= {str(root): None} if root.is_file() else {}
            continue
        leads_to_it = any(path.is_relative_to(root) for path in needed)
        if not leads_to_it and not any(map(root.is_relative_to, listed)):
            found[str(root)] = None
        found |= dict.fromkeys(islice(_files(root, needed), FILES))
    return list(found)


def _always() -> Iterator[Path]:
    yield from (TEST_FILE, TEST_FILE.parent.parent)
    yield from (Path(os.environ[name]) for name in CACHES if os.environ.get(name))
    with contextlib.suppress(RuntimeError):  # this user may have no home
        yield Path.home()
    with contextlib.suppress(FileNotFoundError):  # the working folder may be gone
        yield Path.cwd()


def _files(root: Path, needed: Sequence[Path]) -> Iterator[str]:
    """Regular files beneath a folder, without those that the interpreter needs and the kernel's."""
    own = [path for path in needed if path.is_relative_to(root)]
    for folder, folders, names in islice(os.walk(root), FOLDERS):
        folders[:] = [name for name in folders if str(Path(folder, name)) not in OF_THE_KERNEL]
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink() and not any(map(path.is_relative_to, own)):
                yield str(path)
