"""The recipe: a training job, complete. What settings there are, what is said of a faulty one, and TOML in and out."""

from qwenlab.recipe.settings import (
    ALL_LINEAR,
    LINEAR_LAYERS,
    TINY,
    DataSettings,
    EvaluateSettings,
    ModelSettings,
    Recipe,
    TrainSettings,
    fields,
    make_recipe,
)
from qwenlab.recipe.toml import (
    RECIPES,
    find_recipe,
    load_recipe,
    parse_recipe,
    read_recipe,
    recipe_toml,
    shown_path,
)

__all__ = [
    "ALL_LINEAR",
    "LINEAR_LAYERS",
    "RECIPES",
    "TINY",
    "DataSettings",
    "EvaluateSettings",
    "ModelSettings",
    "Recipe",
    "TrainSettings",
    "fields",
    "find_recipe",
    "load_recipe",
    "make_recipe",
    "parse_recipe",
    "read_recipe",
    "recipe_toml",
    "shown_path",
]
