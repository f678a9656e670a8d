"""What a run's processes have, and that nothing of them stays: seen from outside, whoever is killed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qwenlab.evaluation.programs.sandbox import SandboxFailureError, Spec, client
from qwenlab.evaluation.programs.sandbox.client import NOBODY
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from tests.evaluation.programs.sandbox.asleep import asleep_in, descendants, lives, wait_for
from tests.evaluation.programs.sandbox.conftest import LIMITS, Run

USER = NOBODY if os.geteuid() == 0 else os.geteuid()

OUTLIVE = """
import os, threading, time
threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
for _ in range(2):
    try:
        if os.fork() == 0:
            os.setsid()
            time.sleep(5)
            os._exit(0)
    except OSError:
        pass
print("left")
"""

JUDGE = """
import sys
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS
from tests.evaluation.programs.sandbox.asleep import asleep_in
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter

backend = next(backend for backend in BACKENDS if backend.name == sys.argv[1])
with asleep_in(backend.plan(judging_interpreter())) as asleep:
    print(asleep.client.folder, *asleep.processes(), flush=True)
    sys.stdin.read()
"""


def test_nothing_outlives_a_run(run: Run) -> None:
    run("")  # the launcher is there from here on
    before = descendants(os.getpid())
    assert run(OUTLIVE).output == b"left\n"
    assert descendants(os.getpid()) <= before


def test_the_judge_s_environment_is_in_none_of_its_processes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")  # for whatever is started from here on
    with asleep_in(plan) as asleep:
        environments = [Path(f"/proc/{process}/environ").read_bytes() for process in asleep.processes()]
    assert len(environments) >= 2
    assert not any(b"hf_secret" in environment for environment in environments)


def test_none_of_its_processes_is_root(plan: Plan) -> None:
    with asleep_in(plan) as asleep:
        for process in asleep.processes():
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
            assert re.findall(r"^Uid:\s+(\d+)\s+(\d+)", status, re.MULTILINE) == [(str(USER), str(USER))]


def test_closing_ends_what_runs_and_leaves_nothing(plan: Plan) -> None:
    with asleep_in(plan) as asleep:
        folder = asleep.client.folder
        assert folder and folder.exists()
    assert not asleep.processes()
    assert not folder.exists()
    assert isinstance(asleep.failure, SandboxFailureError)


def test_a_killed_launcher_takes_its_program_along_and_is_replaced(plan: Plan) -> None:
    with asleep_in(plan) as asleep:
        processes, folder = asleep.processes(), asleep.client.folder
        asleep.client.process.kill()
        wait_for(lambda: not any(map(lives, processes)))
        assert asleep.sandbox.probe().works
    assert folder and not folder.exists()
    assert "ended" in str(asleep.failure)


def test_a_full_disk_is_the_sandbox_s_failure(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    source = client._source()
    assert "f_frsize < CHUNK" in source
    monkeypatch.setattr(client, "_source", lambda: source.replace("f_frsize < CHUNK", "f_frsize < 1 << 62"))
    with (
        LaunchedSandbox(plan, judging_interpreter()) as sandbox,
        pytest.raises(SandboxFailureError, match=r"the disk of /\S+ is full"),
    ):
        sandbox.run(Spec(b"print(1)", b"", LIMITS))


def test_a_launcher_that_does_not_answer_is_given_up(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenlab.evaluation.programs.sandbox.client.GRACE_S", 0.1)
    monkeypatch.setattr("qwenlab.evaluation.programs.sandbox.client.END_S", 0.1)
    with asleep_in(plan, wall_s=0.5) as asleep:
        processes, folder = asleep.processes(), asleep.client.folder
        os.kill(asleep.client.process.pid, signal.SIGSTOP)
        wait_for(lambda: asleep.failure)
        wait_for(lambda: not any(map(lives, processes)))
    assert "does not answer" in str(asleep.failure)
    assert folder and not folder.exists()


def test_a_killed_judge_leaves_nothing(plan: Plan) -> None:
    command = [sys.executable, "-c", JUDGE, plan.backend]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout
        folder, *numbers = judge.stdout.readline().split()
        processes = list(map(int, numbers))
        judge.kill()
    wait_for(lambda: not any(map(lives, processes)))
    wait_for(lambda: not Path(folder).exists())


def test_a_closed_sandbox_runs_nothing(plan: Plan) -> None:
    with LaunchedSandbox(plan, judging_interpreter()) as sandbox:
        pass
    with pytest.raises(SandboxFailureError, match="closed"):
        sandbox.run(Spec(b"", b"", LIMITS))
