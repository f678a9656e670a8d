"""The Data tab: which column is what, what the model sees and learns of it, what is dropped, and how long it is.

The first rows are read by a process that stays (`Sampler`), so that a changed column is seen at once; all rows are
then checked by `qwenlab prepare`, whose command is shown.
"""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.data.preview import Preview
from qwenlab.errors import UserError
from qwenlab.recipe import TINY, Recipe, fields, read_recipe
from qwenlab.runs.launch import shown_command
from qwenlab.text import disk
from qwenlab.ui.choices import RECIPE_FOLDER, first_recipe
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, lab, pulse, text
from qwenlab.ui.form import columns_text, control_for, overrides, read_values, values_of
from qwenlab.ui.jobs.prepared import Check, check_of, keep_uploads, latest_question, start_check
from qwenlab.ui.jobs.sampled import Sampler
from qwenlab.ui.views.dataset import report_view
from qwenlab.ui.views.mapped import assigned, mask, row_title, system_origin, table

RULES = ("max_samples", "min_chars", "max_chars", "validation_split", "max_length", "system_prompt")
SOURCE, COLUMNS, MOST = 1, 2, 3 + RULES.index("max_samples")
"""Where these stand among the controls: the model, the source, the columns, the rules."""

KINDS = [("in order", "in order"), ("longest", "longest"), ("cut off", "cut")]

SAMPLE_S = 15.0
"""How long the first rows are waited for, which a process that is just started takes some of; then all are checked."""
LOOK_S = 0.03

EMPTY = card(
    "<b>What your model will learn, before it does</b><p class='quiet'>Drop a file on the left, or name a data set of "
    "the hub. Here will stand its first rows, with what each column is, and beside them a row as the model sees it; "
    "then what the rules drop and why, and how long the rest is.</p>"
)

CHECKING = card('<p role="status"><b>Checking all rows</b> <span class="quiet">cleaning, counting tokens</span></p>')


class DataTab(NamedTuple):
    """What leads on from here."""

    train: gr.Button
    chosen: list[Any]
    """The controls, to be read by `settings`."""


class Viewer(NamedTuple):
    """The table of the first rows, and beside it one row as the model sees it."""

    table: gr.HTML
    box: gr.Column
    kind: gr.Radio
    place: gr.State
    row: gr.HTML
    title: gr.HTML
    previous: gr.Button
    next: gr.Button


def build_data_tab(runs: Path, clock: Clock, page: gr.Blocks) -> DataTab:
    """Built inside `gr.Tab`."""
    sampler = Sampler()
    with gr.Row():
        with gr.Column(scale=1, min_width=340):
            upload = gr.File(
                label="Drop files here: JSONL, JSON, CSV, Excel, Parquet",
                # Of any kind: what is not read is told by the reader, in place of the report of the file before.
                file_count="multiple",
                height=150,
                elem_id="upload",
            )
            chosen = _build_controls(read_recipe(Path(first_recipe())))
            wrong = gr.HTML(elem_id="data-fault")
            with gr.Row():
                train = gr.Button(
                    "Train on this", variant="primary", visible=False, elem_id="train-on-this", min_width=150
                )
                check = gr.Button("Check the data", variant="primary", elem_id="check", min_width=150)
        with gr.Column(scale=2, min_width=340):
            viewer = _build_viewer()
            shown = gr.HTML(EMPTY, elem_id="report")
            bundled = gr.Button("Try the bundled data", size="sm", scale=0, min_width=200, elem_id="try-bundled")
            with gr.Accordion("The same in a terminal", open=False):
                command = gr.Textbox(label="Command", buttons=["copy"], interactive=False, max_lines=4)
    waiting = gr.Timer(1.0, active=False)
    wish = pulse(elem_id="data-wish")
    told = [
        *(wrong, viewer.table, viewer.box, viewer.row, viewer.title, shown, bundled, command, waiting, check, train)
    ]
    asking = [*chosen, viewer.kind, viewer.place]
    look, ask = partial(edited, runs, sampler), partial(checked, runs, sampler)
    clock.asks(list)
    clock.tab.select(sampler.warm, None, None, **QUIET)
    gr.on([waiting.tick, *[c.input for c in chosen if c is not chosen[SOURCE]]], look, asking, told, **QUIET)
    chosen[SOURCE].input(renamed, chosen, [chosen[COLUMNS], chosen[MOST]], **QUIET).then(look, asking, told, **QUIET)
    gr.on([check.click, chosen[SOURCE].submit], reading, chosen, shown, **QUIET).then(ask, asking, told, **QUIET)
    page.load(partial(restored, runs), None, chosen, **QUIET).then(look, asking, told, **QUIET)
    upload.upload(partial(uploaded, runs), upload, [*chosen, *told], **QUIET).then(ask, asking, told, **QUIET)
    upload.clear(partial(cleared, runs), chosen, [*chosen, *told], **QUIET)
    bundled.click(bundled_data, chosen, [*chosen, shown], **QUIET).then(ask, asking, told, **QUIET)
    wish.change(partial(wished, runs), [wish, *chosen], [chosen[COLUMNS], chosen[MOST]], **QUIET).then(
        ask, asking, told, **QUIET
    )
    for event, step in ((viewer.previous.click, -1), (viewer.next.click, 1), (viewer.kind.input, 0)):
        event(partial(turned, runs, step), asking, [viewer.place, viewer.row, viewer.title], **QUIET)
    return DataTab(train, chosen)


