"""The same training by both engines, each in a process of its own, and what became of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qwenlab.recipe import Recipe, recipe_toml
from qwenlab.training.rows import Rows, write_rows

EXACT = 1e-4
"""Engines whose losses are as close as this choose the same tokens."""

SCRIPT = Path(__file__).parent / "train_rows.py"


def trained(engine: str, recipe: Recipe, folder: Path, rows: Rows, *, again: bool = False) -> dict[str, Any]:
    """Losses and what the run recorded, from a process in which the engine was imported first."""
    folder = folder / engine
    folder.mkdir()
    write_rows(rows, folder)
    path = folder / "recipe.toml"
    path.write_text(recipe_toml(recipe.with_values(model={"engine": engine})), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(path), str(folder), *(["again"] if again else [])]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told


def alike(recipe: Recipe, folder: Path, rows: Rows, within: float, *, again: bool = False) -> dict[str, Any]:
    """Hold that both engines have the same losses, and the same drift; what Unsloth's run recorded."""
    unsloth, plain = (trained(engine, recipe, folder, rows, again=again) for engine in ("unsloth", "transformers"))
    for losses in ("losses", "eval_losses"):
        assert unsloth[losses] == pytest.approx(plain[losses], abs=within), losses
    for one, other in zip(unsloth["drift"], plain["drift"], strict=True):
        assert one == pytest.approx(other, abs=within), "drift"
    assert unsloth["drift"]
    for told in (unsloth, plain):
        assert not [note for note in told["notes"] if note["about"] == "samples"]
        assert [step for step, _ in told["samples"]] == [
            0,
            *range(recipe.train.eval_steps, recipe.train.max_steps + 1, recipe.train.eval_steps),
        ]
    if within <= EXACT:
        assert unsloth["samples"] == plain["samples"], "the held-out prompts are answered alike"
    assert unsloth["trainer"] == "UnslothSFTTrainer", "the trainer is the one that Unsloth rewrites"
    assert plain["module"].startswith("trl.")
    assert unsloth["engine"]["name"] == "unsloth"
    for setting in ("dtype", "deterministic", "optim", "load_in_4bit"):
        assert unsloth["engine"][setting] == plain["engine"][setting], setting
    return unsloth
