"""The problems of a report as a table to filter, and one of them opened."""

from collections.abc import Sequence

from qwenlab.evaluation.verdict import MEANING
from qwenlab.report.schema import Attempt, ProblemRow, Report
from qwenlab.ui.components import lab, text
from qwenlab.ui.views.comparison import verdict_chip

ALL = "all"
OUTCOMES = [ALL, "gained", "lost", "both", "neither", "not judged"]
HEADERS = ["problem", "difficulty", "base", "tuned", "outcome"]
NOT_RUN = "not run"
NOTHING = '<span class="quiet">nothing</span>'


def verdicts(report: Report) -> list[str]:
    """What either side's first answers got, for a filter."""
    found = {side[0].shown for row in report.problems for side in (row.base, row.tuned) if side}
    return [ALL, *sorted(found)]


def table(report: Report, outcome: str, verdict: str) -> list[list[str]]:
    """The rows that pass both filters, in the report's order; `verdict` may be either side's."""
    return [
        [row.name, row.difficulty, _shown(row.base), _shown(row.tuned), row.outcome]
        for row in report.problems
        if outcome in (ALL, row.outcome) and verdict in (ALL, _shown(row.base), _shown(row.tuned))
    ]


def statement(row: ProblemRow) -> str:
    """What was asked, as plain text in a box."""
    return lab(
        f'<div class="card"><b>{text(row.name)}</b> <span class="quiet">{text(row.difficulty)} · {row.outcome}</span>'
        f'<pre class="statement">{text(row.description)}</pre></div>'
    )


def outcome(attempts: Sequence[Attempt]) -> str:
    """What became of one side's first program: its verdict, and the test that it failed on."""
    if not attempts:
        return ""
    attempt = attempts[0]
    chips = verdict_chip(attempt.verdict or "") if attempt.verdict or not attempt.code else _unjudged(attempt)
    cut = ' <span class="chip amber">answer cut off</span>' if attempt.truncated else ""
    said = attempt.verdict and MEANING[attempt.verdict]
    cause = f' <span class="quiet">{text(attempt.cause)}</span>' if attempt.cause and attempt.cause != said else ""
    more = f' <span class="quiet">first of {len(attempts)} answers</span>' if len(attempts) > 1 else ""
    return lab(f"<div>{chips}{cut}{cause}{more}</div>{_failing(attempt)}")


def code(attempts: Sequence[Attempt]) -> str:
    """One side's first program; where none was found, the answer as it is."""
    return attempts[0].code or attempts[0].answer if attempts else ""


def _shown(attempts: Sequence[Attempt]) -> str:
    return attempts[0].shown if attempts else ""


def _unjudged(attempt: Attempt) -> str:
    return f'<span class="chip slate">{NOT_RUN}{"" if attempt.parses else " · does not parse"}</span>'


def _failing(attempt: Attempt) -> str:
    test = attempt.failing_test
    if test is None:
        return f"<p>all {attempt.tests} tests passed</p>" if attempt.verdict else ""
    parts = {"input": test.input, "expected": test.expected, "got": test.got}
    if test.error:
        parts["error"] = test.error
    shown = "".join(f"<dt>{name}</dt><dd><pre>{text(value) or NOTHING}</pre></dd>" for name, value in parts.items())
    return f"<p>test {test.number} of {attempt.tests}, {test.seconds:.2f} s</p><dl>{shown}</dl>"
