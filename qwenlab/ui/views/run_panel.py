"""The right side of the Train tab: one run, live, with what can be done with it."""

import hashlib
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.files import Record, last_lines
from qwenlab.runs import Run, find_run
from qwenlab.runs.events import Train, Validation
from qwenlab.runs.launch import Launch, list_launches
from qwenlab.text import duration
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, lab, pulse, text, when_chosen
from qwenlab.ui.curves import Reach, news, none, reading, validation_loss
from qwenlab.ui.jobs.continued import can_extend, go_on, length, lengthened, resuming
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


class Seen(Record):
    """What a browser shows, so that it is not sent again. The browser keeps it: what did not arrive was not seen."""

    state: str = ""
    card: str = ""
    below: str = ""
    log: str = ""
    curves: Reach = Reach()


def build_stage(runs: Path, clock: Clock, page: gr.Blocks, start: gr.Button) -> Stage:
    """One run and its buttons, kept up to date by the clock; `start` is the primary button while none of them is."""
    run = gr.Dropdown(
        [LATEST, *run_choices(runs)], value="", label="Run", allow_custom_value=True, elem_id="run", min_width=200
    )
    seen, buttons, is_open = pulse(), pulse(), pulse()
    card = gr.HTML(elem_id="stage")
    with gr.Row():
        compare = gr.Button("Compare", visible=False)
        evaluate = gr.Button("Did it help?", visible=False)
        resume = gr.Button("Resume", visible=False, elem_id="resume")
        extend = gr.Button("Extend", visible=False, elem_id="extend")
        until = gr.Number(label="extend to", visible=False, min_width=120)
    gr.HTML(lab('<div class="plots" hidden></div>'), elem_id="curves")
    curves = gr.HTML(elem_id="curve-news")
    below = gr.HTML(elem_id="below-curves")
    with gr.Accordion("Log", open=False) as fold:
        log = gr.Textbox(
            show_label=False, lines=12, max_lines=24, interactive=False, autoscroll=True, elem_id="log",
            elem_classes="log",
        )  # fmt: skip
    live = [seen, buttons, card, curves, below, log]
    clock.asks(partial(show, runs), [run, seen, is_open], live)
    page.load(partial(afresh, runs), run, live, **QUIET)
    when_chosen([run], partial(afresh, runs), [run], live)
    # A log is sent only to who looks at it: while it grows, it would be most of what is sent.
    fold.expand(partial(show, runs), [run, seen, pulse("open")], live, **QUIET)
    fold.expand(None, None, is_open, js="() => 'open'", **QUIET)
    fold.collapse(None, None, is_open, js="() => ''", **QUIET)
    # Buttons change seldom, and each costs the server as much as the whole picture.
    buttons.change(partial(controls, runs), run, [run, compare, evaluate, resume, extend, until, start], **QUIET)
    resume.click(partial(resumed, runs), run, [run, *live], **QUIET)
    extend.click(partial(extended, runs), [run, until], [run, *live], **QUIET)
    return Stage(run, live, compare, evaluate)


def show(runs: Path, name: str, seen: str, is_open: str = "") -> list[Any]:
    """The run as it stands now, as the values of `Stage.live`; nothing of what the browser shows already.

    `seen` is a `Seen`, `is_open` whether the log is looked at.
    """
    had = _seen(seen)
    try:
        found = looked_at(runs, name)
        state, buttons = _state(found) + is_open, _buttons(runs, found)
        if state == had.state:
            return [seen, buttons, *[gr.skip()] * 4]
        reach, *parts = _picture(found, had.curves, bool(is_open))
    except UserError as error:
        state, buttons, reach = f"{name} is not there, or broken", "", Reach()
        parts = [fault(str(error)), none(), "", ""]
    card, curves, below, log = parts
    marks = {"card": _mark(card), "below": _mark(below), "log": _mark(log)}
    now = Seen(state=state, curves=reach, **marks)
    changed = [
        value if getattr(had, key) != marks[key] else gr.skip()
        for key, value in zip(marks, (card, below, log), strict=True)
    ]
    return [now.model_dump_json(), buttons, changed[0], curves, *changed[1:]]


