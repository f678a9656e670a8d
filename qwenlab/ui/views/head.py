"""The head of the page: its name, what the machine is at, who waits for it, and how far the run in hand has come."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.report.charts import bar
from qwenlab.runs import Run, Status, gpu_waiting, list_evaluations
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.runs.events import Event, Train, of_kind
from qwenlab.text import time_left
from qwenlab.ui.components import lab, text
from qwenlab.ui.run_cache import called, events, name, record, status

NAME = "qwenlab"
LOGO = (
    '<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path class="base" d="M3 6c5 0 6 10 18 12"/>'
    '<path class="tuned" d="M3 6c7 0 9 5 18 2"/></svg>'
)
"""Two curves that part: base and tuned."""

TABS = ("Data", "Train", "Compare", "Result")
DONE = "✓"


class Progress(NamedTuple):
    """How far a training is."""

    share: float
    """Of its steps, 0 to 1."""
    eta_s: float | None


def head(runs: Path, machine: str, run: Run | None, has_gpu: bool) -> str:
    """The line on top: `run` is the training at work."""
    line = gpu_waiting(runs)
    waiting = [who for who in line if run is None or who != run.name]
    holder = None if run and line[:1] == [run.name] else next(iter(waiting), None)
    queue = waiting[1:] if holder else waiting
    parts = [_job(run) if run else "", _other(runs, holder, has_gpu), _queue(runs, queue)]
    at_work = "".join(parts) or '<span class="idle">Nothing is running</span>'
    title, said = _title(runs, run, holder)
    return lab(
        f'<header class="strip" data-title="{text(title)}" data-said="{text(said)}">'
        f'<h1>{LOGO}{NAME}</h1><div class="work">{at_work}</div><div class="machine">{machine}</div></header>'
    )


def progress(run: Run, happened: Sequence[Event]) -> Progress | None:
    """None: it has not made a step since it was started, resumed or extended."""
    known = record(run)
    since = known.started.timestamp() if known.started else 0.0
    steps = [event for event in of_kind(happened, Train) if event.time is None or event.time >= since]
    if not steps or not known.total_steps:
        return None
    return Progress(steps[-1].step / known.total_steps, steps[-1].eta_s)


def labels(run: Run | None) -> list[str]:
    """The stations' names, with a mark on what is done for the run in hand."""
    done = _done(run) if run else ()
    return [f"{tab} {DONE}" if tab in done else tab for tab in TABS]


def in_words(runs: Path, who: str) -> str:
    """Who stands in the GPU queue, for a person."""
    for prefix, words in (("export-", "the export of"), ("evaluate-", "the evaluation of")):
        if who.startswith(prefix):
            return f"{words} {called(runs, who.removeprefix(prefix))}"
    return "the model that answers in Compare" if who == "serve" else called(runs, who)


def _done(run: Run) -> list[str]:
    try:
        compared = bool(list_comparisons(run))
        judged = any(each.report_file.exists() for each in list_evaluations(run))
        found = {"Data": run.data_file.exists(), "Train": run.adapter.exists(), "Compare": compared, "Result": judged}
    except UserError:
        return []
    return [tab for tab, is_done in found.items() if is_done]


def _job(run: Run) -> str:
    """The training at work, with the one button that stops it."""
    now = status(run)
    called_ = f"<b>{text(name(run))}</b>"
    if now is Status.queued:
        return f'<span class="job">Getting ready: {called_}</span>{_button("stop", run.name, "Cancel")}'
    try:
        far = progress(run, events(run))
    except UserError:  # the Runs tab says why
        far = None
    if now is Status.stopping:
        return f'<span class="job">Saving a checkpoint: {called_}</span>'
    stop = _button("stop", run.name, "Stop and save")
    if far is None:
        return f'<span class="job">Loading the model: {called_}</span>{stop}'
    numbers = f"{100 * far.share:.0f} % · {time_left(far.eta_s)}"
    return f'<span class="job">Training {called_} · {numbers}{bar(far.share, 1, name="Training")}</span>{stop}'


def _other(runs: Path, holder: str | None, has_gpu: bool) -> str:
    """Who else is at work."""
    if holder is None:
        return ""
    return f'<span class="job">{"On the GPU" if has_gpu else "Running"}: {text(in_words(runs, holder))}</span>'


def _queue(runs: Path, queue: list[str]) -> str:
    """Who waits, each with what can be done about it."""
    rows = []
    for place, who in enumerate(queue):
        sooner = _button("first", who, "Start next") if place else ""
        rows.append(f"<li>{text(in_words(runs, who))} {sooner}{_button('leave', who, 'Cancel')}</li>")
    return f'<div class="queue">Waiting:<ol>{"".join(rows)}</ol></div>' if rows else ""


def _button(act: str, who: str, label: str) -> str:
    """What it acts on is bound to it as it is drawn, so that it does nothing to another."""
    return f'<button type="button" data-act="{act}" data-name="{text(who)}">{label}</button>'


def _title(runs: Path, run: Run | None, holder: str | None) -> tuple[str, str]:
    """The window's title, and what is read to those who hear the page: it changes every tenth of the way."""
    if run is None:
        return (f"{in_words(runs, holder)} · {NAME}", "") if holder else (NAME, "")
    try:
        far = progress(run, events(run))
    except UserError:
        far = None
    if far is None:
        return f"{name(run)} · {NAME}", f"{name(run)} is getting ready."
    tenths = int(10 * far.share) * 10
    return f"{100 * far.share:.0f} % {name(run)} · {NAME}", f"{name(run)}: {tenths} % of the training is done."
