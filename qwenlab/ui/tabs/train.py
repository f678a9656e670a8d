"""The Train tab: choose and start on the left; the plan, the curve and the result on the right."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, parse_recipe, read_recipe, recipe_toml
from qwenlab.runs.launch import launch, shown_command
from qwenlab.ui.choices import first_recipe, recipe_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, fault, lab, when_chosen
from qwenlab.ui.draft import Draft, build_draft, draft_of, read_draft
from qwenlab.ui.form import PATHS, Form, build_form, recipe_of, values_of, worded
from qwenlab.ui.models import data_choices, model_choices
from qwenlab.ui.views.dataset import data_card
from qwenlab.ui.views.plan import plan_card, plan_pending, start_plan
from qwenlab.ui.views.run_panel import Stage, afresh, build_stage


class TrainTab(NamedTuple):
    """What leads here and on from here."""

    form: Form
    recipe: gr.Dropdown
    told: list[Any]
    """What `edited` fills after the form was changed."""
    stage: Stage


def build_train_tab(runs: Path, clock: Clock, page: gr.Blocks) -> TrainTab:
    """Built inside `gr.Tab`."""
    first = first_recipe()
    with gr.Row(elem_classes="choose-and-see"):
        with gr.Column(scale=1, min_width=340):
            recipe = gr.Dropdown(
                recipe_choices(runs), value=first, label="Recipe", info="a file in recipes, or an earlier run's",
                allow_custom_value=True,
            )  # fmt: skip
            form = build_form(read_recipe(Path(first)))
            about = gr.HTML(elem_id="data-card")
            toml, fill, upload, download = _build_toml()
            wrong = gr.HTML(elem_id="form-fault")
            start = gr.Button("Start training", variant="primary", elem_id="start")
            with gr.Row():
                see = gr.Button("See the plan", elem_id="see-plan", min_width=120)
                drop = gr.Button("Drop my changes", interactive=False, elem_id="drop-changes", min_width=120)
            plan = gr.HTML(elem_id="plan")
            command = gr.Textbox(
                label="The same in a terminal", buttons=["copy"], interactive=False, max_lines=8, elem_id="command",
                elem_classes="log",
            )  # fmt: skip
        with gr.Column(scale=2, min_width=340, elem_classes="see"):
            stage = build_stage(runs, clock, page, start)
    waiting = gr.Timer(1.0, active=False)
    draft = build_draft()
    told = [wrong, command, toml, download, plan, draft, drop, waiting, start, about]
    chosen = [recipe, *form.controls]

    name, source = form.control("model.name"), form.control("data.source")
    name.focus(lambda: gr.Dropdown(model_choices()), None, name, **QUIET)
    source.focus(lambda: gr.Dropdown(data_choices(runs)), None, source, **QUIET)
    edits = [control.input for control in form.controls]
    page.load(partial(restored, runs), [draft, *chosen], [*chosen, *told], **QUIET)
    gr.on([*edits, waiting.tick], partial(edited, runs), chosen, told, trigger_mode="always_last", **QUIET)
    when_chosen([recipe], partial(picked, runs), [recipe], [*form.controls, *told])
    drop.click(partial(picked, runs), recipe, [*form.controls, *told], **QUIET)
    fill.click(partial(pasted, runs), [recipe, toml], [*form.controls, *told], **QUIET)
    upload.upload(partial(uploaded, runs), [recipe, upload], [*form.controls, *told], **QUIET)
    see.click(partial(plan_wanted, runs), chosen, told, **QUIET)
    begun = start.click(partial(started, runs), chosen, [wrong, stage.run], **QUIET)
    begun.then(partial(afresh, runs), stage.run, stage.live, **QUIET)
    return TrainTab(form, recipe, told, stage)


def restored(runs: Path, draft: Draft, recipe: str, *values: Any) -> list[Any]:
    """The form as this browser left it, and the recipes that there are now."""
    kept = read_draft(draft)
    if not kept:
        return [gr.Dropdown(recipe_choices(runs)), *[gr.skip()] * len(PATHS), *edited(runs, recipe, *values)]
    recipe, made = kept
    return [gr.Dropdown(recipe_choices(runs), value=recipe), *values_of(made), *_told(runs, recipe, made)]


def edited(runs: Path, recipe: str, *values: Any) -> list[Any]:
    """What stands beside the form, for what the form now holds."""
    try:
        return _told(runs, recipe, recipe_of(values))
    except UserError as error:
        return _wrong(error)


def picked(runs: Path, recipe: str) -> list[Any]:
    """Fill the form from the chosen recipe."""
    try:
        made = read_recipe(Path(recipe))
    except UserError as error:
        return _refused(error)
    return [*values_of(made), *_told(runs, recipe, made)]


def pasted(runs: Path, recipe: str, toml: str) -> list[Any]:
    """Fill the form from a recipe's text."""
    try:
        made = parse_recipe(toml, where="The text")
        return [*values_of(made), *_told(runs, recipe, made)]
    except UserError as error:
        return _refused(error)


