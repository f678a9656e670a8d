"""The first choice: bubblewrap, which gives a program namespaces and a file system of its own, and seccomp.

What a bwrap line gets wrong when it is written naively, and where each is closed:

1. The process that bwrap leaves as PID 1 keeps the caller's environment: the launcher's is empty, and no /proc.
2. As root, sysctls of the host are writable: the launcher drops to an unprivileged user first, and no /proc.
3. The memory limit is per process: seccomp lets a program make threads, not processes.
4. A process limit set outside counts the user's other processes: it is set inside, on kernels that count it there.
5. /dev/shm and memfd take memory that no limit counts: nothing at all is writable, and memfd is denied. `--dev` is not
   used for that reason: it mounts a writable, unlimited file system at /dev.
6. Doors into the kernel are open: seccomp.
7. With `--as-pid-1` the program ignores signals that should end it, SIGXCPU among them: not used.
8. An unbounded pipe takes any flood: the output is a file with a size limit.

`--new-session` is not used either: the launcher makes the session, and kills bwrap's PID 1 by its group.
"""

import platform
import re
import shutil
import subprocess
from pathlib import Path

from qwenlab.evaluation.programs.sandbox import seccomp
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.evaluation.programs.sandbox.plan import BOX, ENVIRONMENT, FILTER_FD, HOLD_FD, STATUS_FD, Plan, Unavailable

NAME = "bubblewrap"
INSTALL = "sudo apt install bubblewrap"

APPARMOR_PROFILE = (
    r"abi <abi/4.0>,\ninclude <tunables/global>\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\n  userns,\n}\n"
)
ALLOW_BWRAP = (
    f"printf '{APPARMOR_PROFILE}' | sudo tee /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap"
)
"""For Ubuntu 24.04 and later, which deny user namespaces to programs without a profile. Never for all programs."""

THREADS = 64
"""Processes and threads inside, bwrap's own two among them."""
COUNTS_INSIDE = (5, 14)
"""The first Linux that counts processes per user namespace."""

LIBRARIES = ("/lib", "/lib64")
ALTERNATIVES = ("/etc/alternatives", "/etc/ld.so.cache")
"""Where Debian's libraries for numpy are found. Each mount costs a third of a millisecond, a run takes fifteen."""


def plan(interpreter: Interpreter) -> Plan | Unavailable:
    """How to run programs with bubblewrap, or why that cannot be done."""
    machine = seccomp.this_machine()
    if machine is None:
        return seccomp.unsupported()
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Unavailable("bubblewrap is not installed.", INSTALL)
    return Plan(
        backend=NAME,
        version=_ask(bwrap, "--version").split()[-1],
        command=[bwrap, *_arguments(bwrap, interpreter), "--", *interpreter.command("/box/main.py")],
        environment=ENVIRONMENT,
        seccomp=seccomp.deny_list(machine),
        threads=THREADS if _counts_inside() else None,
    )


def mend(reason: str) -> str:
    """What to do when bwrap is there and fails, by what it says."""
    if "uid map" in reason or "RTM_NEWADDR" in reason or "namespace" in reason:
        return ALLOW_BWRAP
    return INSTALL


def _arguments(bwrap: str, interpreter: Interpreter) -> list[str]:
    arguments = ["--unshare-user", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--hostname", "box"]
    if "--disable-userns" in _ask(bwrap, "--help"):  # from 0.8; seccomp denies new namespaces in any case
        arguments.append("--disable-userns")
    for path in LIBRARIES:
        if Path(path).is_symlink():  # into /usr, on most systems
            arguments += ["--symlink", str(Path(path).readlink()), path]
    for path in (interpreter.path, interpreter.library, *interpreter.folders, *interpreter.files):
        arguments += ["--ro-bind", path, path]
    for folder in interpreter.packages:
        arguments += ["--tmpfs", folder]
    for path in interpreter.numpy:
        arguments += ["--ro-bind", path, path]
    for folder in interpreter.packages:
        arguments += ["--remount-ro", folder]
    if interpreter.numpy:
        for path in ALTERNATIVES:
            arguments += ["--ro-bind-try", path, path]
    arguments += ["--dev-bind", "/dev/null", "/dev/null"]
    arguments += ["--ro-bind", BOX, "/box", "--symlink", "/box/stdin", "/dev/stdin", "--chdir", "/box"]
    arguments += ["--remount-ro", "/"]
    descriptors = {"--json-status-fd": STATUS_FD, "--seccomp": FILTER_FD, "--block-fd": HOLD_FD}
    return [*arguments, *(word for option, number in descriptors.items() for word in (option, str(number)))]


def _counts_inside() -> bool:
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    return release is not None and tuple(map(int, release.groups())) >= COUNTS_INSIDE


def _ask(bwrap: str, option: str) -> str:
    return subprocess.run([bwrap, option], capture_output=True, text=True, check=False).stdout
