"""A DatasetReport on a terminal: the funnel from rows in to rows kept, and what is left, in a few lines.

Texts of the data go through `plain`, and into rich as `Text`: neither a terminal's control characters nor rich's own
markup in them has any effect.
"""

from collections.abc import Iterator
from pathlib import Path

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from qwenlab.data.leakage import RUN
from qwenlab.data.report import SHAPE_RULES, Bin, DatasetReport, Lengths, Overlap, Rule, TokenLengths
from qwenlab.text import percent

NAMES: dict[Rule, str] = {
    "not_text": "no text",
    "tool_calls": "tool calls",
    "unwanted": "unwanted answer",
    "unknown_role": "unknown role",
    "not_learned": "nothing learned",
    "empty": "empty",
    "too_short": "too short",
    "too_long": "too long",
    "duplicate": "duplicate",
    "encoding": "encoding fault",
    "control_tokens": "control tokens",
    "incomplete": "incomplete",
    "conversation": "not a conversation",
}
"""The rules in a user's words."""

QUIET, DROPPED, KEPT = "bright_black", "yellow", "green"
BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 100


def funnel(report: DatasetReport) -> RenderableType:
    """The whole report, as wide as the terminal up to 100 characters."""
    parts = [_head(report), _rules(report), _facts(report), *_examples(report)]
    spaced = [line for part in parts for line in (part, Text())]
    return Constrain(Group(*spaced), WIDTH)


def overlap_line(overlap: Overlap, texts: str, data: str) -> str:
    """An overlap as a sentence: which `texts` were looked for in which `data`."""
    if not overlap.compared:
        return f"there are no {texts} to compare"
    if not overlap.exact + overlap.near:
        return f"none of {overlap.compared:,} {texts} is in {data}"
    found = []
    if overlap.exact:
        found.append(f"{overlap.exact:,} word for word")
    if overlap.near:
        found.append(f"{overlap.near:,} by a run of {RUN} words")
    return f"of {overlap.compared:,} {texts}, {' and '.join(found)} also in {data}"


def shown_rules(report: DatasetReport) -> list[tuple[Rule, int]]:
    """Each rule with the rows that it dropped; those about what most data does not hold only where they dropped any."""
    return [(rule, count) for rule, count in report.dropped.items() if count or rule not in SHAPE_RULES]


def read_files(report: DatasetReport) -> str:
    """The files that were read, where the source does not say it."""
    said = ([Path(report.source).name], [report.source])
    return "" if report.files in said else ", ".join(report.files)


def plain(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _head(report: DatasetReport) -> RenderableType:
    roles = {"messages": "turns"}
    mapping = ", ".join(f"{roles.get(role, role)} from {plain(column)}" for role, column in report.mapping.items())
    layout = report.layout.replace("_", " and ")
    return Text.assemble((plain(report.source), "bold"), "\n", (f"{layout}: {mapping}", QUIET))


def _rules(report: DatasetReport) -> RenderableType:
    table = _grid()
    table.add_column(justify="right")
    table.add_column(ratio=1)
    table.add_column(justify="right", min_width=6)
    table.expand = True
    total = left = report.rows_in
    table.add_row("rows in", f"{total:,}", Bar(total, 0, total, color=QUIET))
    for rule, count in shown_rules(report):
        style = "default" if count else QUIET
        bar = Bar(total, left - count, left, color=DROPPED) if count else Text()
        share = Text(percent(count, total) if count else "", style)
        table.add_row(Text(NAMES[rule], style), Text(f"{count:,}", style), bar, share)
        left -= count
    kept = Bar(total, 0, report.rows_kept, color=KEPT)
    table.add_row("kept", f"{report.rows_kept:,}", kept, percent(report.rows_kept, total), style="bold")
    return table


def _facts(report: DatasetReport) -> RenderableType:
    table = _grid()
    table.columns[0].style = QUIET
    table.add_column()
    for name, value in _lines(report):
        table.add_row(name, value)
    return table


def _lines(report: DatasetReport) -> Iterator[tuple[str, Text]]:
    if read := read_files(report):
        yield "files", Text(plain(read))
    yield "split", Text(f"{report.train_rows:,} rows to train on, {report.validation_rows:,} for validation")
    if report.reasoning_rows:
        yield "reasoning", Text(f"in {report.reasoning_rows:,} of {_rows(report.rows_kept)}")
    yield "characters", _lengths(report.characters)
    if report.tokens:
        yield "tokens", _lengths(report.tokens)
        yield "", Text(_cut(report.tokens))
        if report.tokens.nothing_to_learn:
            rows = _rows(len(report.tokens.nothing_to_learn), "is", "are")
            yield "", Text(f"{rows} fully masked after truncation")
    if report.changed["code_fences"]:
        yield "code fences", Text(f"made uniform in {_rows(report.changed['code_fences'])}")
    if report.changed.get("unanswered_turns"):
        yield "last turns", Text(f"nobody answers them: left out in {_rows(report.changed['unanswered_turns'])}")
    yield "leakage", Text(overlap_line(report.leakage, "validation rows", "training"))
    if report.against:
        yield "", Text(overlap_line(report.against, "problems", "the kept rows"))
    for note in report.notes:
        yield "note", Text(plain(note))


def _lengths(lengths: Lengths) -> Text:
    numbers = f"median {lengths.median:,.0f}, 95 % up to {lengths.p95:,.0f}\n"
    return Text.assemble(numbers, (f"{lengths.min:,} {_sparkline(lengths.histogram)} {lengths.max:,}", QUIET))


def _cut(tokens: TokenLengths) -> str:
    if not tokens.truncated:
        return "no row is longer than max_length"
    share = f"({100 * tokens.truncated_share:.1f} %)"
    return f"{_rows(tokens.truncated, f'{share} is', f'{share} are')} longer than max_length"


def _rows(count: int, one: str = "", more: str = "") -> str:
    return f"1 row {one}".strip() if count == 1 else f"{count:,} rows {more}".strip()


def _sparkline(histogram: list[Bin]) -> str:
    most = max(bar.rows for bar in histogram)
    # Rounded up: a bar that has rows is never drawn as empty.
    return "".join(BLOCKS[-(-bar.rows * (len(BLOCKS) - 1) // most)] for bar in histogram)


def _examples(report: DatasetReport) -> Iterator[RenderableType]:
    """One dropped row of each rule that dropped any."""
    table = _grid()
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style=QUIET)
    table.expand = True
    for rule, examples in report.examples.items():
        for example in examples[:1]:
            repeats = f"repeats row {example.repeats.row}: " if example.repeats else ""
            where = plain(str(example)), "default"
            table.add_row(Text(NAMES[rule], QUIET), Text.assemble(where, "  ", plain(repeats + example.text)))
    if table.row_count:
        yield table


def _grid() -> Table:
    """A table without lines; its first column, of labels, is as wide in each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=max(map(len, NAMES.values())), no_wrap=True)
    return table
