"""The Data tab: what is dropped, what is left, how long it is, and what the model will see and learn of it."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.data.preview import PreviewRow
from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, fields, read_recipe
from qwenlab.report.charts import LIGHT
from qwenlab.runs.launch import shown_command
from qwenlab.ui.choices import first_recipe
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault
from qwenlab.ui.form import control_for, overrides, read_values, values_of
from qwenlab.ui.jobs.prepared import Check, check_of, keep_uploads, latest_question, start_check
from qwenlab.ui.views.dataset import report_view, row_title

RULES = ("max_samples", "min_chars", "max_chars", "validation_split", "max_length", "system_prompt")
ROLES = ("user", "assistant", "reasoning", "system", "messages")
ROLE_CONTROLS = slice(2, 2 + len(ROLES))
"""Where the roles' columns stand among the controls: after the model and the source."""

KINDS = ["in order", "longest", "cut"]
DETECTED = ("as detected", "")

EMPTY = card(
    "<b>Nothing checked yet</b><p class='quiet'>Here will stand which rows are dropped and why, how long the rest is "
    "in tokens, and any row as the model sees it. Drop a file, or name a data set, and press "
    "<b>Check the data</b>.</p>"
)


class DataTab(NamedTuple):
    """What leads on from here."""

    train: gr.Button
    chosen: list[Any]
    """The controls, to be read by `settings`."""


def build_data_tab(runs: Path, clock: Clock, page: gr.Blocks) -> DataTab:
    """Built inside `gr.Tab`."""
    first = read_recipe(Path(first_recipe()))
    with gr.Row():
        with gr.Column(scale=1, min_width=340):
            upload = gr.File(
                label="Drop files here: JSONL, JSON, CSV, Excel, Parquet",
                # Of any kind: what is not read is told by the reader, in place of the report of the file before.
                file_count="multiple",
                height=150,
            )
            chosen = _build_controls(first)
            wrong = gr.HTML(elem_id="data-fault")
            check = gr.Button("Check the data", variant="primary", elem_id="check")
        with gr.Column(scale=2, min_width=340):
            command = gr.Textbox(label="The same in a terminal", buttons=["copy"], interactive=False, max_lines=4)
            shown = gr.HTML(EMPTY, elem_id="report")
            viewer = _build_viewer()
            train = gr.Button("Train on this", variant="primary", visible=False, elem_id="train-on-this")
    waiting = gr.Timer(1.0, active=False)
    told = [wrong, command, shown, waiting, train, *chosen[ROLE_CONTROLS], viewer.box, viewer.row, viewer.title]
    looking = [viewer.kind, viewer.place]
    gr.on([waiting.tick, *[c.input for c in chosen]], partial(edited, runs), [*chosen, *looking], told, **QUIET)
    check.click(partial(checked, runs), [*chosen, *looking], told, **QUIET)
    chosen[1].submit(partial(checked, runs), [*chosen, *looking], told, **QUIET)
    clock.asks(list)
    page.load(partial(restored, runs), None, chosen, **QUIET).then(
        partial(edited, runs), [*chosen, *looking], told, **QUIET
    )
    kept = upload.upload(partial(uploaded, runs), upload, [chosen[1], *chosen[ROLE_CONTROLS]], **QUIET)
    kept.then(partial(checked, runs), [*chosen, *looking], told, **QUIET)
    for button, step in ((viewer.previous, -1), (viewer.next, 1)):
        button.click(
            partial(turned, runs, step), [*chosen, *looking], [viewer.place, viewer.row, viewer.title], **QUIET
        )
    viewer.kind.input(partial(turned, runs, 0), [*chosen, *looking], [viewer.place, viewer.row, viewer.title], **QUIET)
    return DataTab(train, chosen)


class Viewer(NamedTuple):
    """One row as the model sees it."""

    box: gr.Column
    kind: gr.Radio
    place: gr.State
    row: gr.HighlightedText
    title: gr.Textbox
    previous: gr.Button
    next: gr.Button


def settings(*chosen: Any) -> Recipe:
    """The recipe whose data settings the controls hold; everything else is the default.

    Raises:
        UserError: a control holds what the recipe refuses.
    """
    model, source, *_ = chosen
    columns, rules = dict(zip(ROLES, chosen[ROLE_CONTROLS], strict=True)), chosen[ROLE_CONTROLS.stop :]
    values: dict[str, Any] = {"model.name": model, "data.source": (source or "").strip()}
    values |= {f"data.{key}": value for key, value in zip(RULES, rules, strict=True)}
    return read_values(values).with_values(data={"columns": {role: name for role, name in columns.items() if name}})


def edited(runs: Path, *values: Any) -> list[Any]:
    """What is known of the data that the controls name."""
    *chosen, kind, index = values
    try:
        recipe = settings(*chosen)
    except UserError as error:
        return _refused(error)
    return _told(runs, recipe, kind, index)


def checked(runs: Path, *values: Any) -> list[Any]:
    """Check the data that the controls name."""
    *chosen, kind, index = values
    try:
        recipe = settings(*chosen)
        if not recipe.data.source:
            raise UserError("Which data?", "Drop a file above, or name a data set: tiny is bundled.")
    except UserError as error:
        return _refused(error)
    start_check(runs, recipe, _arguments(recipe))
    return _told(runs, recipe, kind, index)


