"""Two processes over loopback train as one does: the same losses, one writer, one stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs import Run, list_runs
from qwenlab.runs.events import Note, Train, of_kind
from qwenlab.runs.record import Score
from qwenlab.training.distributed import ReadOnlyRun, check_shares, world
from tests.test_train import Lab, losses

# 2 rows x 4: two processes make it 2 x 2 x 2. Dropout draws per process, so without it.
SAME = ("lora.lora_dropout=0", "train.per_device_train_batch_size=2", "train.gradient_accumulation_steps=4")
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}


def start(lab: Lab, *arguments: str) -> subprocess.Popen[str]:
    """As a user with two GPUs would; where there are none, accelerate starts the two processes all the same."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    launch = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    where = ["--main_process_ip", "127.0.0.1", "--main_process_port", str(port)]
    command = [sys.executable, "-m", "accelerate.commands.launch", *launch.split(), *where, "-m", "qwenlab.train"]
    return subprocess.Popen(
        [*command, *arguments, "--runs", str(lab.runs)],
        env=os.environ | LOOPBACK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def settings(*given: str) -> list[str]:
    return [part for setting in (*SAME, *given) for part in ("--set", setting)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.mark.slow
def test_two_processes_train_as_one_does(lab: Lab) -> None:
    # 13 validation rows: the last batches are short, and the two processes fill them up.
    uneven = "data.validation_split=0.2"
    alone = lab.train(lab.recipe, *SAME, uneven)
    process = start(lab, str(lab.recipe), *settings(uneven))
    told = process.communicate(timeout=240)[0]
    assert process.returncode == 0, told[-3000:]
    assert len(list_runs(lab.runs)) == 2, "one folder for both"
    run = list_runs(lab.runs)[-1]

    assert losses(run) == pytest.approx(losses(alone), abs=1e-4)
    assert losses(run, "eval") == pytest.approx(losses(alone, "eval"), abs=1e-4)
    assert len(set(losses(run).values())) == 12
    assert {path.name for path in run.folder.iterdir()} == {path.name for path in alone.folder.iterdir()}
    kinds = [(event.kind, event.step) for event in run.events]
    assert kinds == [(event.kind, event.step) for event in alone.events], "each event once"
    record = run.read()
    assert (record.status, record.processes, alone.read().processes) == ("finished", 2, 1)
    assert told.count("step 4/12  validation loss") == 1
    assert "each of 8 rows (2 rows x 2 x 2 processes)" in told


@pytest.mark.slow
def test_a_stop_reaches_both_after_the_same_step_and_both_go_on(lab: Lab) -> None:
    before = len(list_runs(lab.runs))
    process = start(lab, str(lab.recipe), *settings("train.max_steps=100000", "train.eval_steps=100000"))
    deadline = time.monotonic() + 120
    while not (len(list_runs(lab.runs)) > before and losses(list_runs(lab.runs)[-1])) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the launcher and both processes
    told = process.communicate(timeout=120)[0]
    run = list_runs(lab.runs)[-1]
    assert run.status == "stopped", told[-3000:]
    step = run.read().step
    assert run.checkpoints[-1].name == f"checkpoint-{step}" and max(losses(run)) == step
    assert {path.name for path in run.checkpoints[-1].glob("rng_state*")} == {"rng_state_0.pth", "rng_state_1.pth"}

    process = start(lab, "--resume", run.name)
    while not losses(run, after=step) and process.poll() is None:
        time.sleep(0.1)
    run.request_stop()
    told = process.communicate(timeout=120)[0]
    assert process.returncode == 0 and run.status == "stopped", told[-3000:]
    steps = [event.step for event in of_kind(run.events, Train)]
    assert steps == list(range(1, run.read().step + 1))


def test_a_step_that_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_shares(Recipe())
    uneven = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 3}
    with pytest.raises(UserError, match="a step would no longer be 12 rows") as error:
        check_shares(Recipe().with_values(train=uneven))
    assert "per_device_train_batch_size = 3 and train.gradient_accumulation_steps = 4" in error.value.hint
    monkeypatch.setenv("WORLD_SIZE", "5")
    with pytest.raises(UserError) as error:
        check_shares(Recipe())
    assert error.value.hint == "Start a number of processes that divides 16."


def test_a_model_in_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    check_shares(Recipe())
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="set to FSDP, which cuts the model into parts"):
        check_shares(Recipe())


def test_a_process_that_nobody_launched_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert world() == (0, 1, 0) and world().is_first


def test_the_others_write_nothing(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "test")
    run.events_file.write_text('{"kind": "train", "step": 1}\n{"kind": "tr')
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    other = ReadOnlyRun(run.folder)
    assert other.update(best=Score(step=1, eval_loss=1.0)).best is None
    other.log.write(Note(step=1, about="x", text="not written"))
    assert {path: path.read_bytes() for path in run.folder.iterdir()} == before
    assert json.loads(run.record_file.read_text())["status"] == "queued"
