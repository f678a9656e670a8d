"""The judge proves itself: before every scoring it judges programs whose verdict is known, in the sandbox at hand.

What a hostile program says of itself is not all: whether somebody called, and whether something was changed, is looked
at from outside as well.
"""

import errno
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from qwenlab.evaluation.programs.functions import function_problem
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.programs.results import Check, JudgeSettings, ProgramResult, SelfCheck
from qwenlab.evaluation.programs.sandbox import seccomp
from qwenlab.evaluation.programs.sandbox.plan import ENVIRONMENT
from qwenlab.evaluation.programs.sandbox.protocol import Sandbox
from qwenlab.evaluation.programs.sandbox.syscalls import CLONE, CLONE3, DENIED, IOCTL, NEWEST, PRLIMIT64
from qwenlab.evaluation.programs.selfcheck.canaries import Surroundings, surroundings
from qwenlab.evaluation.programs.selfcheck.programs import CONTAINED, TRIALS, Trial

SETTINGS = JudgeSettings(time_factor=1.0, output_bytes=2**20)
MEMORY_BYTES = 128 * 2**20

PRIVATE = ("/home", "/root", "/var", "/tmp", "/etc/ssl", "/proc", "/sys")
"""Folders that no program may list."""

VARIABLES = (*ENVIRONMENT, "PWD", "LC_CTYPE")
"""What a program may find in its environment; of the last two, bwrap sets one, and Python the other."""

X32 = 2**30
"""Where the numbers of x86-64's second interface begin."""


def self_check(sandbox: Sandbox, trials: Sequence[Trial] = TRIALS, private: Sequence[str] = ()) -> SelfCheck:
    """Judge every trial in this sandbox. It is fit when each of them ends as it must.

    Args:
        private: files and folders of this machine that no program may read.
    """
    began = time.monotonic()
    found = sandbox.probe()
    checks: tuple[Check, ...] = ()
    reason = found.reason
    if found.works:
        try:
            checks = _judge_trials(sandbox, trials, private)
        except OSError as error:
            reason = f"The self-check could not be set up in {tempfile.gettempdir()}: {error.strerror}."
    failed = [check.name for check in checks if not check.passed]
    if failed:
        reason = f"Not as expected: {', '.join(failed)}."
    return _outcome(
        backend=found.backend,
        version=found.version,
        interpreter=found.interpreter,
        fit=not reason,
        seconds=time.monotonic() - began,
        checks=checks,
        reason=reason,
    )


def failed_check(backend: str, interpreter: str, reason: str, mend: str) -> SelfCheck:
    """Of a backend that could not even be tried."""
    return _outcome(
        backend=backend, version="", interpreter=interpreter, fit=False, seconds=0.0, reason=reason, mend=mend
    )


def _outcome(**found: Any) -> SelfCheck:
    user = "root, and programs as nobody" if os.geteuid() == 0 else f"user {os.geteuid()}"
    return SelfCheck(user=user, kernel=platform.release(), machine=platform.machine(), **found)


def _judge_trials(sandbox: Sandbox, trials: Sequence[Trial], private: Sequence[str]) -> tuple[Check, ...]:
    with surroundings() as around:
        targets = around.targets | {
            "folders": [str(around.folder), *PRIVATE],
            "private": list(private),
            "environment": VARIABLES,
            "calls": _calls(),
        }
        programs = [Program(trial.name, _problem(trial, targets), trial.program) for trial in trials]
        results = judge(programs, sandbox, SETTINGS)
        return (*map(_check, trials, results), *_seen_from_outside(around))


def _problem(trial: Trial, targets: dict[str, Any]) -> Problem:
    if trial.assertions:
        problem = function_problem(trial.name, "", trial.assertions)
    else:
        problem = Problem(name=trial.name, description="", tests=(Test(json.dumps(targets), trial.output),))
    return problem.model_copy(update={"time_limit_s": trial.time_s, "memory_limit_bytes": MEMORY_BYTES})


def _check(trial: Trial, result: ProgramResult) -> Check:
    hostile = trial.output == CONTAINED
    found = str(result.verdict)
    if hostile:
        found = CONTAINED
    if result.verdict != trial.verdict and result.failing_test:
        said = result.failing_test.got.strip() or result.failing_test.error.strip().rpartition("\n")[2]
        found = f"{result.verdict} {said}".strip()
    return Check(
        name=trial.name,
        expected=CONTAINED if hostile else str(trial.verdict),
        found=found,
        passed=result.verdict == trial.verdict,
    )


def _seen_from_outside(around: Surroundings) -> list[Check]:
    callers, changed = around.callers(), around.changed()
    return [
        Check(
            name="callers, seen from outside", expected="none", found=", ".join(callers) or "none", passed=not callers
        ),
        Check(
            name="files, seen from outside",
            expected="unchanged",
            found="changed" if changed else "unchanged",
            passed=not changed,
        ),
    ]


def _calls() -> list[tuple[str, int, int]]:
    """Every call that is denied on this machine, and the error that it must give when all its arguments are -1."""
    machine = seccomp.this_machine()
    if machine is None:
        return []
    refused = [(name, numbers.on(machine), errno.EPERM) for name, numbers in DENIED.items()]
    refused += [
        ("clone", CLONE.on(machine), errno.EAGAIN),
        ("clone3", CLONE3.on(machine), errno.ENOSYS),
        ("ioctl", IOCTL.on(machine), errno.ENOTTY),
        ("prlimit64", PRLIMIT64.on(machine), errno.EPERM),
        ("a newer call", NEWEST + 1, errno.ENOSYS),
    ]
    if machine == "x86_64":
        refused.append(("the x32 interface", X32, errno.ENOSYS))
    return [(name, number, error) for name, number, error in refused if number is not None]
