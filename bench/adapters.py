"""A base with adapters that were never trained, for whatever times answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qwenlab.recipe import read_recipe

if TYPE_CHECKING:
    from qwenlab.inference.load import Inference

TINY = Path(__file__).parent.parent / "recipes" / "tiny.toml"


def loaded_with_adapters(model: str, folder: Path, names: Sequence[str]) -> "Inference":
    """The base with an adapter of normal weights, as tiny.toml shapes it, under each name."""
    from qwenlab.training import choose_engine

    recipe = read_recipe(TINY).with_values(model={"name": model, "engine": "transformers", "dtype": "auto"})
    engine = choose_engine(recipe.model)
    import torch

    from qwenlab.inference.load import load_inference
    from qwenlab.training.load import load

    for seed, name in enumerate(names):
        trained = load(recipe, engine)
        torch.manual_seed(seed)
        for parameter_name, parameter in trained.model.named_parameters():
            if "lora_B" in parameter_name:
                torch.nn.init.normal_(parameter, std=0.02)
        trained.save_adapter(folder / name)
    return load_inference(recipe.model, engine, {name: folder / name for name in names})
