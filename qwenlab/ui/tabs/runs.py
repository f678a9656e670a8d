"""The Runs tab: every run there was, compared with any other, and what can be done with one."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.runs import Run, list_runs
from qwenlab.runs.label import Label, read_label, write_label
from qwenlab.runs.launch import Launch, launch
from qwenlab.runs.stop import delete
from qwenlab.ui.choices import all_runs
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, pulse, text
from qwenlab.ui.jobs.continued import Way, can_extend, can_resume, go_on, latest_launch, length, lengthened
from qwenlab.ui.run_cache import broken, events, stamp, status
from qwenlab.ui.views.history import MOST, differences, overlay, state, table

CHOOSE = card("<p class='quiet'>Choose one run to go on with it, rename or delete it; two or more to compare them.</p>")


class _Actions(NamedTuple):
    """What can be done with one run."""

    box: gr.Column
    title: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    resume: gr.Button
    extend: gr.Button
    until: gr.Number
    start_from: gr.Button
    export: gr.Button
    remove: gr.Button
    sure: gr.Row
    yes: gr.Button
    no: gr.Button

    @property
    def able(self) -> list[Any]:
        """What `actions` fills."""
        return [self.box, self.title, self.note, self.resume, self.extend, self.until, self.start_from, self.export]


def build_runs_tab(runs: Path, clock: Clock, page: gr.Blocks) -> None:
    """Built inside `gr.Tab`."""
    history = gr.HTML(elem_id="history")
    chosen = gr.Dropdown(
        all_runs(runs),
        value=[],
        multiselect=True,
        max_choices=MOST,
        label="Runs to look at",
        allow_custom_value=True,  # a run that was deleted meanwhile is still chosen for a moment
        elem_id="chosen",
    )
    message = gr.HTML(elem_id="runs-message")
    do = _build_actions()
    compared = gr.HTML(CHOOSE, elem_id="compared")
    listed, picture, able, launched = (pulse() for _ in range(4))
    due = [listed, picture, able, launched]
    clock.asks(partial(states, runs), chosen, due)
    gr.on([page.load, chosen.change], partial(states, runs), chosen, due, **QUIET)
    listed.change(partial(listing, runs), chosen, [history, chosen], **QUIET)
    picture.change(partial(look, runs), chosen, compared, **QUIET)
    able.change(partial(actions, runs), chosen, do.able, **QUIET)
    launched.change(partial(progress, runs), chosen, message, **QUIET)
    do.save.click(partial(renamed, runs), [chosen, do.title, do.note], message, **QUIET)
    do.resume.click(partial(went_on, runs, "--resume"), [chosen, do.until], message, **QUIET)
    do.extend.click(partial(went_on, runs, "--extend"), [chosen, do.until], message, **QUIET)
    do.start_from.click(partial(went_on, runs, "--start-from"), [chosen, do.until], message, **QUIET)
    do.export.click(partial(exported, runs), chosen, message, **QUIET)
    do.remove.click(lambda: gr.Row(visible=True), None, do.sure, **QUIET)
    do.no.click(lambda: gr.Row(visible=False), None, do.sure, **QUIET)
    do.yes.click(partial(deleted, runs), chosen, [message, do.sure, chosen], **QUIET)


def states(runs: Path, chosen: list[str]) -> tuple[str, str, str, str]:
    """Other texts whenever the table, the curves, what can be done, or what is being done looks different."""
    found = _found(runs, chosen)
    known = [(run.name, broken(run) or status(run), stamp(run.folder / "label.json")) for run in found]
    return (
        state(runs),
        repr((known, [stamp(run.record_file) for run in found])),
        repr(known),
        repr((chosen, progress(runs, chosen))),
    )


def listing(runs: Path, chosen: list[str]) -> list[Any]:
    """The table, and the runs to choose from."""
    choices = all_runs(runs)
    known = {name for _, name in choices}
    left = [name for name in chosen or [] if name in known]
    return [table(runs), gr.Dropdown(choices, value=left, multiselect=True)]


def look(runs: Path, chosen: list[str]) -> str:
    """The curves of the chosen runs, and the differences between several."""
    found = _found(runs, chosen)
    if not found:
        return CHOOSE
    faults = {run.name: why for run in found if (why := _unreadable(run))}
    sound = [run for run in found if run.name not in faults]
    told = "".join(map(fault, faults.values()))
    return told + overlay(sound) + (differences(sound) if len(sound) > 1 else "")


def actions(runs: Path, chosen: list[str]) -> list[Any]:
    """What can be done with a single run, as the values of `_Actions.able`."""
    found = _found(runs, chosen)
    if len(found) != 1:
        return [gr.Column(visible=False), *[gr.skip()] * 7]
    (run,) = found
    label = read_label(run)
    if broken(run):
        hidden = gr.Button(visible=False)
        return [
            gr.Column(visible=True),
            label.title,
            label.note,
            hidden,
            hidden,
            gr.Number(visible=False),
            hidden,
            hidden,
        ]
    now = status(run)
    _, unit, value = length(run)
    extendable, delivered = can_extend(run, now), run.adapter.exists() and not now.claims_life
    return [
        gr.Column(visible=True),
        label.title,
        label.note,
        gr.Button(visible=can_resume(now)),
        gr.Button(visible=extendable),
        gr.Number(visible=extendable, label=f"extend to, {unit}", value=2 * value),
        gr.Button(visible=delivered),
        gr.Button(visible=delivered),
    ]


def renamed(runs: Path, chosen: list[str], title: str, note: str) -> str:
    """Keep the title and the note."""
    for run in _found(runs, chosen[:1]):
        write_label(run, Label(title=title.strip(), note=note.strip()))
    return card("<span class='accent' role='status'>Saved.</span>")


def went_on(runs: Path, way: Way, chosen: list[str], until: float | None) -> str:
    """Resume, extend, or start a new run from the adapter."""
    for run in _found(runs, chosen[:1]):
        go_on(runs, run, way, [lengthened(run, until)] if way == "--extend" else [])
    return card("<span role='status'>Started. See the Train tab.</span>")


def exported(runs: Path, chosen: list[str]) -> str:
    """Merge the adapter into its base, in a folder of the run's own."""
    for run in _found(runs, chosen[:1]):
        out = run.folder / "exports" / "merged"
        launch(runs, "export", [run.name, "--to", "merged", "--out", str(out), "--runs", str(runs)])
    return progress(runs, chosen)


