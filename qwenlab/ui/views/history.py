"""All runs as a table, the curves of some of them over each other, and what differs between their recipes.

`static/runs.js` sorts and filters the table in the browser, and marks the rows that are opened and chosen.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, fields
from qwenlab.report.charts import Point, number, sparkline
from qwenlab.runs import Run, list_runs
from qwenlab.ui.components import card, lab, text
from qwenlab.ui.curves import sent, training_loss, validation_loss
from qwenlab.ui.run_cache import KNOWN_RUNS, broken, events, label, name, record, stamp, status
from qwenlab.ui.views.outcome import outcome, reports
from qwenlab.ui.views.run_card import chip

COLOURS = ("accent", "slate", "amber", "violet", "red", "blue")
MOST = len(COLOURS)
"""Runs that can be told apart in one picture."""

EMPTY = card(
    "<b>No run yet</b><p class='quiet'>Here every training will stand, with its settings, its curve and its result. "
    "Begin one on the <b>Train</b> tab.</p>"
)


class _Head(NamedTuple):
    """Of a column; what it is sorted by first."""

    name: str
    sorts: str = "ascending"
    """Empty: it cannot be sorted."""


HEADS = (
    _Head("run"),
    _Head("status"),
    _Head("data"),
    _Head("settings"),
    _Head("loss", ""),
    _Head("best validation loss"),
    _Head("base → tuned", "descending"),
    _Head("begun", "descending"),
)


class _Cell(NamedTuple):
    html: str
    by: float | str | None = None
    """What it is sorted by; None: it comes last."""


def table(runs: Path) -> str:
    """All runs, newest first."""
    rows = "".join(_drawn(run.folder, repr(_signature(run))) for run in reversed(list_runs(runs)))
    if not rows:
        return EMPTY
    heads = "".join(_head(number, head) for number, head in enumerate(HEADS))
    body = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return lab(f'<div class="runs"><table data-most="{MOST}">{body}</table></div>')


def overlay(chosen: Sequence[Run]) -> str:
    """The losses of the chosen runs, for `static/overlay.js`; empty where none has any."""
    told = []
    for run, colour in zip(chosen, COLOURS, strict=False):
        happened = events(run)
        losses = {"training": sent(training_loss(happened)), "validation": sent(validation_loss(happened))}
        told.append({"name": name(run), "colour": colour, **losses})
    if not any(run["training"] or run["validation"] for run in told):
        return ""
    return lab(f'<div class="overlay" data-overlay="{text(json.dumps(told, separators=(",", ":")))}"></div>')


def differences(chosen: Sequence[Run]) -> str:
    """The settings in which the recipes differ, and nothing else; and whether their losses can be compared."""
    recipes = [run.recipe for run in chosen]
    rows = []
    for section, key, _ in fields():
        values = [getattr(getattr(recipe, section), key) for recipe in recipes]
        if any(value != values[0] for value in values):
            cells = "".join(f"<td>{text(value)}</td>" for value in values)
            rows.append(f'<tr><th scope="row">{section}.{key}</th>{cells}</tr>')
    if not rows:
        return _other_data(chosen) + card("<p class='quiet'>Their recipes are the same.</p>")
    heads = "".join(f'<th scope="col">{text(name(run))}</th>' for run in chosen)
    return _other_data(chosen) + lab(
        '<h3>What differs between their recipes</h3><div class="wide" tabindex="0" role="region" '
        'aria-label="What differs between their recipes"><table class="differences"><thead><tr>'
        f'<th scope="col">setting</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def state(runs: Path) -> str:
    """Another text whenever the table looks different."""
    return repr([_signature(run) for run in list_runs(runs)])


def _other_data(chosen: Sequence[Run]) -> str:
    known = {record(run).data_sha256 for run in chosen}
    if len(known) == 1:
        return ""
    return card(
        "<p class='amber'>These runs were trained and validated on different data. A lower loss of one says nothing "
        "about another: compare them with <b>Did it help?</b> on the same problems.</p>"
    )


def _signature(run: Run) -> tuple[Any, ...]:
    files = ("run.json", "recipe.toml", "events.jsonl", "label.json")
    why = broken(run)
    shown = run.name if why else name(run)
    return run.name, shown, why or status(run), *(stamp(run.folder / file) for file in files), reports(run)


def _head(number: int, head: _Head) -> str:
    if not head.sorts:
        return f'<th scope="col">{head.name}</th>'
    button = f'<button type="button" data-column="{number}" data-first="{head.sorts}">{head.name}</button>'
    return f'<th scope="col" aria-sort="none">{button}</th>'


@lru_cache(maxsize=KNOWN_RUNS)
def _drawn(folder: Path, signature: str) -> str:
    """The run's row, or why it cannot be read."""
    run = Run(folder)
    try:
        return _row(run)
    except UserError as error:
        first = _first(run, run.name, "", ())
        rest = f'<td colspan="{len(HEADS) - 2}" class="red">{text(error.message)}</td>'
        searched = text(f"{run.name} broken".lower())
        return (
            f'<tr data-run="{text(run.name)}" data-text="{searched}"><th scope="row">{first}</th>'
            f'<td data-by="broken"><span class="chip red">broken</span></td>{rest}</tr>'
        )


