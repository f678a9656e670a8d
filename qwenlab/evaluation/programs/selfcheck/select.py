"""Which sandbox judges here: the first that proves itself. Or none, and then no program is run."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.sandbox import bubblewrap, landlock
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter, judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan, Unavailable
from qwenlab.evaluation.programs.selfcheck.private import private_paths
from qwenlab.evaluation.programs.selfcheck.programs import PRIVATE_FILES
from qwenlab.evaluation.programs.selfcheck.run import failed_check, self_check


class Backend(NamedTuple):
    """A way to contain programs: how to run them, and what to do when that fails, by what went wrong."""

    name: str
    plan: Callable[[Interpreter], Plan | Unavailable]
    mend: Callable[[str], str]


BACKENDS = (
    Backend(bubblewrap.NAME, bubblewrap.plan, bubblewrap.mend),
    Backend(landlock.NAME, landlock.plan, landlock.mend),
)
"""In the order in which they are tried."""


MOVE = (
    "Move what is private out of the folders that the Python which runs the programs lies in, or install that as "
    "/usr/bin/python3 (sudo apt install python3). Readable here: {paths}"
)


class FitSandbox(NamedTuple):
    """A sandbox that has just passed its self-check, and those that were tried before it."""

    sandbox: LaunchedSandbox
    self_check: SelfCheck
    failed: tuple[SelfCheck, ...]


class NoSandbox(NamedTuple):
    """No sandbox is fit to judge here: no program is run, and nothing that needs running is known."""

    reason: str
    mend: str
    """The command that mends it."""
    attempts: tuple[SelfCheck, ...] = ()


@contextmanager
def fit_sandbox(
    backends: Sequence[Backend] = BACKENDS, private: Sequence[Path] = ()
) -> Iterator[FitSandbox | NoSandbox]:
    """The first sandbox that is fit to judge on this machine, closed in the end; else why there is none.

    Args:
        private: files and folders that programs must not be able to read, beside the package, the home folder, the
            working folder and what was fetched from the hub: the problems, and the runs.
    """
    if platform.system() != "Linux":
        yield _not_linux()
        return
    try:
        interpreter = judging_interpreter()
    except UserError as error:
        yield NoSandbox(reason=error.message, mend=error.hint)
        return
    failed: list[SelfCheck] = []
    for backend in backends:
        plan = backend.plan(interpreter)
        if isinstance(plan, Unavailable):
            failed.append(failed_check(backend.name, str(interpreter), plan.reason, plan.mend))
            continue
        with LaunchedSandbox(plan, interpreter) as sandbox:
            check = self_check(sandbox, private=private_paths(private, interpreter))
            if check.fit:
                yield FitSandbox(sandbox, check, tuple(failed))
                return
            failed.append(check.model_copy(update={"mend": _mend(backend, check)}))
    reasons = " ".join(f"{check.backend}: {check.reason}" for check in failed)
    yield NoSandbox(
        reason=f"No sandbox is fit to run programs here. {reasons}", mend=failed[0].mend, attempts=tuple(failed)
    )


def _mend(backend: Backend, check: SelfCheck) -> str:
    for line in check.checks:
        if line.name == PRIVATE_FILES and not line.passed:
            return MOVE.format(paths=line.found.partition(" ")[2])
    return backend.mend(check.reason)


def _not_linux() -> NoSandbox:
    mend = "wsl --install" if platform.system() == "Windows" else "Run qwenlab in a Linux container or virtual machine."
    return NoSandbox(reason=f"Programs can only be contained on Linux, and this is {platform.system()}.", mend=mend)
