"""The Runs tab: every run there was, compared with any other, and what can be done with one.

`static/runs.js` writes what is opened and chosen in the table into `opened` and `chosen`; both are read here alone.
"""

import re
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.jobs.export import Target
from qwenlab.runs import Run
from qwenlab.runs.deleted import (
    KEPT_DAYS,
    delete,
    delete_for_good,
    find_deleted,
    put_back,
    remove,
    remove_expired,
    size,
)
from qwenlab.runs.exports import find_export, remove_export
from qwenlab.text import disk
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, pulse, text
from qwenlab.ui.confirmation import Confirmation, Wish, Words, build_confirmation, wish
from qwenlab.ui.jobs import exported
from qwenlab.ui.jobs.continued import Way, go_on, latest_launch, lengthened
from qwenlab.ui.run_cache import broken, events, name, stamp, status
from qwenlab.ui.views.deleted import contents, deleted_name, deleted_runs, deleted_state
from qwenlab.ui.views.export_panel import choice_of, exports_state, offered, standing
from qwenlab.ui.views.history import MOST, differences, overlay, state, table
from qwenlab.ui.views.run_details import Details, able, build_details, find, is_opened, kept, labels, shown

TOOLS = (
    '<div class="lab runs-tools"><label>Filter <input type="search" id="runs-filter" autocomplete="off" '
    'placeholder="name, data, model, tag or status"></label>'
    '<span id="runs-count" class="quiet" role="status"></span>'
    '<span id="runs-picked" role="status"></span>'
    '<button type="button" id="runs-clear" hidden>Clear the choice</button></div>'
)
CHOOSE = card(
    f"<p class='quiet'>Click a run to open it. Tick two or more, up to {MOST}, to lay their curves over each other.</p>"
)

TELL = "(...values) => { window.dispatchEvent(new Event('runs-set')); return values; }"
"""Whoever has set what is opened or chosen, the table shows it."""


class RunsTab(NamedTuple):
    """What leads on from here."""

    run: gr.Textbox
    """The run that is opened, by name; empty: none."""
    chosen: gr.Textbox
    """The runs that are ticked to be compared, a name a line."""
    open_recipe: gr.Button
    compare: gr.Button
    evaluate: gr.Button


def build_runs_tab(runs: Path, clock: Clock, page: gr.Blocks) -> RunsTab:
    """Built inside `gr.Tab`."""
    remove_expired(runs)
    gr.HTML(TOOLS)
    history = gr.HTML(elem_id="history")
    opened, chosen = pulse(elem_id="opened"), pulse(elem_id="chosen")
    message = gr.HTML(elem_id="runs-message")
    with gr.Row():
        do = build_details()
        with gr.Column(scale=1, min_width=340):
            compared = gr.HTML(CHOOSE, elem_id="compared")
    with gr.Accordion("Deleted runs", open=False, elem_id="deleted-runs") as bin_:
        ask_bin = build_confirmation("deleted-question")
        deleted = gr.HTML(elem_id="deleted")
    listed, picture, ableness, exports, launched, binned = due = [pulse() for _ in range(6)]
    clock.asks(partial(states, runs), [opened, chosen, do.run], due)
    page.load(partial(states, runs), [opened, chosen, do.run], due, **QUIET)
    chosen.change(partial(states, runs), [opened, chosen, do.run], due, js=TELL, **QUIET)
    # All in one answer: Gradio asks for several one after the other.
    another = [*do.able, *do.labels, do.panel.box, *due]
    opened.change(partial(another_opened, runs), [opened, chosen], another, js=TELL, **QUIET)
    listed.change(lambda: table(runs), None, history, **QUIET)
    picture.change(partial(look, runs), [opened, chosen], [do.card, compared], **QUIET)
    ableness.change(partial(able, runs), opened, do.able, **QUIET)
    launched.change(partial(launch_fault, runs), [do.run, message], message, **QUIET)
    exports.change(partial(exports_shown, runs), opened, do.panel.standing, **QUIET)
    binned.change(partial(bin_shown, runs), None, [deleted, bin_], **QUIET)
    gr.on(
        [event for field in (do.title, do.note, do.tags) for event in (field.blur, field.submit)],
        partial(kept, runs), [do.filled, do.saved, do.title, do.note, do.tags], [do.saved, message], **QUIET,
    )  # fmt: skip
    _build_ways_on(runs, do, message)
    _build_exports(runs, do, exports)
    _build_deletion(runs, do, ask_bin, message, opened, binned)
    return RunsTab(do.run, chosen, do.recipe, do.compare, do.evaluate)