def _row(run: Run) -> str:
    known, now, said, recipe, called = record(run), status(run), label(run), run.recipe, name(run)
    data, model = Path(recipe.data.source).name, Path(recipe.model.name).name
    found = outcome(run)
    cells = (
        _Cell(chip(now), now.value),
        _Cell(text(data), data.lower()),
        _Cell(text(_settings(recipe, model)), model.lower()),
        _Cell(sparkline(_curve(run))),
        _best(run, data),
        _Cell(found.html, found.gain),
        _Cell(_moment(known.created), known.created.timestamp()),
    )
    words = (called, run.name, said.note, data, recipe.data.source, recipe.model.name, now.value, *said.tags)
    first = _first(run, called, said.note, said.tags)
    return (
        f'<tr data-run="{text(run.name)}" data-text="{text(" ".join(words).lower())}" '
        f'data-tags="{text(chr(10).join(said.tags))}">'
        f'<th scope="row" data-by="{text(called.lower())}">{first}</th>{"".join(map(_cell, cells))}</tr>'
    )


def _cell(cell: _Cell) -> str:
    return f"<td>{cell.html}</td>" if cell.by is None else f'<td data-by="{text(cell.by)}">{cell.html}</td>'


def _first(run: Run, called: str, note: str, tags: Sequence[str]) -> str:
    """The box that chooses the run to be compared, and what opens it."""
    chips = "".join(f'<button type="button" class="chip tag" data-tag="{text(t)}">{text(t)}</button>' for t in tags)
    return (
        f'<div class="first"><input type="checkbox" aria-label="Compare {text(called)}"><div>'
        f'<button type="button" class="open" aria-expanded="false" title="{text(run.name)}">{text(called)}</button>'
        + (f'<div class="tags">{chips}</div>' if chips else "")
        + (f'<div class="quiet note">{text(note)}</div>' if note else "")
        + "</div></div>"
    )


def _settings(recipe: Recipe, model: str) -> str:
    train = recipe.train
    epochs = f"{number(train.num_train_epochs)} epoch{'' if train.num_train_epochs == 1 else 's'}"
    length = f"{train.max_steps:,} steps" if train.max_steps > 0 else epochs
    return f"{model}, {length}, r {recipe.lora.r}, lr {number(train.learning_rate)}, batch {train.effective_batch_size}"


def _best(run: Run, data: str) -> _Cell:
    """With whose rows it was measured on: losses of different data cannot be compared."""
    known = record(run)
    if not known.best:
        return _Cell("")
    before = f", {known.base_eval_loss:.3f} before the training" if known.base_eval_loss is not None else ""
    told = f"the lowest loss on held-out rows of {data}, at step {known.best.step:,}{before}"
    html = f'<div title="{text(told)}">{known.best.eval_loss:.3f} <span class="quiet">on {text(data)}</span></div>'
    return _Cell(html, known.best.eval_loss)


def _moment(when: datetime) -> str:
    """`26 Nov 14:02`, by this machine's clock; the browser adds how long ago that is."""
    local = when.astimezone()
    year = "" if local.year == datetime.now(local.tzinfo).year else f" {local.year}"
    return f'<time datetime="{when.isoformat()}">{local.day} {local:%b}{year} {local:%H:%M}</time>'


def _curve(run: Run) -> list[Point]:
    """Of the validation, or of the training where there is none."""
    happened = events(run)
    return validation_loss(happened) or training_loss(happened)
