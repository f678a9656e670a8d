"""One run of the table, opened: how it stands, its name, note and tags, and what can be done with it."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.runs import Run, Status, list_evaluations, list_runs
from qwenlab.runs.label import Label, change_label, read_label, tags_in
from qwenlab.ui.components import card, fault, lab, pulse, text
from qwenlab.ui.confirmation import Confirmation, build_confirmation
from qwenlab.ui.jobs.continued import can_extend, length, resuming
from qwenlab.ui.run_cache import broken, events, name, status
from qwenlab.ui.views.export_panel import ExportPanel, build_export_panel
from qwenlab.ui.views.run_card import chip, run_card


class Details(NamedTuple):
    """Its components."""

    box: gr.Column
    run: gr.Textbox
    """The run that the panel shows, by name: what its buttons do, they do to this one."""
    card: gr.HTML
    filled: gr.Textbox
    """Which run's name, note and tags stand in the fields, and what they were then."""
    saved: gr.Textbox
    """What was kept of them since."""
    title: gr.Textbox
    note: gr.Textbox
    tags: gr.Textbox
    evaluate: gr.Button
    compare: gr.Button
    recipe: gr.Button
    resume: gr.Button
    extend: gr.Button
    until: gr.Number
    start_from: gr.Button
    export: gr.Button
    delete: gr.Button
    ask: Confirmation
    panel: ExportPanel

    @property
    def labels(self) -> list[Any]:
        """What `labels` fills."""
        return [self.filled, self.title, self.note, self.tags]

    @property
    def able(self) -> list[Any]:
        """What `able` fills."""
        return [
            self.run, self.box, self.card, self.evaluate, self.compare, self.recipe, self.resume, self.extend,
            self.until, self.start_from, self.export,
        ]  # fmt: skip


def build_details() -> Details:
    """A column that is unseen until a run is opened."""
    with gr.Column(scale=1, min_width=340, visible=False, elem_id="run-details") as box:
        card = gr.HTML(elem_id="run-card")
        with gr.Row():
            evaluate = gr.Button("Did it help?", min_width=140)
            compare = gr.Button("Compare", min_width=120)
            resume = gr.Button("Resume", min_width=120)
            recipe = gr.Button("Open its recipe on Train", min_width=200)
            start_from = gr.Button("Start from its adapter", min_width=180)
            export = gr.Button("Export…", min_width=120)
            delete = gr.Button("Delete…", min_width=120, elem_classes="danger")
        ask = build_confirmation("run-question")
        panel = build_export_panel()
        with gr.Row(equal_height=True):
            until = gr.Number(label="Extend to", min_width=120)
            extend = gr.Button("Extend", min_width=120)
        with gr.Row():
            title = gr.Textbox(label="Name", info="in place of the one that it was given", min_width=200, max_length=80)
            tags = gr.Textbox(label="Tags", info="with commas between them", min_width=200)
        note = gr.Textbox(label="Note", info="what you want to remember", lines=2)
    return Details(
        box, pulse(), card, pulse(), pulse(), title, note, tags, evaluate, compare, recipe, resume, extend, until,
        start_from, export, delete, ask, panel,
    )  # fmt: skip


def find(runs: Path, opened: str) -> Run | None:
    """The run of exactly this name; None where it is gone."""
    return next((run for run in list_runs(runs) if run.name == opened), None) if opened else None


def labels(runs: Path, opened: str) -> list[Any]:
    """Name, note and tags as they are on the disk, as the values of `Details.labels`."""
    run = find(runs, opened)
    label = read_label(run) if run else Label()
    fields = {"title": label.title, "note": label.note, "tags": ", ".join(label.tags)}
    filled = json.dumps({"run": opened, "at": time.monotonic_ns(), **fields})
    return [filled, *fields.values()]


def is_opened(filled: str, run: str, at: int) -> bool:
    """Whether the panel showed this run at that moment (`time.monotonic_ns`) and shows it since."""
    was = json.loads(filled) if filled else {}
    return bool(was) and was["run"] == run and was["at"] <= at


def kept(runs: Path, filled: str, saved: str, title: str, note: str, tags: str) -> list[Any]:
    """Keep those of the fields that were changed, of the run that they were filled for: what is `saved`, and a word.

    What the fields were is known, so that nothing is written over what somebody else has written meanwhile.
    """
    if not filled:
        return [gr.skip(), gr.skip()]
    was = json.loads(filled)
    if saved and (before := json.loads(saved))["at"] == was["at"]:
        was = before
    now = {"title": title.strip(), "note": note.strip(), "tags": ", ".join(tags_in(tags))}
    changed = {key: value for key, value in now.items() if value != was[key]}
    run = find(runs, was["run"])
    if run is None or not changed:
        return [gr.skip(), gr.skip()]
    change_label(run, **changed | ({"tags": tags_in(tags)} if "tags" in changed else {}))
    return [json.dumps(was | now), card(f"<span role='status'>Saved for <b>{text(name(run))}</b>.</span>")]


def able(runs: Path, opened: str) -> list[Any]:
    """How the run stands and what can be done with it, as the values of `Details.able`."""
    run = find(runs, opened)
    hidden = gr.Button(visible=False)
    if run is None:
        return ["", gr.Column(visible=False), "", *[hidden] * 5, gr.Number(visible=False), hidden, hidden]
    if broken(run):
        return [run.name, gr.Column(visible=True), shown(run), *[hidden] * 5, gr.Number(visible=False), hidden, hidden]
    now = status(run)
    _, unit, value = length(run)
    resume, extendable = resuming(run, now), can_extend(run, now)
    delivered = run.adapter.exists() and not now.claims_life
    first = _first_step(run, now, resume, delivered)

    def button(key: str, visible: bool, label: str | None = None) -> gr.Button:
        words: dict[str, Any] = {"value": label} if label else {}
        return gr.Button(visible=visible, variant="primary" if key == first else "secondary", **words)

    return [
        run.name,
        gr.Column(visible=True),
        shown(run),
        button("evaluate", delivered),
        button("compare", delivered),
        button("recipe", True),
        button("resume", bool(resume), resume or "Resume"),
        button("extend", extendable),
        gr.Number(visible=extendable, label=f"Extend to, {unit}", value=2 * value),
        button("start_from", delivered),
        button("export", delivered),
    ]


def shown(run: Run) -> str:
    """The run's card, or why it cannot be read."""
    mark = f'<div data-shown="{text(run.name)}"></div>'
    try:
        if why := broken(run):
            raise UserError(why)
        return lab(mark) + run_card(run, events(run))
    except UserError as error:
        head = chip(status(run)) if not broken(run) else '<span class="chip red">broken</span>'
        return lab(f'{mark}<div class="head"><b>{text(run.name)}</b> {head}</div>') + fault(error.message)


def _first_step(run: Run, now: Status, resume: str, delivered: bool) -> str:
    """The one button that stands out."""
    if resume == "Resume":
        return "resume"
    if delivered:
        return "evaluate" if not list_evaluations(run) else "compare"
    return "" if now.claims_life else "recipe"
