"""The right side of the Train tab: one run, live, with what can be done with it."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.files import last_lines
from qwenlab.runs import Run, Status, find_run
from qwenlab.runs.events import Train, Validation
from qwenlab.runs.launch import Launch, list_launches
from qwenlab.runs.stop import stop
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, pulse, when_chosen
from qwenlab.ui.curves import curves
from qwenlab.ui.jobs.continued import can_extend, can_resume, go_on, length, lengthened
from qwenlab.ui.run_cache import broken, events, readable, record, stamp, status
from qwenlab.ui.views.learning import learning_strip
from qwenlab.ui.views.run_card import notes, run_card

LATEST = ("the latest", "")
LOG_LINES = 200

EMPTY = card(
    "<b>No run yet</b><p class='quiet'>Here the training will stand: how far it is, the loss as it falls, and what "
    "came out. Press <b>Start training</b>.</p>"
)


class Stage(NamedTuple):
    """The components that others need."""

    run: gr.Dropdown
    """The run that is shown, by name; empty: the latest."""
    live: list[Any]
    """What `afresh` fills."""
    compare: gr.Button
    evaluate: gr.Button


def build_stage(runs: Path, clock: Clock, page: gr.Blocks) -> Stage:
    """One run and its buttons, kept up to date by the clock."""
    run = gr.Dropdown([LATEST, *run_choices(runs)], value="", label="Run", allow_custom_value=True, elem_id="run")
    # What this browser shows already, so that it is not sent again, and what its buttons were made for.
    seen, buttons = gr.State(""), pulse()
    card = gr.HTML(elem_id="stage")
    with gr.Row():
        compare = gr.Button("Compare", variant="primary", visible=False)
        evaluate = gr.Button("Did it help?", variant="primary", visible=False)
        stopping = gr.Button("Stop and save", visible=False, elem_id="stop")
        resume = gr.Button("Resume", visible=False, elem_id="resume")
        extend = gr.Button("Extend", visible=False, elem_id="extend")
        until = gr.Number(label="extend to", visible=False, min_width=120)
    curves = gr.HTML(elem_id="curves")
    with gr.Accordion("Log", open=False):
        log = gr.Textbox(show_label=False, lines=12, max_lines=24, interactive=False, autoscroll=True, elem_id="log")
    live = [seen, buttons, card, curves, log]
    clock.asks(partial(show, runs), [run, seen], live)
    page.load(partial(afresh, runs), run, live, **QUIET)
    when_chosen([run], partial(afresh, runs), [run], live)
    # Buttons change seldom, and each costs the server as much as the whole picture.
    buttons.change(partial(controls, runs), run, [run, compare, evaluate, stopping, resume, extend, until], **QUIET)
    stopping.click(partial(stopped, runs), run, live, **QUIET)
    resume.click(partial(resumed, runs), run, [run, *live], **QUIET)
    extend.click(partial(extended, runs), [run, until], [run, *live], **QUIET)
    return Stage(run, live, compare, evaluate)


def show(runs: Path, name: str, seen: str) -> list[Any]:
    """The run as it stands now, as the values of `Stage.live`; nothing where the browser shows that already."""
    try:
        found = looked_at(runs, name)
        state, buttons = _state(runs, found), _buttons(runs, found)
        if state == seen:
            return [seen, buttons, *[gr.skip()] * 3]
        return [state, buttons, *_picture(found)]
    except UserError as error:
        return [f"{name} is not there, or broken", "", fault(str(error)), "", ""]


def afresh(runs: Path, name: str) -> list[Any]:
    """The same, whatever the browser shows."""
    return show(runs, name, "")


def controls(runs: Path, name: str) -> list[Any]:
    """The runs to choose from, and what can be done with the one that is shown."""
    choices = gr.Dropdown([LATEST, *run_choices(runs)])
    run = _run_of(runs, name)
    if run is None or broken(run):
        return [choices, *[gr.Button(visible=False)] * 5, gr.Number(visible=False)]
    now = status(run)
    ended = not now.claims_life
    delivered = ended and run.adapter.exists()
    extendable = can_extend(run, now)
    _, unit, value = length(run)
    return [
        choices,
        gr.Button(visible=delivered),
        gr.Button(visible=delivered),
        gr.Button(visible=not ended, interactive=now is not Status.stopping),
        gr.Button(visible=can_resume(now)),
        gr.Button(visible=extendable),
        gr.Number(visible=extendable, label=f"extend to, {unit}", value=2 * value),
    ]


def looked_at(runs: Path, name: str) -> Run | Launch | None:
    """The run of this name; without one the latest that can be read, or the latest launch where no run came of it yet.

    Raises:
        UserError: there is no such run.
    """
    if name:
        return find_run(runs, name)
    latest = max(readable(runs), key=_begun, default=None)
    launches = list_launches(runs, "train")
    if launches and (latest is None or launches[-1].read().time > _begun(latest)):
        return launches[-1].find_run(runs) or launches[-1]
    return latest


def stopped(runs: Path, name: str) -> list[Any]:
    """Ask the run to save and end."""
    if found := _run_of(runs, name):
        stop(found)
    return afresh(runs, name)


def resumed(runs: Path, name: str) -> list[Any]:
    """Go on with the run where it stopped."""
    if found := _run_of(runs, name):
        go_on(runs, found, "--resume")
    return _launched_on(runs)


def extended(runs: Path, name: str, until: float | None) -> list[Any]:
    """Go on from the run's end, up to so many epochs or steps in all."""
    found = _run_of(runs, name)
    if found and not broken(found):
        go_on(runs, found, "--extend", [lengthened(found, until)])
    return _launched_on(runs)