def states(runs: Path, opened: str, chosen: str, run: str) -> tuple[str, ...]:
    """Other texts whenever the table, the curves, what can be done, the exports, a launch or what is deleted differ."""
    found = find(runs, opened)
    known = [(each.name, broken(each) or status(each)) for each in ([found] if found else [])]
    pictured = _pictured(runs, opened, chosen)
    files = [(each.name, stamp(each.record_file), stamp(each.events_file)) for each in pictured]
    return (
        state(runs),
        repr((known, files, [name(each) for each in pictured])),
        repr((known, found and len(found.checkpoints), run == opened)),
        repr((opened, exports_state(runs, found) if found else "")),
        repr((launch.log.name, launch.is_alive) if (launch := found and latest_launch(runs, found, "train")) else ""),
        deleted_state(runs),
    )


def another_opened(runs: Path, opened: str, chosen: str) -> list[Any]:
    """All that is shown of the run that was just opened, and the `states` of it."""
    filled = [*able(runs, opened), *labels(runs, opened), gr.Column(visible=False)]
    return [*filled, *states(runs, opened, chosen, opened)]


def look(runs: Path, opened: str, chosen: str) -> list[Any]:
    """The opened run's card; the curves of the chosen runs, or of the opened one; the differences between several."""
    run = find(runs, opened)
    found = _pictured(runs, opened, chosen)
    faults = {each.name: why for each in found if (why := _unreadable(each))}
    sound = [each for each in found if each.name not in faults]
    told = "".join(map(fault, faults.values()))
    picture = told + overlay(sound) + (differences(sound) if len(sound) > 1 else "") if found else CHOOSE
    return [shown(run) if run else gr.skip(), picture]


def went_on(runs: Path, way: Way, run: str, until: float | None) -> str:
    """Resume, extend, or start a new run from the adapter."""
    found = find(runs, run)
    if found is None:
        return fault("This run is gone: it was deleted.")
    try:
        launched = go_on(runs, found, way, [lengthened(found, until)] if way == "--extend" else [])
    except UserError as error:
        return fault(str(error))
    words = {"--resume": "goes on", "--extend": "is extended", "--start-from": "is where a new run starts from"}
    began = f"<b>{text(name(found))}</b> {words[way]}: see the Train tab."
    return card(f"<span role='status' data-launch='{text(launched.log.name)}'>{began}</span>")


def exports_shown(runs: Path, opened: str) -> list[Any]:
    """As the values of `ExportPanel.standing`."""
    run = find(runs, opened)
    return standing(runs, run) if run and not broken(run) else ["", gr.Button(visible=False), ""]


def bin_shown(runs: Path) -> list[Any]:
    """The deleted runs, and how many there are."""
    shown, count = deleted_runs(runs)
    return [shown, gr.Accordion(label=f"Deleted runs ({count})", visible=count > 0)]


