"""What can be asked of a run, as check boxes: how many items, the smallest gain that they show, and the time."""

from functools import lru_cache

from qwenlab.data.report import DatasetReport
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Reference
from qwenlab.evaluation.suites import Suite, find_suite, suite_names
from qwenlab.files import read_lines, whole_lines
from qwenlab.recipe import TINY, EvaluateSettings
from qwenlab.runs import Run, list_evaluations
from qwenlab.runs.evaluation import Evaluation
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.text import duration

HELD_OUT = "held_out"


def suite_choices(run: Run | None, settings: EvaluateSettings) -> list[tuple[str, str]]:
    """Label and name of each check box: the recipe's suites first, then the others, those made for other models last.

    All suites there are, whatever the run: an event that was on its way when another run was chosen would else name
    what is not there.
    """
    written = written_by_name(settings)
    others = sorted(set(suite_names()) - written.keys(), key=lambda name: (not _fits(name, run), name))
    return [(_label(written.get(name, name), run, settings), name) for name in (*written, *others)]


def written_by_name(settings: EvaluateSettings) -> dict[str, str]:
    """What the recipe writes of each of its suites, `NAME` or `NAME=FILE`."""
    return {written.partition("=")[0]: written for written in settings.suites}


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