def settings(*chosen: Any) -> Recipe:
    """The recipe whose data settings the controls hold; everything else is the default.

    Raises:
        UserError: a control holds what the recipe refuses.
    """
    model, source, columns, *rules = chosen
    values: dict[str, Any] = {"model.name": model, "data.source": (source or "").strip(), "data.columns": columns}
    return read_values(values | {f"data.{key}": value for key, value in zip(RULES, rules, strict=True)})


def controls_of(recipe: Recipe) -> list[Any]:
    """What the controls show for a recipe."""
    rules = (getattr(recipe.data, key) for key in RULES)
    return [recipe.model.name, recipe.data.source, columns_text(recipe.data.columns), *rules]


def edited(runs: Path, sampler: Sampler, *values: Any) -> list[Any]:
    """What is known of the data that the controls name."""
    *chosen, kind, index = values
    try:
        recipe = settings(*chosen)
    except UserError as error:
        return _refused(error)
    check = check_of(runs, recipe)
    if check.sample is None and (recipe.data.source == TINY or Path(recipe.data.source).is_file()):
        sampler.ask(recipe, check.sample_file)
    return _told(runs, recipe, kind, index, sampler.is_asked(check.sample_file))


def checked(runs: Path, sampler: Sampler, *values: Any) -> list[Any]:
    """Look at the first rows of the data that the controls name; check all of it once it is plain how to read it."""
    *chosen, kind, index = values
    try:
        recipe = settings(*chosen)
        if not recipe.data.source:
            raise UserError("Which data?", "Drop a file above, or name a data set: tiny is bundled.")
    except UserError as error:
        return _refused(error)
    check = check_of(runs, recipe)
    if check.sample is None:
        sampler.ask(recipe, check.sample_file)
    end = time.monotonic() + SAMPLE_S
    while (sample := check.sample) is None and time.monotonic() < end:
        time.sleep(LOOK_S)
    if sample is None or not (sample.missing or sample.fault):
        start_check(runs, recipe, _arguments(recipe))
    return _told(runs, recipe, kind, index, sampler.is_asked(check.sample_file))


def reading(*chosen: Any) -> str:
    """What stands where the report will, until something is known."""
    return _reading(Path(chosen[SOURCE]).name) if chosen[SOURCE] else EMPTY