def _run_of(runs: Path, name: str) -> Run | None:
    """The run that is looked at; None where it is gone, which the page shows."""
    try:
        found = looked_at(runs, name)
    except UserError:
        return None
    return found if isinstance(found, Run) else None


def _launched_on(runs: Path) -> list[Any]:
    """The latest launch, whatever run was shown."""
    return ["", *afresh(runs, "")]


def _begun(run: Run) -> float:
    known = record(run)
    return (known.started or known.created).timestamp()


def _state(runs: Path, found: Run | Launch | None) -> str:
    """Another text whenever another picture is due."""
    if isinstance(found, Run):
        files = [stamp(path) for path in (found.events_file, found.record_file, found.log_file, found.drift_file)]
        return repr((found.name, broken(found) or status(found), files, stamp(found.folder / "label.json")))
    return repr((str(found.log), found.is_alive, stamp(found.log))) if found else "no run"


def _buttons(runs: Path, found: Run | Launch | None) -> str:
    """Another text whenever other buttons, or other runs to choose from, are due."""
    names = run_choices(runs)
    return repr((names, found.name, broken(found) or status(found)) if isinstance(found, Run) else names)


def _picture(found: Run | Launch | None) -> list[str]:
    """The card, the curves and the log."""
    if found is None:
        return [EMPTY, "", ""]
    if isinstance(found, Run) and (why := broken(found)):
        return [fault(why), "", log_tail(found)]
    if isinstance(found, Launch):
        return [_launched(found), "", ""]
    happened = events(found)
    has_curve = any(isinstance(event, Train | Validation) for event in happened)
    drawn = notes(happened) + curves(found) + learning_strip(found) if has_curve else ""
    return [run_card(found, happened), drawn, log_tail(found)]


def _launched(found: Launch) -> str:
    if found.is_alive:
        return card("<b>Starting</b><p class='quiet' role='status'>The process runs; its run will stand here.</p>")
    return fault(found.last_words or "The process exited without output.")


def log_tail(run: Run) -> str:
    """The end of what the run's process said."""
    return last_lines(run.log_file, LOG_LINES)
