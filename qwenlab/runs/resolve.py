"""What is to be trained: a new run, or an earlier one that goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import TINY, Recipe, TrainSettings, read_recipe
from qwenlab.runs.checkpoint import Made, choose, made
from qwenlab.runs.forms import check_adapter
from qwenlab.runs.record import Status
from qwenlab.runs.run import Run, find_run

EXTENDABLE = ("train.num_train_epochs", "train.max_steps")


class Job(NamedTuple):
    """A new run of a recipe, or an earlier run that goes on."""

    recipe: Recipe
    name: str
    earlier: Run | None = None
    extended: bool = False
    """It goes on beyond the end that it had."""


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
    chosen = choose(run.folder)
    if chosen.checkpoint is None:
        why = "".join(f" {fault}" for fault in chosen.faults)
        raise UserError(f"{run.name} has no checkpoint to go on from.{why}", f"Begin anew with {run.recipe_file}.")
    recipe = read_recipe(run.recipe_file, overrides)
    _check_beyond(run, recipe.train, made(chosen.checkpoint))
    return Job(recipe, run.name, run, extended=True)


def _check_beyond(run: Run, train: TrainSettings, made: Made) -> None:
    """Raises:
    UserError: the run is as far as that already.
    """
    if train.max_steps > 0:  # then the epochs do not count
        asked, has = f"train.max_steps = {train.max_steps}", f"{made.global_step} steps"
        further, more = train.max_steps > made.global_step, f"train.max_steps={2 * made.global_step}"
    else:
        asked, has = f"train.num_train_epochs = {train.num_train_epochs:g}", f"{made.epoch:g} epochs"
        further, more = train.num_train_epochs > made.epoch, f"train.num_train_epochs={2 * made.epoch:g}"
    if not further:
        raise UserError(f"{run.name} has made {has} already; {asked} is not beyond that.", f"Such as --set {more}")


def _started_from(earlier: Run, recipe: Path | None, overrides: Sequence[str]) -> Job:
    if not earlier.adapter.exists():
        raise UserError(f"{earlier.name} has delivered no adapter.", f"Go on with --resume {earlier.name}.")
    check_adapter(earlier.adapter)
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