def question(runs: Path, wished: Wish, filled: str) -> Words | None:
    """The words for what is to be done with the opened run; None: one was opened since, or it is gone."""
    found = find(runs, wished["run"])
    if found is None or not is_opened(filled, wished["run"], int(wished["asked"])):
        return None
    which = f"<b>{text(name(found))}</b>"
    if wished["act"] == "upload":
        choice = _choice(wished)
        what = "merged model" if choice.merged else "adapter"
        public = "a public repository that everybody can read" if choice.public else "a private repository"
        return Words(f"Upload the {what} of {which} to <b>{text(choice.repo)}</b>, {public}?", "Upload")
    if wished["act"] == "remove export":
        try:
            taken = size(find_export(found, wished["export"]).folder)
        except UserError:
            return None
        return Words(
            f"Remove the export <b>{text(wished['export'])}</b> of {which}? It takes {disk(taken)}.",
            "Remove the export",
        )
    return Words(
        f"Delete {which}{contents(found)}? It takes {disk(size(found.folder))}. It is kept for {KEPT_DAYS} days and "
        "can be put back; deleted for good, it frees the disk at once.",
        "Delete",
        "Delete for good",
    )


def done(runs: Path, wished: Wish, second: bool) -> list[Any]:
    """Do what was asked and answered: what is said of it, which run is opened then, and another `binned`."""
    run = find(runs, wished["run"])
    if run is None:
        return [fault("This run is gone already."), gr.skip(), gr.skip()]
    try:
        if wished["act"] == "upload":
            exported.start(runs, run, _choice(wished))
            return ["", gr.skip(), gr.skip()]
        if wished["act"] == "remove export":
            remove_export(find_export(run, wished["export"]))
            return ["", gr.skip(), gr.skip()]
        which = f"<b>{text(name(run))}</b>"
        if second:
            delete_for_good(run)
            return [card(f"<span role='status'>Deleted {which} for good.</span>"), "", deleted_state(runs)]
        gone = delete(run)
    except UserError as error:
        return [fault(str(error)), gr.skip(), gr.skip()]
    undo = f'<button type="button" data-put-back="{text(gone.run.name)}">Undo</button>'
    said = f"Deleted {which}. It is kept for {KEPT_DAYS} days under <b>Deleted runs</b>."
    return [card(f"<span role='status'>{said}</span> {undo}"), "", deleted_state(runs)]


def bin_question(runs: Path, wished: Wish, _: str) -> Words | None:
    """The words for the removal of a deleted run."""
    try:
        gone = find_deleted(runs, wished["folder"])
    except UserError:
        return None
    taken = disk(size(gone.run.folder))
    question = f"Delete <b>{text(deleted_name(gone))}</b> for good? It frees {taken} and cannot be put back."
    return Words(question, "Delete for good")


def bin_done(runs: Path, wished: Wish, second: bool) -> list[Any]:
    """Remove a deleted run, asked and answered: what is said of it, and another `binned`."""
    try:
        gone = find_deleted(runs, wished["folder"])
        which = deleted_name(gone)
        remove(gone)
    except UserError as error:
        return [fault(str(error)), gr.skip()]
    return [card(f"<span role='status'>Deleted <b>{text(which)}</b> for good.</span>"), deleted_state(runs)]


def put_back_again(runs: Path, asked: str) -> list[Any]:
    """Put a deleted run back: what is said of it, which run is opened then, and another `binned`."""
    try:
        run = put_back(find_deleted(runs, asked.partition("\n")[0]))
    except UserError as error:
        return [fault(str(error)), gr.skip(), deleted_state(runs)]
    return [card(f"<span role='status'><b>{text(name(run))}</b> is back.</span>"), run.name, deleted_state(runs)]


def export_wanted(runs: Path, run: str, *values: Any) -> list[Any]:
    """Start the export, or ask before an upload: what is wrong, a wish, and another `exports`."""
    found, choice = find(runs, run), choice_of(*values)
    if found is None:
        return [fault("This run is gone: it was deleted."), gr.skip(), gr.skip()]
    if choice.target is Target.hub:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", choice.repo):
            return [fault("A repository is named owner/name.\nFor instance me/my-adapter."), gr.skip(), gr.skip()]
        about = {"repo": choice.repo, "dtype": choice.dtype.value}
        flags = {"merged": "yes" if choice.merged else "", "public": "yes" if choice.public else ""}
        return [gr.skip(), wish("upload", run=run, **about, **flags), gr.skip()]
    try:
        exported.start(runs, found, choice)
    except UserError as error:
        return [fault(str(error)), gr.skip(), gr.skip()]
    return [gr.skip(), gr.skip(), repr((run, exports_state(runs, found)))]


