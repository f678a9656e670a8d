"""Resume is the same run at every boundary; extend goes beyond the end or is refused. By the dozen: tests/faults."""

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from torch.optim.lr_scheduler import LambdaLR

from qwenlab.errors import UserError
from qwenlab.evaluation import drift
from qwenlab.runs import Run, Status, find_run
from qwenlab.runs.events import Note, of_kind
from qwenlab.training.trainer import _Trainer
from tests.test_train import Lab, losses

SHORT = ("train.max_steps=4", "train.save_steps=2", "train.eval_steps=2")
SHAPES = {
    "validated": (),
    "constant": ("train.lr_scheduler_type=constant", "data.validation_split=0"),
    "stopped early": ("train.max_steps=8", "train.early_stopping_patience=1", "train.early_stopping_threshold=9"),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def trained(lab: Lab) -> Run:
    return lab.train(lab.recipe, *SHORT)


@pytest.fixture(autouse=True)
def few_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    conversations, version = drift.neutral()
    monkeypatch.setattr(drift, "neutral", lambda: (conversations[:4], version))


def as_if_killed(run: Run) -> None:
    """What a process leaves that was killed between its last checkpoint and the delivery."""
    run.update(status=Status.running, finished=None)
    for path in (run.adapter / "adapter_model.safetensors", run.drift_file):
        path.unlink()


def weights(run: Run) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_that_was_killed_before_its_delivery_makes_no_further_step(lab: Lab, shape: str) -> None:
    run = lab.train(lab.recipe, *SHORT, *SHAPES[shape])
    curve, delivered, record = losses(run), weights(run), run.read()
    as_if_killed(run)
    assert run.status == "lost"
    lab.train(resume=run.name)
    assert run.status == "finished" and run.drift
    assert losses(run) == curve and weights(run) == delivered
    after = run.read()
    assert (after.step, after.best, after.early_stopped) == (record.step, record.best, shape == "stopped early")


def test_early_stopping_ends_a_resumed_run_as_it_would_have_ended_it(lab: Lab) -> None:
    early = ("train.max_steps=8", "train.early_stopping_patience=2", "train.early_stopping_threshold=9")
    run = lab.train(lab.recipe, *SHORT, *early, "train.save_steps=4")
    assert [path.name for path in run.checkpoints] == ["checkpoint-4", "checkpoint-6"]
    as_if_killed(run)
    run.update(early_stopped=False)
    shutil.rmtree(run.checkpoints[-1])
    lab.train(resume=run.name)
    assert run.read().early_stopped and run.read().step == 6 and run.checkpoints[-1].name == "checkpoint-6"


def test_extended_a_run_that_had_stopped_early_goes_on_with_new_patience(lab: Lab) -> None:
    run = lab.train(lab.recipe, *SHORT, *SHAPES["stopped early"])
    assert run.read().early_stopped and run.read().step == 4
    lab.train(None, "train.max_steps=8", extend=run.name)
    assert run.read().step > 4


@pytest.mark.parametrize("file", ["optimizer.pt", "adapter_model.safetensors"])
def test_of_a_damaged_checkpoint_the_one_before_is_used_and_it_is_told(lab: Lab, file: str) -> None:
    run = lab.train(lab.recipe, *SHORT)
    curve, delivered = losses(run), weights(run)
    as_if_killed(run)
    damaged = run.folder / "checkpoint-4" / file
    damaged.write_bytes(damaged.read_bytes()[:100])
    lab.train(resume=run.name)
    assert losses(run) == curve and weights(run) == delivered
    (told,) = [note.text for note in of_kind(run.events, Note) if note.about == "checkpoint"]
    assert told == f"checkpoint-4 cannot be used: {file} is not what was saved."
    assert told in run.log_file.read_text() and "going on from checkpoint-2" in run.log_file.read_text()


def test_a_best_adapter_whose_replacing_was_cut_short_is_put_back(lab: Lab) -> None:
    run = lab.train(lab.recipe, *SHORT)
    delivered = weights(run)
    as_if_killed(run)
    run.best.rename(run.folder / ".best.old")
    lab.train(resume=run.name)
    assert weights(run) == delivered and run.best.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.max_steps=4", "has made 4 steps already; train.max_steps = 4 is not beyond that"),
        ("train.max_steps=3", "has made 4 steps already"),
        ("train.num_train_epochs=100", "train.max_steps = 4 is not beyond that"),
    ],
)
def test_extend_to_where_a_run_is_already_is_refused_before_anything_is_written(
    lab: Lab, change: str, message: str, trained: Run
) -> None:
    before = {path: path.read_bytes() for path in trained.folder.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=message):
        lab.train(None, change, extend=trained.name)
    assert {path: path.read_bytes() for path in trained.folder.rglob("*") if path.is_file()} == before


def test_weights_can_be_read_by_whoever_can_read_the_files_beside_them(trained: Run) -> None:
    folders = [trained.adapter, trained.best, *trained.checkpoints]
    modes = {stat.S_IMODE(path.stat().st_mode) for folder in folders for path in folder.iterdir()}
    assert modes == {stat.S_IMODE(trained.recipe_file.stat().st_mode)}


def test_a_run_whose_rate_was_never_above_zero_is_not_finished(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def zero(self: Any, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda step: 0.0)
        return self.lr_scheduler

    monkeypatch.setattr(_Trainer, "create_scheduler", zero)
    with pytest.raises(UserError, match="above zero in none of the 4 steps"):
        lab.train(lab.recipe, *SHORT)
    run = find_run(lab.runs, "last")
    assert run.status is Status.failed and not Path(run.adapter).exists()


def test_what_was_not_logged_yet_is_in_no_checkpoint_so_each_checkpoint_ends_a_point(lab: Lab) -> None:
    run = lab.train(lab.recipe, *SHORT, "train.logging_steps=3")
    assert sorted(losses(run)) == [2, 3, 4]
