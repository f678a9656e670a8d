"""What can be asked of a run, as check boxes: how many items, the smallest gain that they show, and the time."""

import contextlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from qwenlab.data.report import DatasetReport
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Reference
from qwenlab.evaluation.suites import Suite, find_suite, suite_names
from qwenlab.files import read_lines, whole_lines
from qwenlab.recipe import RECIPES, TINY, EvaluateSettings, read_recipe
from qwenlab.runs import Run, list_evaluations
from qwenlab.runs.evaluation import Evaluation
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.text import duration

HELD_OUT = "held_out"


def suite_choices(run: Run | None, settings: EvaluateSettings, own: Mapping[str, int] = {}) -> list[tuple[str, str]]:
    """Label and name of each check box: what is the user's own first, then the recipe's suites and the others, those
    made for other models last.

    `own` are suites with a file of the user's, `NAME=FILE`, and how many items it has. All suites there are, whatever
    the run: an event that was on its way when another run was chosen would else name what is not there.
    """
    written = written_by_name(settings)
    first = [HELD_OUT] if _about_own_data(run) and HELD_OUT not in written else []
    others = sorted(set(suite_names()) - {*written, *first}, key=lambda name: (not _fits(name, run), name))
    uploaded = [(_own_label(name, count, settings), name) for name, count in own.items()]
    return [
        *uploaded,
        *((_label(written.get(name, name), run, settings), name) for name in (*first, *written, *others)),
    ]


def ticked(run: Run | None, settings: EvaluateSettings) -> tuple[list[str], str]:
    """The names that are ticked at first, and why where it is not what the recipe says.

    A shipped recipe's suites are about its own data. For a run on other data they would measure what it was not trained
    for: its own held-out rows take their place, beside what it should not have forgotten.
    """
    written = list(written_by_name(settings))
    if run is None or not _about_own_data(run) or tuple(settings.suites) not in _shipped():
        return written, ""
    kept = [name for name in written if name != HELD_OUT and find_suite(name).aim == "retention"]
    data = Path(run.recipe.data.source).name
    return [HELD_OUT, *kept], (
        f"Ticked are the rows of {data} that were held out of the training: they tell whether it learned what you "
        f"trained it for. {'The others tell what it forgot.' if kept else ''}"
    ).rstrip()


def fitting_suites(run: Run, file: Path) -> dict[str, int]:
    """The suites that can take their items from this file, `NAME=FILE` each, and how many items they find there.

    Raises:
        UserError: there is none; what each of them reads is named.
    """
    found, settings = {}, run.recipe.evaluate.model_copy(update={"limit": 0, "max_items": 0})
    for name in suite_names():
        with contextlib.suppress(UserError):
            suite = find_suite(f"{name}={file}")
            found[f"{name}={file}"] = len(suite.items(run, settings).items)
    if not found:
        raise UserError(
            f"{file.name} holds no questions that can be asked here.",
            "Each row needs a question and its answer (columns question and answer, or problem and answer), a question "
            "with choices, or a programming problem with tests. docs/suites.md shows a row of each.",
        )
    return found


def written_by_name(settings: EvaluateSettings) -> dict[str, str]:
    """What the recipe writes of each of its suites, `NAME` or `NAME=FILE`."""
    return {written.partition("=")[0]: written for written in settings.suites}


@cache
def _shipped() -> frozenset[tuple[str, ...]]:
    """What the shipped recipes ask for, which nobody has chosen for their own data."""
    recipes = (read_recipe(file) for file in sorted(RECIPES.glob("*.toml")))
    return frozenset({tuple(EvaluateSettings().suites), *(tuple(recipe.evaluate.suites) for recipe in recipes)})


def _about_own_data(run: Run | None) -> bool:
    """Its data is not that of a shipped recipe, and rows of it were held out."""
    return run is not None and run.recipe.data.source not in _shipped_data() and _validation_rows(run) != 0


@cache
def _shipped_data() -> frozenset[str]:
    return frozenset(read_recipe(file).data.source for file in RECIPES.glob("*.toml"))


def _own_label(wanted: str, count: int, settings: EvaluateSettings) -> str:
    name, _, file = wanted.partition("=")
    limit = settings.limit if name == "code_contests" else settings.max_items
    asked = min(count, limit) if limit else count
    return f"{Path(file).name}, asked as {find_suite(name).title} ({name}): {asked}, {_shows(asked)}"


def _fits(name: str, run: Run | None) -> bool:
    """What the bundled model can answer, others would answer all of, and the other way round."""
    return name == HELD_OUT or name.startswith(TINY) == (run is not None and run.recipe.model.name == TINY)


def _label(wanted: str, run: Run | None, settings: EvaluateSettings) -> str:
    try:
        suite = find_suite(wanted)
    except UserError as error:
        return f"{wanted}: {error.message}"
    count = _count(suite, run, settings)
    shows = _shown_by_rows(run, count) if suite.name == HELD_OUT else _shows(count) if count else ""
    parts = [str(count) if count else "", shows, _time(suite.name, count, run)]
    return f"{suite.title} ({wanted}): {', '.join(filter(None, parts)) or 'as many as there are'}"


def _count(suite: Suite, run: Run | None, settings: EvaluateSettings) -> int | None:
    """How many would be asked; None where it is not known."""
    limit = settings.limit if suite.name == "code_contests" else settings.max_items
    size = _validation_rows(run) if suite.name == HELD_OUT else suite.size
    return limit if size is None and limit else min(size, limit) if size is not None and limit else size


def _validation_rows(run: Run | None) -> int | None:
    if run is None or not run.data_file.exists():
        return None
    try:
        return DatasetReport.read(run.data_file).validation_rows
    except UserError:
        return None


def _shown_by_rows(run: Run | None, count: int | None) -> str:
    """As the newest evaluation has found them to be; before there is one, that is not known."""
    for evaluation in reversed(list_evaluations(run) if run else []):
        found = _items(evaluation, HELD_OUT)
        if found:
            return "compares losses" if isinstance(found[0].task, Reference) else _shows(count or len(found))
    return "compared by what your answers are found to be"


def _items(evaluation: Evaluation, name: str) -> list[Item]:
    """None where it or they cannot be read, which the evaluation itself tells."""
    try:
        return [] if evaluation.fault else read_lines(evaluation.suite(name).items_file, Item)
    except UserError:
        return []


@lru_cache(maxsize=256)
def _shows(count: int) -> str:
    gain = smallest_detectable_gain(count).gain
    return f"shows a gain from {100 * gain / count:.1f} points" if gain else "too few to show any gain"


def _time(name: str, count: int | None, run: Run | None) -> str:
    """As long as it took the newest evaluation of this run that asked it; empty before there is one."""
    for evaluation in reversed(list_evaluations(run) if run and count else []):
        if count and (seconds := _seconds_an_item(evaluation, name)):
            return f"about {duration(count * seconds)}"
    return ""


def _seconds_an_item(evaluation: Evaluation, name: str) -> float | None:
    if evaluation.fault or evaluation.status.claims_life:
        return None
    try:
        items = len(whole_lines(evaluation.suite(name).items_file))
    except UserError:
        return None
    seconds = evaluation.read().suite_seconds.get(name)
    return seconds / items if seconds and items else None
