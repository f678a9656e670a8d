"""A tiny run that was really trained, once for all tests that look at what it answers, on whatever worker."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from qwenlab.evaluation.programs.selfcheck import select
from qwenlab.evaluation.programs.selfcheck.programs import TRIALS
from qwenlab.evaluation.programs.selfcheck.run import self_check
from qwenlab.runs import Run, list_runs
from qwenlab.runs.launch import Launch
from tests.conftest import ROOT

QUICKLY = ("data.max_samples=320", "train.learning_rate=4e-3", "train.eval_steps=100")
"""Twenty steps, after which the tiny Qwen reads its input."""


def trained_run(factory: pytest.TempPathFactory) -> Run:
    """The run itself, not to be changed; trained where no test has asked for it before."""
    folder = _shared_by_all_workers(factory) / "trained"
    with FileLock(f"{folder}.lock"):
        if not list_runs(folder):
            settings = [part for setting in QUICKLY for part in ("--set", setting)]
            command = [sys.executable, "-m", "qwenlab.train", "recipes/tiny.toml", *settings, "--runs", str(folder)]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (trained,) = list_runs(folder)
    return trained


def _shared_by_all_workers(factory: pytest.TempPathFactory) -> Path:
    """pytest-xdist gives each worker a folder of its own in one of the whole run."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def copy_of_a_trained_run(runs: Path, factory: pytest.TempPathFactory, limit: int = 0) -> Run:
    """A copy in `runs`, whose recipe evaluates so many problems; 0: all, of which it solves the first."""
    trained = trained_run(factory)
    shutil.copytree(trained.folder, runs / trained.name)
    run = Run(runs / trained.name)
    run.write_recipe(run.recipe.with_values(evaluate={"suites": ["tiny"], "max_items": limit, "batch_size": 10}))
    return run


def linked_run(runs: Path, factory: pytest.TempPathFactory) -> Run:
    """The trained run in a folder of its own without evaluations; its files are links, not to be written to."""
    original = trained_run(factory)
    folder = runs / original.name
    folder.mkdir(parents=True)
    for name in ("run.json", "recipe.toml", "events.jsonl", "data.json", "adapter", "drift.json"):
        (folder / name).symlink_to(original.folder / name)
    return Run(folder)


def quick_self_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A self-check of two programs, in this process."""
    trials = [trial for trial in TRIALS if trial.name in ("a right answer", "network")]
    monkeypatch.setattr(select, "self_check", lambda sandbox, private: self_check(sandbox, trials, private))


def end_launches(runs: Path) -> None:
    """End the processes that were started from the browser and still live."""
    for record in (runs / ".launches").glob("*.json"):
        launched = Launch(record.with_suffix(".log"))
        if launched.is_alive:
            os.kill(launched.read().pid, signal.SIGTERM)