def restored(runs: Path) -> list[Any]:
    """The controls as they were at the latest check, in whatever browser."""
    recipe = latest_question(runs)
    return [gr.skip()] * (3 + len(RULES)) if recipe is None else controls_of(recipe)


def uploaded(runs: Path, files: list[str] | None, *_: Any) -> list[Any]:
    """Keep the files; their columns are detected anew, and all of their rows are wanted.

    Nothing of the data before stays in view.
    """
    if not files:
        return [gr.skip()] * (3 + len(RULES) + len(_afresh(EMPTY)))
    kept = keep_uploads(runs, files)
    held = disk(sum(Path(file).stat().st_size for file in files))
    return [*_with_source(str(kept)), *_afresh(_reading(kept.name, held))]


def cleared(runs: Path, *chosen: Any) -> list[Any]:
    """The file is taken away, and with it all that was said of it; another data set that was named since stays."""
    if not Path(chosen[SOURCE] or "").is_relative_to(runs / ".uploads"):
        return [gr.skip()] * (len(chosen) + len(_afresh(EMPTY)))
    return [*_with_source(""), *_afresh(EMPTY)]


def renamed(*chosen: Any) -> list[Any]:
    """Another data set has other columns; and what it has is wanted whole, but for the bundled data's recipe."""
    return _with_source(chosen[SOURCE])[COLUMNS : MOST + 1 : MOST - COLUMNS]


def bundled_data(*chosen: Any) -> list[Any]:
    """The data that ships with qwenlab, with the rules of its recipe."""
    return [chosen[0], *controls_of(read_recipe(RECIPE_FOLDER / "tiny.toml"))[SOURCE:], _reading(TINY)]


def wished(runs: Path, wish: str, *chosen: Any) -> list[Any]:
    """The columns and the number of rows after what was wished in the page: another role of a column, or all rows."""
    try:
        recipe, asked = settings(*chosen), json.loads(wish)
    except (UserError, ValueError):
        return [gr.skip()] * 2
    if "column" not in asked:
        return [gr.skip(), 0]
    sample = check_of(runs, recipe).sample
    said = {str(role): column for role, column in recipe.data.columns.items()}
    columns = assigned(said, sample.mapping if sample else {}, str(asked["column"]), str(asked["role"]))
    return [columns_text(columns), gr.skip()]


def turned(runs: Path, step: int, *values: Any) -> list[Any]:
    """The previous, the next, or the first row of a kind."""
    *chosen, kind, index = values
    try:
        recipe = settings(*chosen)
    except UserError:
        return [0, "", ""]
    row, title, index = _row(check_of(runs, recipe), recipe, kind, index + step if step else 0)
    return [index, row, title]


def _reading(name: str, held: str = "") -> str:
    return card(f'<p role="status"><b>Reading {text(name)}</b> <span class="quiet">{text(held)}</span></p>')


def _with_source(source: str) -> list[Any]:
    """The controls for another source: its columns are detected, and all rows are used. The other rules stay."""
    rows = read_recipe(RECIPE_FOLDER / "tiny.toml").data.max_samples if source.strip() == TINY else 0
    rules = [rows if key == "max_samples" else gr.skip() for key in RULES]
    return [gr.skip(), source, "", *rules]


def _told(runs: Path, recipe: Recipe, kind: str, index: int, is_asked: bool) -> list[Any]:
    """What the tab shows; `is_asked`: the first rows are there, or will be."""
    check = check_of(runs, recipe)
    sample, report = check.sample, check.report if check.is_done else None
    row, title, _ = _row(check, recipe, kind, index)
    words = check.launch.last_words if check.launch and not check.is_running and not report else ""
    wrong, shown = "", ""
    if check.is_running:
        shown = CHECKING
    elif report:
        shown = report_view(report, recipe.data)
    elif sample and (sample.missing or sample.fault):
        wrong = fault(sample.fault)
    elif words:
        wrong = fault(words)
    elif sample:
        shown = card('<p class="quiet">Not checked with these settings yet.</p>')
    else:
        shown = EMPTY
    if wrong and not (sample and sample.columns):
        shown = card(
            "<b>Nothing to show</b><p class='quiet'>The data could not be read; why stands with the settings.</p>"
        )
    return [
        wrong,
        table(sample) if sample and sample.columns else "",
        gr.Column(visible=bool(row)),
        row,
        title,
        shown,
        gr.Button(visible=shown == EMPTY),
        shown_command("prepare", _arguments(recipe)),
        gr.Timer(active=check.is_running or (is_asked and sample is None)),
        gr.Button(variant="secondary" if report else "primary"),
        gr.Button(visible=report is not None),
    ]


