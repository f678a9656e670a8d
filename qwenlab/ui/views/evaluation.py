"""An evaluation as a card while its process is at it, what it said when it ended badly, and its report."""

from qwenlab.report.charts import bar
from qwenlab.runs import Evaluation, Status
from qwenlab.runs.launch import Launch
from qwenlab.text import time_left
from qwenlab.ui.components import card, facts, fault, lab, text
from qwenlab.ui.views.run_card import chip

PHASES = {
    "preparing": "Getting the items ready, and the sandbox to prove itself",
    "waiting for the GPU": "Waits for its turn at the GPU",
    "generating": "Base and tuned answer, suite by suite",
    "judging": "Every answer is judged; programs are run on hidden tests",
    "reporting": "Writing the report",
}
COUNTED = {"generating": "answers", "judging": "answers judged"}

EMPTY = card(
    "<b>Did it help, did it forget?</b><p class='quiet'>Base and tuned are asked the same, suite by suite, each answer "
    "is judged, and the difference is told from chance. Press <b>Evaluate</b>.</p>"
)


def progress_card(looked: Evaluation | Launch | None) -> str:
    """What the evaluation is at; nothing once it has ended well, for then its report stands below."""
    if looked is None:
        return EMPTY
    if isinstance(looked, Launch):
        return card('<p class="quiet">Starting.</p>') if looked.is_alive else fault(looked.last_words)
    status = looked.status
    if status is Status.finished:
        return ""
    head = f'<div class="head"><b>Evaluation {text(looked.name)}</b> {chip(status)}</div>'
    return card(head + (_progress(looked) if status.claims_life else _ended(looked, status)))


def report_frame(page: str) -> str:
    """The page of a report as it is, in a frame that runs no script and can reach nothing around it."""
    return lab(f'<iframe class="report" title="Report" sandbox srcdoc="{text(page)}"></iframe>')


def _progress(evaluation: Evaluation) -> str:
    record = evaluation.read()
    phase = f"<p>{PHASES[record.phase]}</p>"
    if not record.total or record.phase not in COUNTED:
        return phase
    share = 100 * record.done / record.total
    big = f'<div class="big">{share:.0f} % <span class="quiet">{time_left(record.eta_s)}</span></div>'
    numbers = {COUNTED[record.phase]: f"{record.done:,} of {record.total:,}"}
    if record.tokens_per_second:
        numbers["speed"] = f"{record.tokens_per_second:,.0f} tokens/s"
    return big + bar(record.done, record.total) + phase + facts({name: text(value) for name, value in numbers.items()})


def _ended(evaluation: Evaluation, status: Status) -> str:
    record = evaluation.read()
    if status is Status.failed:
        return f'<div class="fault"><pre role="alert">{text(record.error or "It failed.")}</pre></div>'
    if status is Status.lost:
        return (
            '<p class="red">The process exited unexpectedly: it was killed, or the machine went down. '
            "What it had is kept: press Resume.</p>"
        )
    return f"<p>Stopped at {record.done:,} of {record.total:,}. What it had is kept: press Resume.</p>"
