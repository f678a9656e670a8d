"""A finished evaluation on one screen: the card that can be shown to others, the verdicts, and how sure they are."""

from collections.abc import Iterator

from qwenlab.report import tables
from qwenlab.report.criteria import COLOURS as CRITERIA
from qwenlab.report.criteria import Criterion
from qwenlab.report.drift import sentence as drift_sentence
from qwenlab.report.result_card import draw
from qwenlab.report.schema import Report, SuiteReport
from qwenlab.report.summary import COLOURS, summarise
from qwenlab.report.tables import Table
from qwenlab.ui.components import lab, text


def result_view(report: Report) -> str:
    """Everything but the items."""
    return lab(
        f'<div class="result"><figure class="picture">{draw(summarise(report))}</figure>'
        f'<div class="verdicts">{_verdicts(report)}{_when(report)}{_advice(report)}</div></div>{_sure(report)}'
    )


def _verdicts(report: Report) -> str:
    if len(report.suites) == 1:
        told, before, command = report.sentence.partition("To fix this: ")
        mend = f'<p class="mend">{text(before)}<code>{text(command)}</code></p>' if command else ""
        return f"<h2>{text(told)}</h2>{mend}"
    answers = "".join(
        f'<li><span class="chip {COLOURS[suite.verdict]}">{text(suite.verdict)}</span> <b>{text(suite.title)}</b>: '
        f"{text(suite.sentence.partition(', ')[2])}</li>"
        for suite in report.suites.values()
    )
    return f'<h2>Did it help, did it forget?</h2><ul class="answers">{answers}</ul>'


def _when(report: Report) -> str:
    created = report.created.astimezone()
    return f'<p class="quiet">Evaluated on {created.day} {created:%b, %H:%M}</p>'


def _advice(report: Report) -> str:
    if not report.advice:
        return ""
    listed = "".join(
        f"<li><b>{text(one.about)}</b>: {text(one.text)} "
        f'<span class="quiet">Evidence: {text(one.evidence)}.</span></li>'
        for one in report.advice
    )
    return f"<details open><summary>What to try next: {len(report.advice)}</summary><ul>{listed}</ul></details>"


def _sure(report: Report) -> str:
    """The statistics, folded."""
    parts = [*map(_criterion, report.criteria), *(_suite(suite) for suite in report.suites.values())]
    if len(report.suites) > 1:
        several = f"Each p is adjusted for {len(report.suites)} suites (Holm)."
        parts.append(f'<p class="quiet">{several}</p>')
    parts += [f'<p class="quiet">{text(line)}</p>' for line in (tables.mode(report), _drift(report)) if line]
    return f'<details class="sure"><summary>How sure is this?</summary>{"".join(parts)}</details>'


def _drift(report: Report) -> str:
    return drift_sentence(report.drift) if report.drift else ""


def _criterion(criterion: Criterion) -> str:
    noise = f' <span class="quiet">{text(criterion.noise)}</span>' if criterion.noise else ""
    return (
        f'<p class="criterion"><span class="chip {CRITERIA[criterion.status]}">{criterion.status}</span> '
        f"<b>{text(criterion.name)}</b>: {text(criterion.figures)}{noise}</p>"
    )


def _suite(suite: SuiteReport) -> str:
    return f"<h3>{text(suite.title)}</h3>{''.join(_of_suite(suite))}"


def _of_suite(suite: SuiteReport) -> Iterator[str]:
    if not suite.rows:
        yield f"<p>{text(suite.why)}</p>"
        return
    for line in tables.noise(suite):
        yield f'<p class="quiet">{text(line)}</p>'
    yield _table(tables.metrics(suite))
    if kept := tables.retention(suite):
        yield f"<p>{text(kept)}</p>"
    yield f'<p class="quiet">{text(suite.asked.contamination)}</p>'


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{text(column)}</th>' for column in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    # What can be scrolled can be reached by keyboard.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{text(table.title)}"><table><thead><tr>{heads}</tr>'
        f'</thead><tbody>{rows}</tbody></table></div><p class="quiet">{text(table.note)}</p>'
    )
