"""A report as files: JSON for programs, Markdown to paste somewhere, and a page that opens offline.

The answer comes first, then what it rests on; the page ends with every problem. Nothing is fetched and no script runs,
which the page itself forbids the browser. What models and problem files wrote is text, everywhere.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template

from qwenlab.evaluation.programs.results import FailingTest
from qwenlab.evaluation.programs.verdict import MEANING
from qwenlab.files import write_atomically
from qwenlab.report import charts, tables
from qwenlab.report.schema import NO_PROGRAM, NOT_RUN, Attempt, Metric, Outcome, ProblemRow, Report
from qwenlab.report.tables import Table

TEMPLATE = Path(__file__).with_name("report.html.jinja")

OUTCOMES: tuple[Outcome, ...] = ("gained", "lost", "both", "neither", "not judged")
VERDICTS = (*map(str, MEANING), NOT_RUN, NO_PROGRAM)

SPECIAL = re.compile(r"[\\`*_\[\]<>|#&~$]")
"""Characters that could be more than themselves in Markdown; what is escaped reads as it was."""

BREAKS = re.compile(r"[^\S\N{NO-BREAK SPACE}]+")


def write(report: Report, folder: Path) -> None:
    """report.json, report.md and report.html, each whole at every moment."""
    write_atomically(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    write_atomically(folder / "report.md", markdown(report))
    write_atomically(folder / "report.html", page(report))


class Line(NamedTuple):
    """A line of a difference."""

    kind: str
    """expected: it is missing; got: it is too much; same: both have it."""
    text: str


def page(report: Report) -> str:
    """The whole page as HTML."""
    outcomes = Counter(row.outcome for row in report.problems)
    verdicts = Counter(verdict for row in report.problems for verdict in _verdicts(row))
    return _template().render(
        report=report,
        opening=report.sentence.partition(":")[0],
        charts=charts,
        tables=tables,
        pictures=[*_pictures(report)],
        filters={
            "outcome": [(name, outcomes[name]) for name in OUTCOMES if outcomes[name]],
            "verdict": [(name, verdicts[name]) for name in VERDICTS if verdicts[name]],
        },
        verdicts=_verdicts,
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


def markdown(report: Report) -> str:
    """Everything but the answers, to paste into an issue, a chat or a model card."""
    return "\n\n".join(_parts(report)) + "\n"


def _verdicts(row: ProblemRow) -> set[str]:
    """Of all answers, of either side."""
    return {attempt.shown for attempt in (*row.base, *row.tuned)}


def _pictures(report: Report) -> Iterator[str]:
    """Of the metric that matters, and of the training."""
    shown: Metric = "pass" if "pass" in report.strata else "generation"
    if strata := report.strata.get(shown):
        counted = "Problems solved" if shown == "pass" else "Problems with a program"
        yield charts.rates_chart(f"{counted}, by difficulty{tables.first_answers(report)}", strata)
    if report.curve.train or report.curve.validation:
        yield charts.loss_chart(report.curve.train, report.curve.validation)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _parts(report: Report) -> Iterator[str]:
    yield f"# {_plain(report.sentence)}"
    yield " ".join(_plain(line) for line in tables.noise(report))
    yield _table(tables.criteria(report))
    yield _table(tables.metrics(report))
    yield _table(tables.strata(report))
    yield _table(tables.transitions(report))
    for title, names in (("Gained", report.transitions.gained), ("Lost", report.transitions.lost)):
        yield f"**{title} ({len(names)})**: {', '.join(map(_plain, names)) or 'none'}"
    yield _table(tables.causes(report))
    if report.advice:
        yield "## What to try next"
        advice = (f"**{one.about}**: {_plain(one.text)} Evidence: {_plain(one.evidence)}." for one in report.advice)
        yield "\n".join(f"- {one}" for one in advice)
    yield "## What to keep in mind"
    yield _plain(report.problem_set.contamination)
    yield _table(tables.checks(report.self_check))
    yield _table(tables.cost(report))
    yield _table(tables.provenance(report))


def _table(table: Table) -> str:
    cells = [[_plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    lines = [_line(cells[0]), _line(["---"] * len(table.columns)), *map(_line, cells[1:])] if table.rows else []
    return "\n\n".join(part for part in (f"## {table.title}", "\n".join(lines), _plain(table.note)) if part)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """The text as text, on one line: no Markdown and no HTML in it."""
    return SPECIAL.sub(r"\\\g<0>", BREAKS.sub(" ", text.strip()))
