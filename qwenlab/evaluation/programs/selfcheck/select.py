"""Which sandbox judges here: the first that proves itself. Or none, and then no program is run."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.sandbox import bubblewrap, landlock
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter, judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan, Unavailable
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
def fit_sandbox(backends: Sequence[Backend] = BACKENDS) -> Iterator[FitSandbox | NoSandbox]:
    """The first sandbox that is fit to judge on this machine, closed in the end; else why there is none."""
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
            check = self_check(sandbox)
            if check.fit:
                yield FitSandbox(sandbox, check, tuple(failed))
                return
            failed.append(check.model_copy(update={"mend": backend.mend(check.reason)}))
    reasons = " ".join(f"{check.backend}: {check.reason}" for check in failed)
    yield NoSandbox(
        reason=f"No sandbox is fit to run programs here. {reasons}", mend=failed[0].mend, attempts=tuple(failed)
    )


def _not_linux() -> NoSandbox:
    mend = "wsl --install" if platform.system() == "Windows" else "Run qwenlab in a Linux container or virtual machine."
    return NoSandbox(reason=f"Programs can only be contained on Linux, and this is {platform.system()}.", mend=mend)
