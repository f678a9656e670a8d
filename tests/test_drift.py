"""Drift after every training: of the adapter that is delivered, by the model in memory, and never a reason to fail."""

import os
import signal
from typing import Any

import pytest

from qwenlab.evaluation import drift
from qwenlab.evaluation.drift import measure
from qwenlab.inference.load import adapter_sha256, load_inference
from qwenlab.inference.local import LocalAnswerer
from qwenlab.inference.trained import TrainedReader
from qwenlab.report.drift import sentence
from qwenlab.runs import Run, Status
from qwenlab.runs.events import Note, of_kind
from qwenlab.training.engine import Engine
from tests.test_train import Lab, _at_step


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 30 conversations alone."""
    monkeypatch.setattr(drift, "BUDGET_S", 0.0)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


def as_loaded_anew(run: Run, engine: Engine) -> Any:
    """The drift of the run's adapter, by a base that is loaded for it."""
    loaded = load_inference(run.recipe.model, engine, {"tuned": run.adapter})
    return measure(LocalAnswerer(loaded), "tuned", None, adapter_sha256(run.adapter))


def assert_measured(run: Run, engine: Engine) -> None:
    found, anew = run.drift, as_loaded_anew(run, engine)
    assert found and found.adapter_sha256 == anew.adapter_sha256
    assert (found.conversations, found.available, found.tokens) == (30, 200, anew.tokens)
    assert found.divergence.value == pytest.approx(anew.divergence.value, rel=1e-3) and found.divergence.value > 1e-4
    assert found.losses.before and found.losses.after and anew.losses.before and anew.losses.after
    assert found.losses.before.value == pytest.approx(anew.losses.before.value, abs=1e-4)
    assert found.losses.after.value == pytest.approx(anew.losses.after.value, abs=1e-4)
    assert f"{sentence(found)}\n" in run.log_file.read_text()


def test_a_training_measures_what_it_delivers_and_again_when_it_is_extended(lab: Lab, engine: Engine) -> None:
    run = lab.train(lab.recipe)
    assert_measured(run, engine)
    first = run.drift
    lab.train(None, "train.max_steps=20", extend=run.name)
    assert run.drift != first
    assert_measured(run, engine)


def test_the_best_adapter_is_measured_also_where_a_later_one_is_in_memory(lab: Lab, engine: Engine) -> None:
    """At so high a learning rate the loss rises again."""
    run = lab.train(lab.recipe, "train.learning_rate=1.0", "train.eval_steps=1")
    record = run.read()
    assert record.best and record.best.step < record.step
    assert_measured(run, engine)


def test_a_stopped_run_has_its_drift(lab: Lab, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        _at_step(patched, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
        run = lab.train(lab.recipe)
    assert run.status == "stopped"
    assert_measured(run, engine)


@pytest.mark.parametrize(
    ("error", "why", "traceback"),
    [
        (RuntimeError("CUDA out of memory.\nmore"), "CUDA out of memory.", True),
        (KeyboardInterrupt(), "interrupted", False),
    ],
)
def test_a_drift_that_cannot_be_measured_is_a_note_and_the_run_is_finished(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: BaseException, why: str, traceback: bool
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(TrainedReader, "likelihoods", fails)
    run = lab.train(lab.recipe, "train.max_steps=3")
    assert run.status is Status.finished and run.adapter.exists()
    assert run.drift is None
    assert [note.text for note in of_kind(run.events, Note) if note.about == "drift"] == [
        f"drift was not measured: {why}"
    ]
    assert ("Traceback" in run.log_file.read_text()) == traceback


def test_what_an_earlier_adapter_had_is_not_left_beside_a_new_one(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.train(lab.recipe, "train.max_steps=3")
    assert run.drift_file.exists()
    monkeypatch.setattr(TrainedReader, "likelihoods", lambda *_: 1 / 0)
    lab.train(None, "train.max_steps=4", extend=run.name)
    assert run.status is Status.finished and not run.drift_file.exists()
