"""What is to be trained: a new run, or an earlier one that goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import TINY, Recipe, read_recipe
from qwenlab.runs.record import Status
from qwenlab.runs.run import Run, find_run

EXTENDABLE = ("train.num_train_epochs", "train.max_steps")


class Job(NamedTuple):
    """A new run of a recipe, or an earlier run that goes on."""

    recipe: Recipe
    name: str
    earlier: Run | None = None


def choose_job(
    runs: Path,
    recipe: Path | None,
    overrides: Sequence[str],
    *,
    resume: str | None = None,
    extend: str | None = None,
    start_from: str | None = None,
) -> Job:
    """Resume goes on with the same recipe; extend goes on from the end with more epochs or steps; start from is a new
    run that begins with an earlier run's adapter. Without one of them it is a new run of `recipe`.

    Raises:
        UserError: the wishes do not go together, or no such recipe or run.
    """
    chosen = [option for option in (resume, extend, start_from) if option]
    if len(chosen) > 1:
        raise UserError("--resume, --extend and --start-from are three different things.", "Give one of them.")
    if resume or extend:
        if recipe:
            raise UserError(f"A run goes on with its own recipe, not with {recipe}.", "Leave the recipe out.")
        run = find_run(runs, resume or extend or "")
        return _extended(run, overrides) if extend else _resumed(run, overrides)
    if start_from:
        return _started_from(find_run(runs, start_from), recipe, overrides)
    if recipe is None:
        raise UserError("A recipe is required.", "For instance: python -m qwenlab.train recipes/tiny.toml")
    return Job(_located(read_recipe(recipe, overrides)), _name(recipe))


def _resumed(run: Run, overrides: Sequence[str]) -> Job:
    if overrides:
        raise UserError(
            f"A resumed run keeps its recipe; {_key(overrides[0])} cannot change.", "To train for longer: --extend."
        )
    if run.status is Status.finished:
        raise UserError(f"{run.name} is finished.", f"To train it for longer: --extend {run.name}.")
    return Job(run.recipe, run.name, run)


def _extended(run: Run, overrides: Sequence[str]) -> Job:
    keys = {_key(override) for override in overrides}
    if not keys or not keys <= set(EXTENDABLE):
        ways = " or ".join(f"--set {key}=..." for key in EXTENDABLE)
        raise UserError("--extend needs to know how far, and nothing else.", f"Add {ways}")
    if not run.checkpoints:
        raise UserError(f"{run.name} has no checkpoint to go on from.", f"Begin anew with {run.recipe_file}.")
    return Job(read_recipe(run.recipe_file, overrides), run.name, run)


def _started_from(earlier: Run, recipe: Path | None, overrides: Sequence[str]) -> Job:
    if not earlier.adapter.exists():
        raise UserError(f"{earlier.name} has delivered no adapter.", f"Go on with --resume {earlier.name}.")
    adapter = f'lora.start_from="{earlier.adapter.resolve()}"'
    recipe = recipe or earlier.recipe_file
    return Job(_located(read_recipe(recipe, [*overrides, adapter])), _name(recipe))


def _name(recipe: Path) -> str:
    """The recipe's file name, and for a run's own recipe what the run is called after its date and time."""
    if (recipe.parent / "run.json").exists():
        return recipe.resolve().parent.name.split("-", 2)[-1]
    return recipe.stem


def _key(override: str) -> str:
    return override.partition("=")[0].strip()


def _located(recipe: Recipe) -> Recipe:
    """With the absolute path of a local source, so that the stored recipe means the same from any folder."""

    def absolute(text: str) -> str:
        path = Path(text).expanduser()
        return str(path.resolve()) if text != TINY and path.exists() else text

    return recipe.with_values(
        data={"source": absolute(recipe.data.source)}, model={"name": absolute(recipe.model.name)}
    )
