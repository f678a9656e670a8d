"""The bench on a machine without a GPU: what it refuses, and every step with very small models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu.lab import Lab
from bench.gpu.results import Halving, Repeat, Trained, read_results
from bench.gpu.steps import all_steps
from tests.conftest import ROOT


def _bench(*arguments: object, timeout: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench.gpu", *map(str, arguments)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def _names(folder: Path) -> list[str]:
    return [step.name for step in all_steps(Lab(folder, folder, folder, dry=True))]


def test_step_names_are_one_each(tmp_path: Path) -> None:
    names = _names(tmp_path)
    assert len(names) == len(set(names))


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    ended = _bench("--out", tmp_path, timeout=120)
    assert ended.returncode == 2
    assert "torch finds no GPU here." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_steps_that_match_nothing_are_named(tmp_path: Path) -> None:
    ended = _bench("--steps", "nothing", "--out", tmp_path, timeout=120)
    assert ended.returncode == 2
    assert "fast.toml: unsloth, packed" in ended.stderr


@pytest.mark.slow
def test_a_dry_run_runs_every_step(tmp_path: Path) -> None:
    ended = _bench("--dry", "--out", tmp_path, timeout=1200)
    results = {result.step: result for result in read_results(tmp_path / "results.jsonl")}
    assert {name for name, result in results.items() if not result.ok} == set(), ended.stdout
    assert set(results) == {"environment", *_names(tmp_path)}
    assert ended.returncode == 0, ended.stderr
    for result in results.values():
        if isinstance(result.figures, Repeat):
            assert result.figures.same_losses and result.figures.same_adapter and result.figures.steps == 10
        if isinstance(result.figures, Trained):
            assert len(result.figures.losses) == 6 and not result.figures.notes
        if isinstance(result.figures, Halving):
            assert result.figures.micro_batches == [8, 4]


@pytest.mark.slow
def test_a_dry_run_names_what_failed(tmp_path: Path) -> None:
    blocked = tmp_path / "work"
    blocked.mkdir()
    (blocked / "dry-qwen3-4b").write_text("a file where the weights' folder has to be", encoding="utf-8")
    ended = _bench("--dry", "--steps", "weights: qwen3", "--work", blocked, "--out", tmp_path / "out", timeout=300)
    assert ended.returncode == 1
    assert "1 of 1 steps failed: weights: qwen3-4b" in ended.stderr