def afresh(runs: Path, name: str) -> list[Any]:
    """The same, whatever the browser shows."""
    return show(runs, name, "")


def controls(runs: Path, name: str) -> list[Any]:
    """The runs to choose from, what can be done with the one that is shown, and whether Start is what comes next."""
    choices = gr.Dropdown([LATEST, *run_choices(runs)])
    run = _run_of(runs, name)
    if run is None or broken(run):
        return [choices, *[gr.Button(visible=False)] * 4, gr.Number(visible=False), gr.Button(variant="primary")]
    now = status(run)
    delivered = not now.claims_life and run.adapter.exists()
    resume, extendable = resuming(run, now), can_extend(run, now)
    _, unit, value = length(run)
    return [
        choices,
        gr.Button(visible=delivered, variant="primary" if delivered and not resume else "secondary"),
        gr.Button(visible=delivered),
        gr.Button(resume or "Resume", visible=bool(resume), variant="primary"),
        gr.Button(visible=extendable),
        gr.Number(visible=extendable, label=f"extend to, {unit}", value=2 * value),
        gr.Button(variant="secondary" if delivered or resume or now.claims_life else "primary"),
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


def _state(found: Run | Launch | None) -> str:
    """Another text whenever another picture may be due."""
    if isinstance(found, Run):
        files = (found.events_file, found.record_file, found.log_file, found.drift_file, found.samples_file)
        stamps = [stamp(path) for path in (*files, found.folder / "label.json")]
        return repr((found.name, broken(found) or status(found), stamps))
    # Each time another one while it starts: its card says for how long it has.
    return repr((str(found.log), found.is_alive and time.time(), stamp(found.log))) if found else "no run"


def _seen(told: str) -> Seen:
    """What the browser says that it shows; nothing where it is another version's, as after an update."""
    try:
        return Seen.model_validate_json(told)
    except ValueError:
        return Seen()


def _mark(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _buttons(runs: Path, found: Run | Launch | None) -> str:
    """Another text whenever other buttons, or other runs to choose from, are due."""
    names = run_choices(runs)
    return repr((names, found.name, broken(found) or status(found)) if isinstance(found, Run) else names)


def _picture(found: Run | Launch | None, reach: Reach, is_open: bool) -> tuple[Reach, str, str, str, str]:
    """How far the curves reach then; the card, what is new of the curves, what stands below them, the log."""
    if found is None:
        return Reach(), EMPTY, none(), "", ""
    if isinstance(found, Launch):
        return Reach(), _launched(found), none(), "", ""
    log = log_tail(found) if is_open else ""
    if why := broken(found):
        return Reach(), fault(why), none(), "", log
    happened = events(found)
    if not any(isinstance(event, Train | Validation) for event in happened):
        return Reach(), run_card(found, happened), none(), "", log
    now, new = news(found, happened, reach)
    said = reading(validation_loss(happened))
    read = lab(f'<p class="reading">{text(said)}</p>') if said else ""
    return now, run_card(found, happened), new, read + learning_strip(found) + notes(happened), log


def _launched(found: Launch) -> str:
    """What the process is at, and since when: it takes some seconds until it has a run."""
    if not found.is_alive:
        return fault(found.last_words or "The process exited without output.")
    since = duration(time.time() - found.read().time)
    said = next(iter(found.last_words.splitlines()[-1:]), "loading the libraries")
    return card(f"<b>Starting</b> <span class='quiet'>{since}</span><p class='quiet' role='status'>{text(said)}</p>")


def log_tail(run: Run) -> str:
    """The end of what the run's process said."""
    return last_lines(run.log_file, LOG_LINES)
