"""The judge proves itself: here it does, as root and as an ordinary user; and what is broken, it notices."""

import errno
import json
import os
import struct
import subprocess
import sys
import tempfile

import pytest

from qwenlab.evaluation.programs import checker, judge
from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.sandbox.protocol import Result
from qwenlab.evaluation.programs.sandbox.seccomp import ALLOW, RETURN
from qwenlab.evaluation.programs.selfcheck.programs import FUNCTION_TRIALS, HOSTILE_TRIALS, TRIALS
from qwenlab.evaluation.programs.selfcheck.run import self_check
from qwenlab.evaluation.programs.verdict import Bounds, Verdict, Verdicts

ALLOW_ALL = struct.pack("=HBBI", RETURN, 0, 0, ALLOW)
ALL_RIGHTS = (1 << 15) - 1

AS_ORDINARY_USER = """
import os, sys
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.selfcheck.run import self_check
from qwenlab.evaluation.programs.selfcheck.programs import HOSTILE_TRIALS, VERDICT_TRIALS

interpreter = judging_interpreter()
plan = next(backend for backend in BACKENDS if backend.name == sys.argv[1]).plan(interpreter)
if os.geteuid() == 0:
    with LaunchedSandbox(plan, interpreter) as sandbox:
        self_check(sandbox, VERDICT_TRIALS[-1:])  # imports what the user may not be able to read
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
with LaunchedSandbox(plan, interpreter) as sandbox:
    print(self_check(sandbox, HOSTILE_TRIALS + VERDICT_TRIALS[3:]).model_dump_json())
"""


def failed(check: SelfCheck) -> set[str]:
    assert check.checks, check.reason
    return {line.name for line in check.checks if not line.passed}


def checked(plan: Plan, *names: str) -> SelfCheck:
    trials = [trial for trial in TRIALS if trial.name in names]
    with LaunchedSandbox(plan, judging_interpreter()) as sandbox:
        return self_check(sandbox, trials)


def test_this_machine_s_sandbox_is_fit(sandbox: LaunchedSandbox) -> None:
    check = self_check(sandbox)
    assert check.fit, check
    assert len(check.checks) == len(TRIALS) + 2
    assert check.backend == sandbox.plan.backend
    assert check.interpreter.startswith("/")
    assert SelfCheck.model_validate_json(check.model_dump_json()) == check


def test_and_as_an_ordinary_user(plan: Plan) -> None:
    environment = {**os.environ, "HF_TOKEN": "hf_secret"}
    command = [sys.executable, "-c", AS_ORDINARY_USER, plan.backend]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    check = SelfCheck.model_validate(json.loads(answer.stdout))
    assert check.fit, check
    assert not check.user.startswith("root")
    assert "hf_secret" not in answer.stdout


def test_a_filter_that_denies_nothing_is_noticed(plan: Plan) -> None:
    names = [trial.name for trial in HOSTILE_TRIALS]
    found = failed(checked(plan._replace(seccomp=ALLOW_ALL), *names))
    assert found >= {"system calls", "processes, and memory by many", "daemons"}
    if plan.backend == "Landlock":  # the network is a namespace's elsewhere
        assert found >= {"network", "callers, seen from outside", "other processes", "files, seen from outside"}


def test_a_network_is_noticed(plan: Plan) -> None:
    all_else = ["--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    command = [part for word in plan.command for part in (all_else if word == "--unshare-all" else [word])]
    found = failed(checked(plan._replace(command=command, seccomp=ALLOW_ALL), "network"))
    assert found == {"network", "callers, seen from outside"}


def test_open_files_are_noticed(plan: Plan) -> None:
    found = failed(checked(with_temporary_files(plan), "reading outside", "writing outside"))
    assert found == {"reading outside", "writing outside", "files, seen from outside"}


def with_temporary_files(plan: Plan) -> Plan:
    """Where the self-check's secret is."""
    folder = tempfile.gettempdir()
    if plan.landlock:
        return plan._replace(landlock=plan.landlock._replace(rules=[(folder, ALL_RIGHTS), *plan.landlock.rules]))
    end = plan.command.index("--remount-ro")
    return plan._replace(command=[*plan.command[:end], "--bind", folder, folder, *plan.command[end:]])


def test_a_leaked_environment_is_noticed(plan: Plan) -> None:
    leaking = plan._replace(environment=plan.environment | {"HF_TOKEN": "hf_secret"})
    check = checked(leaking, "the judge's environment")
    assert failed(check) == {"the judge's environment"}
    assert not check.fit


def test_a_comparison_that_accepts_everything_is_noticed(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "default", lambda *texts: True)
    assert failed(checked(plan, "a right answer", "a wrong answer")) == {"a wrong answer"}


def test_a_comparison_that_accepts_nothing_is_noticed(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "default", lambda *texts: False)
    assert failed(checked(plan, "a right answer", "a wrong answer")) == {"a right answer"}


def test_a_judge_that_does_not_ask_whether_the_assertions_were_reached_is_noticed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_exit_status(result: Result, mark: bytes, bounds: Bounds) -> Verdicts:
        return Verdicts.all(Verdict.WA if result.exit_status else Verdict.AC)

    monkeypatch.setattr(judge, "function_verdicts", by_exit_status)
    found = failed(checked(plan, *(trial.name for trial in FUNCTION_TRIALS)))
    assert found == {"a function that exits before its assertion", "a function that ends the process in it"}


def test_a_program_that_cannot_be_started_is_no_verdict(plan: Plan) -> None:
    check = checked(plan._replace(command=["/none", *plan.command[1:]]), "a right answer")
    assert not check.fit
    assert not check.checks
    assert "No such file" in check.reason


def test_no_room_for_the_self_check_is_a_reason(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryDirectory", no_room)
    check = checked(plan, "a right answer")
    assert not check.fit
    assert check.reason.endswith("No space left on device.")
