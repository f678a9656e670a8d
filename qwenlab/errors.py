"""The one error that is shown to the user as a sentence; everything else is a bug and keeps its traceback.

What the disk, the system or a damaged file did is no bug: `outside_told` makes a sentence of that, wherever it happens.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

ROOM = "Make room there, or choose another place; a training or an evaluation goes on with --resume."

OUTSIDE = {
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("the disk quota is used up", ROOM),
    errno.EFBIG: ("the file would be larger than this process may write", "Raise the limit: ulimit -f unlimited"),
    errno.EROFS: ("the file system is read-only", "Choose another place, or mount it for writing."),
    errno.EACCES: ("permission denied", "Look at its permissions and owner, or choose another place."),
    errno.EPERM: ("the operation is not permitted", "Look at its permissions and owner, or choose another place."),
    errno.ENAMETOOLONG: ("the name is too long for a file", "Choose a shorter one."),
    errno.ENOTDIR: ("a part of the path is a file, and no folder", "Choose another place."),
    errno.EISDIR: ("it is a folder, and no file", "Name a file in it."),
    errno.EIO: ("the disk reports an error", "Look at the system's log: dmesg. Copy what is there to another disk."),
    errno.EMFILE: ("too many files are open", "Raise the limit: ulimit -n 4096"),
    errno.ENFILE: ("too many files are open on this machine", "End other programs."),
}
"""What the system says that is no fault of the program, and what to do about it."""

WITHOUT_NUMBER = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    "Permission denied": errno.EACCES,
    # torch's writer does not ask why, and it is hardly ever another reason.
    "PytorchStreamWriter failed": errno.ENOSPC,
    "unexpected pos ": errno.ENOSPC,
}
"""How libraries pass on the system's errors as errors of their own."""

SHOWN_PATH = 200
"""Characters of a path in a sentence."""


class UserError(Exception):
    """Something that the user can fix.

    `message` says what is wrong and where; `hint` says what to do about it. On the command line both are printed
    and the process ends with exit code 2; in the browser the same words stand where the user is looking.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def outside(error: BaseException, what: str = "") -> UserError | None:
    """What came from outside the program, as a sentence: the disk, the system, a name that no file can have, memory.

    Args:
        what: how the sentence begins, such as `my.jsonl cannot be read`; else with the path that the error names.

    Returns:
        None: it is a bug, or something that is handled where it happens.
    """
    number = _number(error)
    if number is not None:
        reason, hint = OUTSIDE[number]
    elif isinstance(error, ValueError) and "embedded null" in str(error):
        reason, hint = "the name of a file holds a NUL character", "Choose another name."
    elif isinstance(error, RuntimeError) and str(error) == "Could not determine home directory.":
        reason, hint = "there is no home folder for a path that begins with ~", "Write the path out."
    elif isinstance(error, MemoryError):
        reason, hint = "this machine's memory does not suffice", "End other programs, or take less data at once."
    else:
        return None
    what = what or _named(error)
    return UserError(f"{what}: {reason}." if what else f"{reason[0].upper()}{reason[1:]}.", hint)


def refused(error: OSError, what: str, hint: str) -> UserError:
    """What the system says of a file, whatever that is: as `outside`, or in its own words with this hint."""
    return outside(error, what) or UserError(f"{what}: {error.strerror or error}.", hint)


def is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust has lost its way: each has a class of its own for it, which is no Exception."""
    return type(error).__name__ == "PanicException"


@contextmanager
def panic_told(what: str, hint: str) -> Iterator[None]:
    """Inside the block, in which a library reads a file, its panic says that the file is damaged.

    Raises:
        UserError: it does.
    """
    try:
        yield
    except BaseException as error:
        if not is_panic(error):
            raise
        first = str(error).partition("\n")[0]
        raise UserError(f"{what} is damaged: its reader gave up ({first}).", hint) from None


@contextmanager
def outside_told(what: str = "") -> Iterator[None]:
    """Inside the block, or the function that it decorates, what comes from outside is a sentence.

    Raises:
        UserError: as `outside`.
    """
    try:
        yield
    except Exception as error:
        told = None if isinstance(error, UserError) else outside(error, what)
        if told is None:
            raise
        raise told from None


def _number(error: BaseException) -> int | None:
    """The system's number of an error, also where a library says it in words, or in the error that it passes on."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in OUTSIDE else None
    words = str(error)
    found = next((number for said, number in WITHOUT_NUMBER.items() if said in words), None)
    return found if found is not None or error.__cause__ is None else _number(error.__cause__)


def _named(error: BaseException) -> str:
    """The path that the error is about; empty where it does not say."""
    path = getattr(error, "filename", None)
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    name = os.fsdecode(path)
    return name if len(name) <= SHOWN_PATH else f"{name[:SHOWN_PATH]}..."
