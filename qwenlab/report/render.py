"""A report as files: JSON for programs, Markdown to paste somewhere, and a page that opens offline.

The answer comes first, then each suite with what it rests on and every item. Nothing is fetched and no script runs,
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
from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.files import write_atomically
from qwenlab.report import charts, tables
from qwenlab.report.criteria import COLOURS
from qwenlab.report.drift import sentence as drift_sentence
from qwenlab.report.drift import table as drift_table
from qwenlab.report.result_card import draw
from qwenlab.report.schema import (
    NO_ANSWER,
    NO_PROGRAM,
    NOT_RUN,
    RIGHT,
    WRONG,
    Attempt,
    Curve,
    ItemRow,
    Outcome,
    Report,
    SuiteReport,
)
from qwenlab.report.summary import summarise
from qwenlab.report.tables import Table
from qwenlab.stats.paired import SOLVED

TEMPLATE = Path(__file__).with_name("report.html.jinja")

OUTCOMES: tuple[Outcome, ...] = ("gained", "lost", "both", "neither", "not judged")
VERDICTS = (*map(str, MEANING), NOT_RUN, NO_PROGRAM, RIGHT, WRONG, NO_ANSWER)

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
    return _template().render(
        report=report,
        card=draw(summarise(report)),
        charts=charts,
        tables=tables,
        drift=drift_sentence,
        drift_table=drift_table,
        training=training_picture(report.curve),
        picture=_picture,
        filters=_filters,
        verdicts=_verdicts,
        meaning=lambda verdict: MEANING.get(verdict, ""),
        solved=SOLVED,
        headline=headline,
        colours=COLOURS,
        difference=difference,
    )


def headline(attempts: tuple[Attempt, ...]) -> str:
    """What became of an item's answers, in a word or two."""
    if len(attempts) == 1:
        return attempts[0].shown
    solved = attempts[0].shown if attempts[0].shown in SOLVED else str(Verdict.AC) if attempts[0].verdict else RIGHT
    return f"{sum(one.shown in SOLVED for one in attempts)} of {len(attempts)} {solved}"


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


def _verdicts(row: ItemRow) -> set[str]:
    """Of all answers, of either side; losses are none."""
    return {attempt.shown for attempt in (*row.base, *row.tuned) if attempt.shown in VERDICTS}


def _filters(suite: SuiteReport) -> dict[str, list[tuple[str, int]]]:
    """By what rows can be chosen, and how many of each there are."""
    outcomes = Counter(row.outcome for row in suite.rows)
    verdicts = Counter(verdict for row in suite.rows for verdict in _verdicts(row))
    found = {
        "outcome": [(str(name), outcomes[name]) for name in OUTCOMES if outcomes[name]],
        "verdict": [(name, verdicts[name]) for name in VERDICTS if verdicts[name]],
    }
    return {group: names for group, names in found.items() if names}


def _picture(suite: SuiteReport) -> str:
    """Of the metric that matters, where there is more than one difficulty or kind."""
    shown = suite.main if suite.main in suite.strata else next(iter(suite.strata), None)
    if shown is None or len(suite.strata[shown]) < 2:
        return ""
    counted = {"pass": "Problems solved", "generation": "Problems with a program"}.get(shown, "Right answers")
    return charts.rates_chart(
        f"{counted}, by {tables.grouping(suite)}{tables.first_answers(suite)}", suite.strata[shown]
    )


def training_picture(curve: Curve) -> str:
    """The loss curves; empty where there are none."""
    return charts.loss_chart(curve.train, curve.validation) if curve.train or curve.validation else ""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _parts(report: Report) -> Iterator[str]:
    if len(report.suites) == 1:
        yield f"# {_plain(report.sentence)}"
    else:
        yield "# Did it help, did it forget?"
        yield "\n".join(f"- {_plain(suite.sentence)}" for suite in report.suites.values())
    if mode := tables.mode(report):
        yield _plain(mode)
    if report.criteria:
        yield _table(tables.criteria(report))
    for suite in report.suites.values():
        yield from _suite_parts(suite)
    if report.advice:
        yield "## What to try next"
        advice = (f"**{one.about}**: {_plain(one.text)} Evidence: {_plain(one.evidence)}." for one in report.advice)
        yield "\n".join(f"- {one}" for one in advice)
    if report.drift:
        yield _table(drift_table(report.drift))
    if report.self_check:
        yield _table(tables.checks(report.self_check))
    yield _table(tables.cost(report))
    yield _table(tables.provenance(report))


def _suite_parts(suite: SuiteReport) -> Iterator[str]:
    yield f"## {_plain(suite.title)}: {suite.verdict}"
    if not suite.rows:
        yield _plain(suite.why)
        return
    yield " ".join(_plain(line) for line in tables.noise(suite))
    yield _table(tables.metrics(suite), level=3)
    if retention := tables.retention(suite):
        yield _plain(retention)
    if suite.strata:
        yield _table(tables.strata(suite), level=3)
    if suite.transitions:
        yield _table(tables.transitions(suite), level=3)
        for title, names in (("Gained", suite.transitions.gained), ("Lost", suite.transitions.lost)):
            yield f"**{title} ({len(names)})**: {', '.join(map(_plain, names)) or 'none'}"
    if suite.causes:
        yield _table(tables.causes(suite), level=3)
    yield f"{_plain(tables.asked(suite))} {_plain(suite.asked.contamination)}"


def _table(table: Table, level: int = 2) -> str:
    cells = [[_plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    lines = [_line(cells[0]), _line(["---"] * len(table.columns)), *map(_line, cells[1:])] if table.rows else []
    return "\n\n".join(part for part in (f"{'#' * level} {table.title}", "\n".join(lines), _plain(table.note)) if part)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """The text as text, on one line: no Markdown and no HTML in it."""
    return SPECIAL.sub(r"\\\g<0>", BREAKS.sub(" ", text.strip()))
