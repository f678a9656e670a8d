"""The right side of the Train tab: one run, live, with what can be done with it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.runs import Run, Status, find_run, list_runs
from qwenlab.runs.launch import Launch, list_launches
from qwenlab.runs.stop import stop
from qwenlab.ui.choices import run_choices
from qwenlab.ui.curves import curves
from qwenlab.ui.going_on import can_extend, can_resume, go_on, length, lengthened
from qwenlab.ui.html import card, fault
from qwenlab.ui.stage import notes, run_card
from qwenlab.ui.watch import events, record, stamp, status

LATEST = ("the latest", "")
LOG_LINES = 200

EMPTY = card(
    "<b>No run yet</b><p class='quiet'>Here the training will stand: how far it is, the loss as it falls, and what "
    "came out. Press <b>Start training</b>.</p>"
)

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class Stage(NamedTuple):
    """The components that others need."""

    run: gr.Dropdown
    """The run that is shown, by name; empty: the latest."""
    seen: gr.State
    """What this browser shows already, so that it is not sent again."""
    outputs: list[Any]
    compare: gr.Button
    evaluate: gr.Button
    show: Callable[[Path, str, str], list[Any]]


def build_stage(runs: Path, clock: gr.Timer, page: gr.Blocks) -> Stage:
    """One run and its buttons, kept up to date by the clock."""
    run = gr.Dropdown([LATEST, *run_choices(runs)], value="", label="Run", allow_custom_value=True, elem_id="run")
    seen = gr.State("")
    shown = gr.HTML(elem_id="stage")
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
    outputs = [seen, run, shown, compare, evaluate, stopping, resume, extend, until, curves, log]
    looks = partial(show, runs)
    clock.tick(looks, [run, seen], outputs, **QUIET)
    gr.on([page.load, run.input], partial(afresh, runs), run, outputs, **QUIET)
    stopping.click(partial(stopped, runs), run, outputs, **QUIET)
    resume.click(partial(resumed, runs), run, outputs, **QUIET)
    extend.click(partial(extended, runs), [run, until], outputs, **QUIET)
    return Stage(run, seen, outputs, compare, evaluate, show)


def show(runs: Path, name: str, seen: str) -> list[Any]:
    """The run as it stands now; nothing where the browser shows that already."""
    try:
        found = looked_at(runs, name)
    except UserError as error:
        return _blank(runs, fault(str(error)), f"{name} is not there")
    state = _state(runs, found)
    if state == seen:
        return [gr.skip()] * 11
    if found is None:
        return _blank(runs, EMPTY, state)
    if isinstance(found, Launch):
        return _blank(runs, _launched(found), state)
    return [state, gr.Dropdown([LATEST, *run_choices(runs)]), *_run(found)]


def afresh(runs: Path, name: str) -> list[Any]:
    """The same, whatever the browser shows."""
    return show(runs, name, "")


def looked_at(runs: Path, name: str) -> Run | Launch | None:
    """The run of this name; without one the latest, or the latest launch where no run came of it yet.

    Raises:
        UserError: there is no such run.
    """
    if name:
        return find_run(runs, name)
    latest = max(list_runs(runs), key=_begun, default=None)
    launches = list_launches(runs, "train")
    if launches and (latest is None or launches[-1].read().time > _begun(latest)):
        return launches[-1].find_run(runs) or launches[-1]
    return latest


def stopped(runs: Path, name: str) -> list[Any]:
    """Ask the run to save and end."""
    found = looked_at(runs, name)
    if isinstance(found, Run):
        stop(found)
    return afresh(runs, name)


def resumed(runs: Path, name: str) -> list[Any]:
    """Go on with the run where it stopped."""
    found = looked_at(runs, name)
    if isinstance(found, Run):
        go_on(runs, found, "--resume")
    return _launched_on(runs)


def extended(runs: Path, name: str, until: float | None) -> list[Any]:
    """Go on from the run's end, up to so many epochs or steps in all."""
    found = looked_at(runs, name)
    if isinstance(found, Run):
        go_on(runs, found, "--extend", [lengthened(found, until)])
    return _launched_on(runs)


def _launched_on(runs: Path) -> list[Any]:
    """The latest launch, whatever run was shown."""
    view = afresh(runs, "")
    view[1] = gr.Dropdown([LATEST, *run_choices(runs)], value="")
    return view


def _begun(run: Run) -> float:
    known = record(run)
    return (known.started or known.created).timestamp()


def _state(runs: Path, found: Run | Launch | None) -> str:
    """Another text whenever another picture is due."""
    names = run_choices(runs)
    if isinstance(found, Run):
        files = [stamp(path) for path in (found.events_file, found.record_file, found.log_file)]
        return repr((names, found.name, status(found), files, stamp(found.folder / "label.json")))
    if isinstance(found, Launch):
        return repr((names, str(found.log), found.is_alive, stamp(found.log)))
    return repr(names)


def _launched(found: Launch) -> str:
    if found.is_alive:
        return card("<b>Starting</b><p class='quiet' role='status'>The process runs; its run will stand here.</p>")
    return fault(found.last_words or "It ended without a word.")


def _blank(runs: Path, shown: str, state: str) -> list[Any]:
    """No run: a card alone."""
    hidden = [gr.Button(visible=False)] * 5
    return [state, gr.Dropdown([LATEST, *run_choices(runs)]), shown, *hidden, gr.Number(visible=False), "", ""]


def _run(run: Run) -> list[Any]:
    now, happened = status(run), events(run)
    ended = not now.claims_life
    delivered = ended and run.adapter.exists()
    extendable = can_extend(run, now)
    _, unit, value = length(run)
    has_curve = any(event["kind"] in ("train", "eval") for event in happened)
    return [
        run_card(run, happened),
        gr.Button(visible=delivered),
        gr.Button(visible=delivered),
        gr.Button(visible=not ended, interactive=now is not Status.stopping),
        gr.Button(visible=can_resume(now)),
        gr.Button(visible=extendable),
        gr.Number(visible=extendable, label=f"extend to, {unit}", value=2 * value),
        notes(happened) + curves(run) if has_curve else "",
        log_tail(run),
    ]


def log_tail(run: Run) -> str:
    """The end of what the run's process said."""
    if not run.log_file.exists():
        return ""
    return "\n".join(run.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])
