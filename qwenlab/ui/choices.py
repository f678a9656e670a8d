"""What can be chosen: recipes and runs, as they lie on the disk at this moment."""

from pathlib import Path

from qwenlab.recipe import RECIPES, shown_path
from qwenlab.ui.run_cache import name, readable
from qwenlab.ui.status_bar import has_gpu

RECIPE_FOLDER = shown_path(RECIPES)


def recipe_choices(runs: Path) -> list[tuple[str, str]]:
    """Recipes as (shown, path): the files first, then those of earlier runs, newest first."""
    files = [(path.stem, str(path)) for path in sorted(RECIPE_FOLDER.glob("*.toml"))]
    return files + [(f"as {shown}", str(runs / folder / "recipe.toml")) for shown, folder in run_choices(runs)]


def first_recipe() -> str:
    """What a new user begins with: the whole job on any machine, or the defaults where there is a card."""
    return str(RECIPE_FOLDER / ("default.toml" if has_gpu() else "tiny.toml"))


def run_choices(runs: Path) -> list[tuple[str, str]]:
    """Runs that can be read as (shown, name), newest first."""
    return [(name(run), run.name) for run in reversed(readable(runs))]