def uploaded(runs: Path, recipe: str, file: str) -> list[Any]:
    """Fill the form from a recipe file of the browser's machine."""
    try:
        made = read_recipe(Path(file))
        return [*values_of(made), *_told(runs, recipe, made)]
    except UserError as error:
        return _refused(error)


def plan_wanted(runs: Path, recipe: str, *values: Any) -> list[Any]:
    """Work out the plan of what the form holds."""
    try:
        made = recipe_of(values)
        start_plan(runs, made, train_arguments(runs, draft_of(recipe, made)))
        return _told(runs, recipe, made)
    except UserError as error:
        return _wrong(error)


def started(runs: Path, recipe: str, *values: Any) -> tuple[str, Any]:
    """Start the training: what is wrong with the form, or the latest run to look at."""
    try:
        launch(runs, "train", train_arguments(runs, draft_of(recipe, recipe_of(values))))
    except UserError as error:
        return fault(worded(error)), gr.skip()
    return "", ""


def train_arguments(runs: Path, draft: list[str]) -> list[str]:
    """The command line after `python -m qwenlab.train`: the chosen file, and what differs from it."""
    recipe, *changes = draft
    arguments = [recipe, *(part for change in changes for part in ("--set", change))]
    return arguments if runs == Path("runs") else [*arguments, "--runs", str(runs)]


def _told(runs: Path, recipe: str, made: Recipe) -> list[Any]:
    draft = draft_of(recipe, made)
    toml = recipe_toml(made)
    link = f'<a download="recipe.toml" href="data:text/plain;charset=utf-8,{quote(toml)}">Download recipe.toml</a>'
    pending = gr.Timer(active=plan_pending(runs, made))
    return [
        "",
        shown_command("train", train_arguments(runs, draft)),
        toml,
        lab(link),
        plan_card(runs, made),
        # What every new user sees is not kept: with a card, or another version, it may be something else tomorrow.
        [] if draft == [first_recipe()] else draft,
        gr.Button(interactive=len(draft) > 1),
        pending,
        gr.Button(interactive=True),
        data_card(runs, made),
    ]


def _wrong(error: UserError) -> list[Any]:
    """What stands beside the form stays as it was, and nothing can be started."""
    waiting = gr.Timer(active=False)
    drop, start = gr.Button(interactive=True), gr.Button(interactive=False)
    return [fault(worded(error)), *[gr.skip()] * 5, drop, waiting, start, gr.skip()]


def _refused(error: UserError) -> list[Any]:
    """The form stays as it was, and can be started as before."""
    return [*[gr.skip()] * len(PATHS), *_wrong(error)[:-2], gr.skip(), gr.skip()]


def _build_toml() -> tuple[gr.Code, gr.Button, gr.UploadButton, gr.HTML]:
    with gr.Accordion("Recipe as TOML: copy, paste, open, download", open=False):
        toml = gr.Code(label="Recipe", language=None, interactive=True, lines=12, max_lines=24, elem_id="toml")
        with gr.Row():
            fill = gr.Button("Fill the form from this text", size="sm")
            upload = gr.UploadButton("Open a recipe file", file_types=[".toml"], size="sm")
        download = gr.HTML()
    return toml, fill, upload, download
