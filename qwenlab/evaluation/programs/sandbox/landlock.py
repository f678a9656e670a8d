"""The fallback: Landlock for files, seccomp for everything else. It needs no other program and no namespace.

A program may read the interpreter and its own box, and execute the interpreter alone. It may write nowhere but to its
two outputs and /dev/null. Landlock does not cover asking whether a path exists, how large it is and when it changed
(`stat`), and where a link leads: that much a program can learn of files that it cannot open. And where other packages
lie in the interpreter's own folder, it can learn their files' names.
"""

import ctypes
import platform
from pathlib import Path

from qwenlab.evaluation.programs.sandbox import seccomp
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.evaluation.programs.sandbox.plan import BOX, ENVIRONMENT, Landlock, Plan, Unavailable

NAME = "Landlock"
OLDEST_ABI = 3
"""Linux 6.2, the first that covers truncation."""

# linux/landlock.h
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FILE_RIGHTS = {3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Every right that each ABI knows. What is handled and not granted is denied; later ABIs are used as the latest."""
NETWORK_RIGHTS, SCOPES = 0b11, 0b11
"""TCP bind and connect, from ABI 4; abstract Unix sockets and signals, from ABI 6."""
CREATE_RULESET, GET_VERSION = 444, 1

THREADS = 64
"""As bubblewrap's. The kernel's own limit counts all that the user runs: one program could take it from the others."""

READ = READ_FILE | READ_DIR


def plan(interpreter: Interpreter) -> Plan | Unavailable:
    """How to run programs with Landlock, or why that cannot be done."""
    machine = seccomp.this_machine()
    if machine is None:
        return seccomp.unsupported()
    abi = landlock_abi()
    if abi < OLDEST_ABI:
        found = f"this kernel has ABI {abi}" if abi else "this kernel has none"
        newer = "wsl --update" if "microsoft" in platform.release().lower() else "Use a kernel of 6.2 or later."
        return Unavailable(f"Landlock ABI {OLDEST_ABI} is needed (Linux 6.2), and {found}.", newer)
    return Plan(
        backend=NAME,
        version=f"ABI {abi}",
        command=interpreter.command(f"{BOX}/main.py"),
        environment=ENVIRONMENT,
        seccomp=seccomp.deny_list(machine),
        landlock=Landlock(
            handled=_handled(abi),
            rules=[*_rules(interpreter), (BOX, READ)],
        ),
        asked=seccomp.ask_list(machine),
        threads=THREADS,
    )


def mend(reason: str) -> str:
    """What to do when the kernel has Landlock and it fails: most often a container's own filter denies it."""
    del reason
    return "sudo apt install bubblewrap"


def landlock_abi() -> int:
    """0 without Landlock. Asked of the kernel itself: /sys/kernel/security is not mounted everywhere."""
    libc = ctypes.CDLL(None)
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), GET_VERSION)))


def _rules(interpreter: Interpreter) -> list[tuple[str, int]]:
    """What may be read and executed of the machine. A rule on a folder is one on all that lies in it."""
    rules = {"/etc/ld.so.cache": READ_FILE, "/dev/null": READ_FILE | WRITE_FILE}
    rules |= dict.fromkeys((interpreter.library, *interpreter.folders, *interpreter.numpy), READ)
    rules |= dict.fromkeys(interpreter.files, READ_FILE)
    rules |= {str(Path(numpy).parent): READ_DIR for numpy in interpreter.numpy}  # or it would not be found
    if interpreter.packages:
        rules[interpreter.library] = READ_DIR
        own = [path for path in Path(interpreter.library).iterdir() if str(path) not in interpreter.packages]
        rules |= {str(path): READ if path.is_dir() else READ_FILE for path in own}
    rules |= dict.fromkeys(filter(None, (interpreter.path, interpreter.loader)), READ_FILE | EXECUTE)
    return [(path, rights) for path, rights in rules.items() if Path(path).exists()]


def _handled(abi: int) -> list[int]:
    """The fields of `struct landlock_ruleset_attr` that this ABI has."""
    fields = [FILE_RIGHTS[min(abi, max(FILE_RIGHTS))]]
    if abi >= 4:
        fields.append(NETWORK_RIGHTS)
    if abi >= 6:
        fields.append(SCOPES)
    return fields