def _afresh(shown: str) -> list[Any]:
    """As `_told`, of no data."""
    return [
        *("", "", gr.Column(visible=False), "", "", shown, gr.Button(visible=shown == EMPTY), ""),
        *(gr.Timer(active=False), gr.Button(variant="primary"), gr.Button(visible=False)),
    ]


def _refused(error: UserError) -> list[Any]:
    told: list[Any] = [gr.skip()] * len(_afresh(EMPTY))
    return [fault(str(error)), *told[1:-3], gr.Timer(active=False), *told[-2:]]


def _arguments(recipe: Recipe) -> list[str]:
    """The command line after `python -m qwenlab.prepare`."""
    changes = overrides(Recipe(), recipe.with_values(data={"source": Recipe().data.source}))
    return [recipe.data.source, *(part for change in changes for part in ("--set", change))]


def _row(check: Check, recipe: Recipe, kind: str, index: int) -> tuple[str, str, int]:
    """The row in view, its title, and its place among its kind."""
    seen = _seen(check)
    rows = [row for row in seen.rows if row.why == kind] if seen else []
    if not seen or not rows:
        return (lab('<p class="quiet">No row is cut off.</p>'), "", 0) if seen else ("", "", 0)
    index %= len(rows)
    row = rows[index]
    title = row_title(row, index + 1, len(rows), seen.max_length)
    origin = system_origin(row, seen, recipe.model.name, recipe.data.system_prompt)
    return mask(row), lab(f'<p class="quiet">{text(title)}.</p><p class="quiet">{text(origin)}</p>'), index


def _seen(check: Check) -> Preview | None:
    """Rows as the model sees them: of all rows once they are checked, of the first ones until then."""
    whole = check.preview if check.is_done else None
    return whole or (check.sample.preview if check.sample else None)


def _build_controls(first: Recipe) -> list[Any]:
    """Model, source, columns, rules: in the order that `settings` reads."""
    by_path = {f"{section}.{key}": field for section, key, field in fields()}
    values = dict(zip(by_path, values_of(first), strict=True)) | {"data.source": "", "data.max_samples": 0}
    source = control_for("data.source", by_path["data.source"], values["data.source"])
    with gr.Accordion("Rules and lengths", open=False):
        with gr.Row():
            rules = [control_for(f"data.{key}", by_path[f"data.{key}"], values[f"data.{key}"]) for key in RULES]
            model = gr.Textbox(values["model.name"], label="Model", info="whose tokens are counted", min_width=150)
        columns = control_for("data.columns", by_path["data.columns"], "")
    return [model, source, columns, *rules]


def _build_viewer() -> Viewer:
    with gr.Row(elem_id="mapping"):
        with gr.Column(scale=3, min_width=340):
            shown = gr.HTML(elem_id="table")
        with gr.Column(scale=2, min_width=300, visible=False, elem_id="seen") as box:
            kind = gr.Radio(KINDS, value="in order", label="One row as the model sees it", elem_id="kind")
            row = gr.HTML(elem_id="row")
            title = gr.HTML(elem_id="row-title")
            with gr.Row():
                previous = gr.Button("Previous", size="sm", min_width=90)
                following = gr.Button("Next", size="sm", min_width=90)
    return Viewer(shown, box, kind, gr.State(0), row, title, previous, following)
