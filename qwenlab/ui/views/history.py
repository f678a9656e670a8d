"""All runs as a table, the curves of some of them over each other, and what differs between their recipes."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.recipe import fields
from qwenlab.report.charts import Line, Point, line_chart, number, sparkline
from qwenlab.report.schema import SuiteReport, read_report
from qwenlab.runs import Run, Status, list_evaluations, list_runs
from qwenlab.stats.verdicts import Verdict
from qwenlab.ui.components import card, lab, text
from qwenlab.ui.curves import training_loss, validation_loss
from qwenlab.ui.run_cache import Stamp, broken, events, label, name, record, stamp, status
from qwenlab.ui.views.run_card import ago, chip

COLOURS = ("accent", "slate", "amber", "violet", "red", "blue")
MOST = len(COLOURS)
"""Runs that can be told apart in one picture."""

EMPTY = card(
    "<b>No run yet</b><p class='quiet'>Here every training will stand, with its settings, its curve and its result. "
    "Begin one on the <b>Train</b> tab.</p>"
)
HEADS = ("", "name", "data", "settings", "loss", "best loss", "result", "when")

VERDICT_COLOURS: dict[Verdict, str] = {"improved": "accent", "kept": "accent", "worse": "red"}
"""The others are in the colour of the text."""


def table(runs: Path) -> str:
    """All runs, newest first."""
    rows = "".join(_row(run) for run in reversed(list_runs(runs)))
    if not rows:
        return EMPTY
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return lab(f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>')


def overlay(chosen: Sequence[Run]) -> str:
    """The validation curves of the chosen runs, or the training's where there is no validation."""
    lines = []
    for run, colour in zip(chosen, COLOURS, strict=False):
        lines.append(Line(name(run), _curve(run), colour, 2))
    return lab(line_chart("Validation loss", lines, x_name="step")) if any(line.points for line in lines) else ""


def differences(chosen: Sequence[Run]) -> str:
    """The settings in which the recipes differ, and nothing else."""
    recipes = [run.recipe for run in chosen]
    rows = []
    for section, key, _ in fields():
        values = [getattr(getattr(recipe, section), key) for recipe in recipes]
        if any(value != values[0] for value in values):
            cells = "".join(f"<td>{text(value)}</td>" for value in values)
            rows.append(f"<tr><td>{section}.{key}</td>{cells}</tr>")
    if not rows:
        return card("<p class='quiet'>Their recipes are the same.</p>")
    heads = "".join(f"<th>{text(name(run))}</th>" for run in chosen)
    return lab(f'<div class="wide"><table><thead><tr><th>differs</th>{heads}</tr></thead>{"".join(rows)}</table></div>')


def state(runs: Path) -> str:
    """Another text whenever the table looks different."""
    files = ("run.json", "recipe.toml", "events.jsonl", "label.json")
    known = [
        (run.name, broken(run) or status(run), *(stamp(run.folder / file) for file in files)) for run in list_runs(runs)
    ]
    return repr((known, [stamp(path) for path in sorted(runs.glob("*/evaluations/*/report.json"))]))


def _row(run: Run) -> str:
    """The run, or why it cannot be read."""
    try:
        return _settings_and_result(run)
    except UserError as error:
        return (
            f'<tr><td><span class="chip red">broken</span></td><td><b>{text(run.name)}</b></td>'
            f'<td colspan="{len(HEADS) - 2}" class="red">{text(error.message)}</td></tr>'
        )


def _settings_and_result(run: Run) -> str:
    known, now, note, recipe = record(run), status(run), label(run).note, run.recipe
    train = recipe.train
    settings = (
        f"{Path(recipe.model.name).name}, r {recipe.lora.r}, lr {number(train.learning_rate)}, "
        f"batch {train.effective_batch_size}"
    )
    noted = f'<div class="quiet">{text(note)}</div>' if note else ""
    best = f"{known.best.eval_loss:.3f}" if known.best else ""
    cells = (
        chip(now),
        f"<b>{text(name(run))}</b>{noted}",
        text(Path(recipe.data.source).name),
        text(settings),
        sparkline(_curve(run)),
        best,
        _found(run),
        text(ago(known.created) if now is not Status.running else "now"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _curve(run: Run) -> list[Point]:
    """Of the validation, or of the training where there is none."""
    happened = events(run)
    return validation_loss(happened) or training_loss(happened)


def _found(run: Run) -> str:
    """What the newest evaluation that has a report says of each suite; or why its report cannot be read."""
    for evaluation in reversed(list_evaluations(run)):
        if evaluation.report_file.exists():
            try:
                return _suites(evaluation.report_file, stamp(evaluation.report_file))
            except UserError as error:
                return f'<span class="red">{text(error.message)}</span>'
    return ""


@lru_cache(maxsize=256)
def _suites(path: Path, changed: Stamp) -> str:
    return "".join(map(_suite, read_report(path).suites.values()))


def _suite(suite: SuiteReport) -> str:
    colour = VERDICT_COLOURS.get(suite.verdict, "")
    said = suite.sentence.removeprefix(f"{suite.title}: ")
    return f'<div><span class="quiet">{text(suite.title)}</span> <span class="{colour}">{text(said)}</span></div>'
