"""All runs as a table, the curves of some of them over each other, and what differs between their recipes."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qwenlab.recipe import fields
from qwenlab.report.charts import Line, line_chart, number, sparkline
from qwenlab.runs import Run, Status, list_evaluations, list_runs
from qwenlab.stats.types import Comparison
from qwenlab.ui.components import card, lab, text
from qwenlab.ui.curves import points
from qwenlab.ui.run_cache import events, label, name, record, stamp, status
from qwenlab.ui.views.run_card import ago, chip

COLOURS = ("accent", "slate", "amber", "violet", "red", "blue")
MOST = len(COLOURS)
"""Runs that can be told apart in one picture."""

EMPTY = card(
    "<b>No run yet</b><p class='quiet'>Here every training will stand, with its settings, its curve and its result. "
    "Begin one on the <b>Train</b> tab.</p>"
)
HEADS = ("", "name", "data", "settings", "loss", "best loss", "tests passed", "when")


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
        happened = events(run)
        curve = points(happened, "eval", "eval_loss") or points(happened, "train", "loss")
        lines.append(Line(name(run), curve, colour, 2))
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
    files = ("run.json", "events.jsonl", "label.json")
    known = [(run.name, status(run), *(stamp(run.folder / file) for file in files)) for run in list_runs(runs)]
    return repr((known, [stamp(path) for path in sorted(runs.glob("*/evaluations/*/report.json"))]))


def _row(run: Run) -> str:
    known, now, note = record(run), status(run), label(run).note
    recipe = run.recipe
    train = recipe.train
    settings = (
        f"{Path(recipe.model.name).name}, r {recipe.lora.r}, lr {number(train.learning_rate)}, "
        f"batch {train.effective_batch_size}"
    )
    noted = f'<div class="quiet">{text(note)}</div>' if note else ""
    best = f"{known.best.eval_loss:.3f}" if known.best else ""
    curve = points(events(run), "eval", "eval_loss") or points(events(run), "train", "loss")
    cells = (
        chip(now),
        f"<b>{text(name(run))}</b>{noted}",
        text(Path(recipe.data.source).name),
        text(settings),
        sparkline(curve),
        best,
        _passed(run),
        text(ago(known.created) if now is not Status.running else "now"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _passed(run: Run) -> str:
    """Before → after, of the newest evaluation that ran programs."""
    for evaluation in reversed(list_evaluations(run)):
        if evaluation.report_file.exists():
            shown = _rates(evaluation.report_file, stamp(evaluation.report_file))
            if shown:
                return shown
    return ""


@lru_cache(maxsize=256)
def _rates(path: Path, changed: tuple[int, int]) -> str:
    found = json.loads(path.read_text(encoding="utf-8"))["metrics"].get("pass", {})
    if "after" not in found:
        return ""  # no sandbox, so nothing was run
    rates = Comparison.model_validate(found, extra="ignore")
    before, after = (
        f"{100 * rate.value:.0f} %" if rate.value is not None else "?" for rate in (rates.before, rates.after)
    )
    return f'<span class="quiet">{before} →</span> <span class="accent">{after}</span>'