def restored(runs: Path) -> list[Any]:
    """The controls as they were at the latest check, in whatever browser."""
    recipe = latest_question(runs)
    return [gr.skip()] * (ROLE_CONTROLS.stop + len(RULES)) if recipe is None else controls_of(recipe)


def controls_of(recipe: Recipe) -> list[Any]:
    """What the controls show for a recipe."""
    columns = recipe.data.columns
    roles = [_role(role, columns.get(role, ""), []) for role in ROLES]  # type: ignore[call-overload]
    return [recipe.model.name, recipe.data.source, *roles, *(getattr(recipe.data, key) for key in RULES)]


def uploaded(runs: Path, files: list[str] | None) -> list[Any]:
    """Keep the files, and let their columns be detected anew."""
    if not files:
        return [gr.skip()] * (1 + len(ROLES))
    return [str(keep_uploads(runs, files)), *(gr.Dropdown(value="") for _ in ROLES)]


def turned(runs: Path, step: int, *values: Any) -> list[Any]:
    """The previous, the next, or the first row of a kind."""
    *chosen, kind, index = values
    try:
        check = check_of(runs, settings(*chosen))
    except UserError:
        return [0, [], ""]
    index = index + step if step else 0
    row, title, index = _row(check, kind, index)
    return [index, row, title]


def _told(runs: Path, recipe: Recipe, kind: str, index: int) -> list[Any]:
    check = check_of(runs, recipe)
    command = shown_command("prepare", _arguments(recipe))
    columns = [gr.skip()] * len(ROLES)
    row, title, _ = _row(check, kind, index)
    shown, wrong = EMPTY, ""
    report = check.report if check.is_done else None
    if check.is_running:
        shown = card("<b>Checking</b><p class='quiet' role='status'>Reading, cleaning, counting tokens.</p>")
    elif report:
        shown = report_view(report, recipe.data.max_length)
        columns = [_role(role, recipe.data.columns.get(role, ""), report.columns) for role in ROLES]  # type: ignore[call-overload]
    elif check.launch:
        wrong = fault(check.launch.last_words)
        shown = card(
            "<b>Nothing to show</b><p class='quiet'>The data could not be read; why stands with the settings.</p>"
        )
    return [
        wrong,
        command,
        shown,
        gr.Timer(active=check.is_running),
        gr.Button(visible=report is not None),
        *columns,
        gr.Column(visible=bool(row)),
        row,
        title,
    ]


def _refused(error: UserError) -> list[Any]:
    return [fault(str(error)), *[gr.skip()] * 2, gr.Timer(active=False), *[gr.skip()] * (1 + len(ROLES) + 3)]


def _arguments(recipe: Recipe) -> list[str]:
    """The command line after `python -m qwenlab.prepare`."""
    changes = overrides(Recipe(), recipe.with_values(data={"source": Recipe().data.source}))
    return [recipe.data.source, *(part for change in changes for part in ("--set", change))]


def _row(check: Check, kind: str, index: int) -> tuple[list[tuple[str, str]], str, int]:
    """The pieces of the row in view, its title, and its place among its kind."""
    seen = check.preview if check.is_done else None
    rows: list[PreviewRow] = [row for row in seen.rows if row.why == kind] if seen else []
    if not seen or not rows:
        return ([("No row is truncated.", "context")], "", 0) if seen else ([], "", 0)
    index %= len(rows)
    title = row_title(rows[index], index + 1, len(rows), seen.max_length)
    return [(piece, name) for piece, name in rows[index].pieces], title, index


def _role(role: str, value: str, columns: list[str]) -> gr.Dropdown:
    return gr.Dropdown([DETECTED, *((name, name) for name in columns)], value=value, allow_custom_value=True)


def _build_controls(first: Recipe) -> list[Any]:
    """Model, source, the roles, the rules: in the order that `settings` reads."""
    by_path = {f"{section}.{key}": field for section, key, field in fields()}
    values = dict(zip(by_path, values_of(first), strict=True))
    source = control_for("data.source", by_path["data.source"], values["data.source"])
    roles = []
    with gr.Accordion("Columns: detected, or as you say", open=False), gr.Row():
        for role in ROLES:
            roles.append(
                gr.Dropdown(
                    [DETECTED],
                    value="",
                    label=role,
                    info=f"the column of {'whole conversations' if role == 'messages' else 'these texts'}",
                    min_width=150,
                    allow_custom_value=True,
                )
            )
    with gr.Accordion("Rules and lengths", open=False), gr.Row():
        rules = [control_for(f"data.{key}", by_path[f"data.{key}"], values[f"data.{key}"]) for key in RULES]
        model = gr.Textbox(values["model.name"], label="Model", info="whose tokens are counted", min_width=150)
    return [model, source, *roles, *rules]


def _build_viewer() -> Viewer:
    with gr.Column(visible=False) as box:
        kind = gr.Radio(KINDS, value=KINDS[0], label="One row as the model sees it")
        title = gr.Textbox(show_label=False, interactive=False, container=False, elem_id="row-title")
        row = gr.HighlightedText(
            label="Context is grey, tokens in the loss are coloured, what max_length truncates is amber",
            color_map={"learned": LIGHT["accent"], "context": LIGHT["slate"], "cut": LIGHT["amber"]},
            show_inline_category=False,
            show_legend=True,
            elem_id="row",
        )
        with gr.Row():
            previous = gr.Button("Previous", size="sm")
            following = gr.Button("Next", size="sm")
    return Viewer(box, kind, gr.State(0), row, title, previous, following)
