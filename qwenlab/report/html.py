"""A report as one page that opens offline: the answer first, then what it rests on, then every problem.

Nothing is fetched and no script runs, which the page itself forbids the browser; what models and problem files wrote is
text.
"""

import difflib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qwenlab.evaluation.results import FailingTest
from qwenlab.evaluation.verdict import MEANING
from qwenlab.report import colours, plots, tables
from qwenlab.report.schema import Attempt, Metric, Outcome, Report

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("report.html.jinja")

OUTCOMES: tuple[Outcome, ...] = ("gained", "lost", "both", "neither", "not judged")


class Line(NamedTuple):
    """A line of a difference."""

    kind: str
    """expected: it is missing; got: it is too much; same: both have it."""
    text: str


def page(report: Report) -> str:
    """The whole page as HTML."""
    counts = Counter(row.outcome for row in report.problems)
    shown: Metric = "pass" if "pass" in report.strata else "generation"
    strata = report.strata.get(shown, ())
    return _template().render(
        report=report,
        opening=report.sentence.partition(":")[0],
        colours=colours,
        tables=tables,
        shown=shown,
        rates=plots.rates_by_difficulty(strata) if strata else None,
        losses=plots.losses(report.curve) if report.curve.train or report.curve.validation else None,
        outcomes=[(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]],
        meaning=lambda verdict: MEANING.get(verdict, ""),
        headline=headline,
        difference=difference,
    )


def headline(attempts: tuple[Attempt, ...]) -> str:
    """What became of a problem's answers, in a word or two."""
    if len(attempts) == 1:
        return attempts[0].shown
    return f"{sum(one.shown == 'AC' for one in attempts)} of {len(attempts)} AC"


def difference(test: FailingTest) -> list[Line]:
    """Between what a test expects and what the program wrote, line by line."""
    expected, got = test.expected.splitlines(), test.got.splitlines()
    lines: list[Line] = []
    # Without autojunk: a line that is frequent, such as YES, is as telling as any other.
    for tag, first, first_end, second, second_end in difflib.SequenceMatcher(
        None, expected, got, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            lines += [Line("same", text) for text in expected[first:first_end]]
        else:
            lines += [Line("expected", text) for text in expected[first:first_end]]
            lines += [Line("got", text) for text in got[second:second_end]]
    return lines


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