def stopped(runs: Path, run: str) -> None:
    """End the export that is under way."""
    if found := find(runs, run):
        exported.stop(runs, found)


def launch_fault(runs: Path, run: str, said: str) -> str:
    """Why the training that was just started ended before it began; what was said, where it did not."""
    found = find(runs, run)
    latest = latest_launch(runs, found, "train") if found else None
    if latest and not latest.is_alive and latest.log.name in said and latest.find_run(runs) is None:
        return fault(latest.last_words)
    return said


def _build_ways_on(runs: Path, do: Details, message: gr.HTML) -> None:
    ways: tuple[tuple[gr.Button, Way], ...] = (
        (do.resume, "--resume"),
        (do.extend, "--extend"),
        (do.start_from, "--start-from"),
    )
    for button, way in ways:
        button.click(partial(went_on, runs, way), [do.run, do.until], message, **QUIET)


def _build_exports(runs: Path, do: Details, exports: gr.Textbox) -> None:
    panel = do.panel
    offer = partial(_offered, runs)
    do.export.click(lambda: gr.Column(visible=True), None, panel.box, **QUIET)
    gr.on(
        [do.export.click, panel.target.change, panel.merged.change],
        offer, [do.run, *panel.choice], panel.chosen, **QUIET,
    )  # fmt: skip
    panel.start.click(
        partial(export_wanted, runs), [do.run, *panel.choice], [panel.told, do.ask.wish, exports], **QUIET
    )
    panel.stop.click(partial(stopped, runs), do.run, None, **QUIET)
    removed = pulse(elem_id="remove-export")
    removed.change(_removal_of_an_export, [removed, do.run], do.ask.wish, **QUIET)


def _build_deletion(
    runs: Path, do: Details, ask_bin: Confirmation, message: gr.HTML, opened: gr.Textbox, binned: gr.Textbox
) -> None:
    do.delete.click(lambda run: wish("delete", run=run), do.run, do.ask.wish, **QUIET)
    do.ask.put_by(partial(question, runs), do.filled)
    do.ask.answered_by(partial(done, runs), [message, opened, binned])
    back, removed = pulse(elem_id="put-back"), pulse(elem_id="remove-run")
    back.change(partial(put_back_again, runs), back, [message, opened, binned], **QUIET)
    removed.change(lambda asked: wish("remove", folder=asked.partition("\n")[0]), removed, ask_bin.wish, **QUIET)
    ask_bin.put_by(partial(bin_question, runs), binned)
    ask_bin.answered_by(partial(bin_done, runs), [message, binned])


def _removal_of_an_export(asked: str, run: str) -> str:
    return wish("remove export", run=run, export=asked.partition("\n")[0])


def _offered(runs: Path, run: str, *values: Any) -> list[Any]:
    found = find(runs, run)
    return offered(found, choice_of(*values)) if found else [gr.skip()] * 4


def _choice(wished: Wish) -> exported.Choice:
    return choice_of("hub", wished["dtype"], wished["repo"], bool(wished["merged"]), bool(wished["public"]))


def _pictured(runs: Path, opened: str, chosen: str) -> list[Run]:
    """The runs whose curves are shown: those that are chosen, or else the one that is opened."""
    names = [each for each in (chosen or "").split("\n") if each][:MOST] or [opened]
    return [run for each in names if (run := find(runs, each))]


def _unreadable(run: Run) -> str:
    """Why the run, or what happened in it, cannot be read; empty where both can."""
    try:
        events(run)
    except UserError as error:
        return error.message
    return broken(run)
