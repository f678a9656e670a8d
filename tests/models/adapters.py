"""Adapters that were never trained but change every answer, and runs that look as if they had delivered them."""

from datetime import UTC, datetime
from pathlib import Path

import torch

from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status
from qwenlab.training.engine import Engine
from qwenlab.training.load import LoadedModel, load


def random_adapter(recipe: Recipe, engine: Engine, seed: int, strength: float = 1.0) -> LoadedModel:
    """The recipe's model with a LoRA of normal weights; a fresh one has zeros and changes nothing."""
    loaded = load(recipe, engine)
    torch.manual_seed(seed)
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=strength)
    return loaded


def random_run(runs: Path, recipe: Recipe, engine: Engine, name: str, seed: int, strength: float = 1.0) -> Run:
    """A finished run that delivers such an adapter."""
    loaded = random_adapter(recipe, engine, seed, strength)
    run = Run.create(runs, recipe, name)
    loaded.save_adapter(run.adapter)
    run.update(status=Status.finished, model=loaded.model_record(), finished=datetime.now(UTC))
    return run
