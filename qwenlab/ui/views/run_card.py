"""A run as one card: how far it is while it trains, what came out when it has ended."""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime

from qwenlab.data.report import DatasetReport
from qwenlab.errors import UserError
from qwenlab.hub import downloaded
from qwenlab.report.charts import bar
from qwenlab.report.drift import distance
from qwenlab.runs import Run, RunRecord, Status, gpu_waiting
from qwenlab.runs.events import Event, Note, Train, Validation, of_kind
from qwenlab.text import duration, time_left
from qwenlab.ui.components import card, facts, lab, text
from qwenlab.ui.run_cache import drift, name, record, status
from qwenlab.ui.views.head import in_words, progress

COLOURS = {
    Status.queued: "slate",
    Status.running: "accent",
    Status.stopping: "amber",
    Status.stopped: "amber",
    Status.finished: "accent",
    Status.failed: "red",
    Status.lost: "red",
}


def chip(status: Status) -> str:
    return f'<span class="chip {COLOURS[status]}">{status}</span>'


def run_card(run: Run, events: Sequence[Event]) -> str:
    """The card for whatever the run is at."""
    known, now = record(run), status(run)
    head = f'<div class="head"><b>{text(name(run))}</b> {chip(now)}</div>'
    if now is Status.queued:
        return card(head + _waiting(run))
    if now in (Status.running, Status.stopping):
        return card(head + _progress(run, known, events, run.recipe.train.early_stopping_patience, _threshold(run)))
    return card(head + _result(run, known, now, events))


def notes(events: Sequence[Event]) -> str:
    """What happened on the way, newest first."""
    found = of_kind(events, Note)
    lines = "".join(f"<li>step {note.step}: {text(note.text)}</li>" for note in reversed(found[-20:]))
    return lab(f'<ul class="notes amber" aria-label="Notes">{lines}</ul>') if lines else ""


def unimproved(events: Sequence[Event], threshold: float) -> int:
    """Validations in a row without an improvement that counts, as early stopping counts them."""
    best, count = float("inf"), 0
    for event in of_kind(events, Validation):
        if event.step > 0:
            count = 0 if best == float("inf") or best - event.eval_loss > threshold else count + 1
            best = min(best, event.eval_loss)
    return count


def _threshold(run: Run) -> float:
    return run.recipe.train.early_stopping_threshold


def _waiting(run: Run) -> str:
    """Behind whom it waits at this moment: what its events say of that may be of an earlier start."""
    line = gpu_waiting(run.folder.parent)
    ahead = line[: line.index(run.name)] if run.name in line else []
    if not ahead and (come := downloaded(run.recipe.model.name)) is not None:
        return f"<p role='status'>Downloading {text(run.recipe.model.name)}: {come:.2f} GB so far.</p>"
    if not ahead and (rows := _rows(run)):
        return f'<p class="quiet" role="status">Getting ready. {rows}</p>'
    if not ahead:
        return '<p class="quiet" role="status">Getting ready: reading the data and turning it into tokens.</p>'
    names = ", then ".join(in_words(run.folder.parent, who) for who in ahead)
    return f"<p>Waits behind {text(names)}.</p>"


def _rows(run: Run) -> str:
    """What it will train on, as a sentence; empty before that is known."""
    if not run.data_file.exists():
        return ""
    try:
        report = DatasetReport.read(run.data_file)
    except UserError as error:
        return text(error.message)
    return f"{report.train_rows:,} rows to train on, {report.validation_rows:,} held out."


def _progress(run: Run, record: RunRecord, events: Sequence[Event], patience: int, threshold: float) -> str:
    far, trained = progress(run, events), of_kind(events, Train)
    if far is None:
        return f'<p class="quiet" role="status">{_rows(run)} Loading the model.</p>'
    now = trained[-1]
    done, total = now.step, record.total_steps or 0
    left = time_left(far.eta_s) if record.status is Status.running else "saving a checkpoint"
    numbers = {"step": f"{done:,} of {total:,}", "training loss": f"{now.loss:.3f}"}
    if record.best:
        numbers["best validation loss"] = f"{record.best.eval_loss:.3f} at step {record.best.step:,}"
    if patience and record.best:
        numbers["validations without improvement"] = f"{unimproved(events, threshold)} of {patience}, then it stops"
    numbers["speed"] = f"{now.tokens_per_second:,.0f} tokens/s"
    if now.gpu_memory_gb:
        numbers["GPU memory"] = f"{now.gpu_memory_gb:.1f} GB"
    big = f'<div class="big">{100 * done / total:.0f} % <span class="quiet">{left}</span></div>'
    return big + bar(done, total) + facts({title: text(value) for title, value in numbers.items()})


def _result(run: Run, record: RunRecord, status: Status, events: Sequence[Event]) -> str:
    parts = []
    if status is Status.failed:
        parts.append(f'<div class="fault"><pre role="alert">{text(record.error or "It failed.")}</pre></div>')
    if status is Status.lost:
        parts.append(
            '<p class="red">The process exited unexpectedly: it was killed, or the machine went down. '
            "Nothing up to the last checkpoint is lost: press Resume.</p>"
        )
    if record.best and record.base_eval_loss is not None:
        helped = record.best.eval_loss < record.base_eval_loss
        parts.append(
            f'<div class="big"><span class="quiet">{record.base_eval_loss:.3f} →</span> '
            f'<span class="accent">{record.best.eval_loss:.3f}</span></div>'
            f'<p class="quiet">validation loss before the training and at its best, step {record.best.step:,}</p>'
        )
        if not helped:
            parts.append('<p class="amber">It never got below the loss that it began with: it did not help.</p>')
    numbers = {"step": f"{record.step:,} of {record.total_steps or 0:,}"}
    spent = _seconds(record)
    if spent is not None:
        numbers["time"] = duration(spent)
    speeds = [event.tokens_per_second for event in of_kind(events, Train)]
    if speeds:
        numbers["speed"] = f"{statistics.median(speeds):,.0f} tokens/s"
    if record.early_stopped:
        numbers["stopped early"] = "no more improvement"
    if moved := _drift(run):
        numbers["drift"] = moved
    if run.adapter.exists():
        numbers["adapter"] = str(run.adapter)
    return "".join(parts) + facts({title: text(value) for title, value in numbers.items()})


def _drift(run: Run) -> str:
    """How far the adapter is from the base, or why that cannot be read; empty where it was not measured."""
    try:
        moved = drift(run)
    except UserError as error:
        return error.message
    return f"{distance(moved)} from the base" if moved else ""


def _seconds(record: RunRecord) -> float | None:
    """From the last start to the end."""
    if not (record.started and record.finished):
        return None
    return (record.finished - record.started).total_seconds()


def ago(moment: datetime) -> str:
    """`5 min ago`."""
    return f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"