def progress(runs: Path, chosen: list[str]) -> str:
    """How the latest export or training that was started for the run stands; `""` where there is nothing to say."""
    for run in _found(runs, chosen[:1]):
        found = [latest_launch(runs, run, name) for name in ("export", "train")]
        latest = max((one for one in found if one), key=lambda one: one.read().time, default=None)
        if latest and latest.read().verb == "export":
            return _exported(latest)
        if latest and not latest.is_alive and latest.find_run(runs) is None:
            return fault(latest.last_words)
    return ""


def deleted(runs: Path, chosen: list[str]) -> list[Any]:
    """Delete the run, asked and answered."""
    try:
        for run in _found(runs, chosen[:1]):
            delete(run)
    except UserError as error:
        return [fault(str(error)), gr.Row(visible=False), gr.skip()]
    return ["", gr.Row(visible=False), gr.Dropdown(all_runs(runs), value=[], multiselect=True)]


def _exported(found: Launch) -> str:
    said = found.last_words
    if found.is_alive:
        last = said.splitlines()[-1] if said else "loading the model"
        return card(f"<b>Exporting</b><p class='quiet' role='status'>{text(last)}</p>")
    return card(f"<b>The export said</b><pre role='status'>{text(said)}</pre>")


def _unreadable(run: Run) -> str:
    """Why the run, or what happened in it, cannot be read; empty where both can."""
    try:
        events(run)
    except UserError as error:
        return error.message
    return broken(run)


def _found(runs: Path, chosen: list[str] | None) -> list[Run]:
    """The chosen runs that are still there."""
    known = {run.name: run for run in list_runs(runs)}
    return [known[name] for name in chosen or [] if name in known]


def _build_actions() -> _Actions:
    with gr.Column(visible=False) as box:
        with gr.Row():
            title = gr.Textbox(label="Name", info="in place of the folder's", min_width=200)
            note = gr.Textbox(label="Note", info="what you want to remember", min_width=200)
            save = gr.Button("Save", scale=0, min_width=120)
        with gr.Row():
            resume = gr.Button("Resume", visible=False)
            extend = gr.Button("Extend", visible=False)
            until = gr.Number(label="extend to", visible=False, min_width=120)
            start_from = gr.Button("Start from its adapter", visible=False)
            export = gr.Button("Export merged", visible=False)
            remove = gr.Button("Delete", variant="stop")
        with gr.Row(visible=False) as sure:
            yes = gr.Button("Yes, delete it with its adapter", variant="stop")
            no = gr.Button("Keep it")
    return _Actions(box, title, note, save, resume, extend, until, start_from, export, remove, sure, yes, no)
