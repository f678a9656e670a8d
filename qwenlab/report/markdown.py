"""A report as Markdown, to paste into an issue, a chat or a model card: everything but the answers."""

import re
from collections.abc import Iterable, Iterator

from qwenlab.report import tables
from qwenlab.report.schema import Report
from qwenlab.report.tables import Table

SPECIAL = re.compile(r"[\\`*_\[\]<>|#&~$]")
"""Characters that could be more than themselves; what is escaped reads as it was."""

BREAKS = re.compile(r"[^\S\N{NO-BREAK SPACE}]+")


def markdown(report: Report) -> str:
    """The answer first, then what it rests on."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {_plain(report.sentence)}"
    yield " ".join(_plain(line) for line in tables.noise(report))
    yield _table(
        Table(
            title="Success criteria",
            columns=("criterion", "wanted", "", "figures", "beside noise"),
            rows=tuple((one.name, one.wanted, one.status, one.figures, one.noise) for one in report.criteria),
        )
    )
    yield _table(tables.metrics(report))
    yield _table(tables.strata(report))
    yield _table(tables.transitions(report))
    for title, names in (("Gained", report.transitions.gained), ("Lost", report.transitions.lost)):
        yield f"**{title} ({len(names)})**: {', '.join(map(_plain, names)) or 'none'}"
    yield _table(tables.causes(report))
    if report.advice:
        yield "## What to try next"
        yield _list(f"**{one.about}**: {_plain(one.text)} Evidence: {_plain(one.evidence)}." for one in report.advice)
    yield "## What to keep in mind"
    yield _plain(report.problem_set.contamination)
    yield _table(tables.checks(report.self_check))
    yield _table(tables.cost(report))
    yield _table(tables.provenance(report))


def _table(table: Table) -> str:
    lines = []
    if table.rows:
        lines = [_line(table.columns), _line("---" for _ in table.columns), *(_line(row) for row in table.rows)]
    parts = (f"## {table.title}", "\n".join(lines), _plain(table.note))
    return "\n\n".join(part for part in parts if part)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else _plain(cell) for cell in cells)} |"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _plain(text: str) -> str:
    """The text as text, on one line: no Markdown and no HTML in it."""
    return SPECIAL.sub(r"\\\g<0>", BREAKS.sub(" ", text.strip()))
