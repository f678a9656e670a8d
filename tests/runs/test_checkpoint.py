"""Which checkpoint a training goes on from: the newest whose every byte is what was written."""

import json
import zipfile
from pathlib import Path

import pytest

from qwenlab.runs.checkpoint import choose, complete, drop_later, fault_of, made, seal
from tests.faults.damage import DAMAGES, damage


def write_checkpoint(folder: Path, step: int) -> Path:
    """With the files that a trainer writes, small."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    (path / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(16)))
    (path / "adapter_config.json").write_text('{"r": 16, "peft_type": "LORA"}')
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        with zipfile.ZipFile(path / name, "w") as archive:
            archive.writestr("archive/data.pkl", bytes(range(200)))
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step, "epoch": step / 10, "log_history": []}))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (900, 1000):
        seal(write_checkpoint(tmp_path, step))
    return tmp_path


def test_the_newest_that_is_whole_is_chosen(run: Path) -> None:
    chosen = choose(run)
    assert chosen.checkpoint and chosen.checkpoint.name == "checkpoint-1000"
    assert (chosen.step, chosen.faults) == (1000, [])
    assert made(chosen.checkpoint).epoch == 100


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize(
    "file", ["adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "rng_state.pth", "trainer_state.json"]
)
def test_of_a_damaged_one_the_one_before_is_chosen_and_it_is_told(run: Path, file: str, kind: str) -> None:
    damage(run / "checkpoint-1000" / file, kind)
    chosen = choose(run)
    assert chosen.checkpoint and chosen.checkpoint.name == "checkpoint-900"
    # One whose last file is not there was never written to its end, which is no damage.
    told = [f"checkpoint-1000 cannot be used: {file}"] if run / "checkpoint-1000" in complete(run) else []
    assert [fault[: len(told[0])] for fault in chosen.faults] == told if told else chosen.faults == []


@pytest.mark.parametrize("kind", ["empty", "cut in half", "zeroed", "noise"])
@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "rng_state.pth"])
def test_one_that_was_never_sealed_is_judged_by_the_form_of_its_files(tmp_path: Path, file: str, kind: str) -> None:
    path = write_checkpoint(tmp_path, 10)
    assert fault_of(path) == ""
    damage(path / file, kind)
    assert file in fault_of(path)


def test_one_without_its_optimizer_would_be_another_training(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, 10)
    (path / "optimizer.pt").unlink()
    assert fault_of(path) == "optimizer.pt is missing"


def test_a_state_of_another_step_is_not_its_own(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, 10).rename(tmp_path / "checkpoint-20")
    assert "another step" in fault_of(path)


def test_where_none_is_whole_none_is_chosen(run: Path) -> None:
    for path in complete(run):
        damage(path / "scheduler.pt", "zeroed")
    assert choose(run).checkpoint is None and choose(run).step == 0 and len(choose(run).faults) == 2


def test_later_ones_are_removed_whole_or_not(run: Path) -> None:
    (run / "checkpoint-1100").mkdir()
    drop_later(run, 900)
    assert [path.name for path in run.glob("checkpoint-*")] == ["checkpoint-900"]


def test_other_folders_are_none(run: Path) -> None:
    for name in ("checkpoint-", "checkpoint-best", "checkpoint-1000.old"):
        (run / name).mkdir()
    assert [path.name for path in complete(run)] == ["checkpoint-900", "checkpoint-1000"]
