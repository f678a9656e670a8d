"""An evaluation while its process is at it and when it ended badly, its line in a list, and its report's page."""

from functools import lru_cache
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.report.charts import bar
from qwenlab.report.schema import read_report
from qwenlab.runs import Evaluation, Status
from qwenlab.runs.evaluation import EvaluationRecord
from qwenlab.runs.launch import Launch
from qwenlab.text import time_left
from qwenlab.ui.components import card, facts, fault, lab, text
from qwenlab.ui.run_cache import Stamp, stamp
from qwenlab.ui.status_bar import has_gpu
from qwenlab.ui.views.run_card import chip

PHASES = {
    "preparing": "Getting the questions ready, and testing the sandbox that programs run in",
    "loading": "Loading the model",
    "generating": "The base and the tuned model answer the questions",
    "judging": "Checking the answers; programs run on hidden tests",
    "reporting": "Writing the report",
}
WAITING = "waiting for the GPU"
COUNTED = {"generating": "answers", "judging": "answers checked"}

EMPTY = card(
    "<b>Did it help, did it forget?</b><p class='quiet'>The base and the tuned model are asked the same questions. "
    "Here will stand how many each gets right, what was learned and what was forgotten, and whether that could be "
    "chance. Press <b>Evaluate</b>.</p>"
)


def progress_card(looked: Evaluation | Launch | None, resumable: bool = False) -> str:
    """What the evaluation is at; nothing once it has ended well, for then its result stands below."""
    if looked is None:
        return EMPTY
    if isinstance(looked, Launch):
        return card('<p class="quiet" role="status">Starting.</p>') if looked.is_alive else fault(looked.last_words)
    status = looked.status
    if status is Status.finished:
        return ""
    head = f'<div class="head"><b>Evaluation of {moment(looked)}</b> {chip(status)}</div>'
    return card(head + (_progress(looked) if status.claims_life else _ended(looked, status, resumable)))


def report_frame(page: str) -> str:
    """The page of a report as it is, in a frame that runs no script and can reach nothing around it."""
    return lab(f'<iframe class="report" title="Report" sandbox srcdoc="{text(page)}"></iframe>')


def evaluation_label(evaluation: Evaluation) -> str:
    """When it was, and what it found or how it stands: `28 Nov, 07:22: Mini contest improved, Functions worse`."""
    if evaluation.fault:
        return f"{evaluation.name}: cannot be read"
    status = evaluation.status
    told = _found(evaluation.report_file, stamp(evaluation.report_file)) if status is Status.finished else status.value
    return f"{moment(evaluation)}: {told}"


def moment(evaluation: Evaluation) -> str:
    """Such as `28 Nov, 07:22`; the folder's name where its record cannot be read."""
    try:
        created = evaluation.read().created.astimezone()
    except UserError:
        return evaluation.name
    return f"{created.day} {created:%b, %H:%M}"


@lru_cache(maxsize=256)
def _found(report: Path, changed: Stamp) -> str:
    try:
        suites = read_report(report).suites.values()
    except UserError:
        return "its report cannot be read"
    return ", ".join(f"{suite.title} {suite.verdict}" for suite in suites)


def _progress(evaluation: Evaluation) -> str:
    record = evaluation.read()
    phase = f'<p role="status">{_phase(record.phase)}</p>'
    share = _share(record)
    if share is None:
        return phase
    big = f'<div class="big">{100 * share:.0f} % <span class="quiet">{time_left(record.eta_s)}</span></div>'
    numbers = {}
    if record.total and record.phase in COUNTED:
        numbers[COUNTED[record.phase]] = f"{record.done:,} of {record.total:,}"
    if record.tokens_per_second:
        numbers["speed"] = f"{record.tokens_per_second:,.0f} tokens/s"
    return big + bar(share, 1) + phase + facts({name: text(value) for name, value in numbers.items()})


def _phase(phase: str) -> str:
    if phase != WAITING:
        return PHASES[phase]
    return f"Waiting until another job {'has left the GPU' if has_gpu() else 'on this machine is done'}"


def _share(record: EvaluationRecord) -> float | None:
    """Of the whole evaluation; of its phase where the record is older than that."""
    if record.share is not None:
        return record.share
    return record.done / record.total if record.total and record.phase in COUNTED else None


def _ended(evaluation: Evaluation, status: Status, resumable: bool) -> str:
    record = evaluation.read()
    kept = " What it has is kept: press Resume." if resumable else " It had no answers yet: start it again."
    if status is Status.failed:
        told = '<p class="quiet">What it has is kept: Resume goes on from there.</p>' if resumable else ""
        return f'<div class="fault"><pre role="alert">{text(record.error or "It failed.")}</pre></div>{told}'
    if status is Status.lost:
        return f'<p class="red">The process exited unexpectedly: it was killed, or the machine went down.{kept}</p>'
    return f"<p>Stopped at {record.done:,} of {record.total:,}.{kept}</p>"
