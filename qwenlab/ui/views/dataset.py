"""A data set's report as pictures: the funnel with examples, lengths against the limit, leakage."""

from qwenlab.data.preview import PreviewRow
from qwenlab.data.report import DatasetReport, Example, TokenLengths
from qwenlab.data.terminal import NAMES, overlap_line, read_files, shown_rules
from qwenlab.report.charts import histogram
from qwenlab.text import percent
from qwenlab.ui.components import facts, lab, text


def report_view(report: DatasetReport, max_length: int) -> str:
    """The whole report."""
    mapping = ", ".join(f"{role} from {column}" for role, column in report.mapping.items())
    head = (
        f'<div class="card"><b>{text(report.source)}</b>'
        f'<p class="quiet">{text(report.layout.replace("_", " and "))}: {text(mapping)}</p>'
        f"{_funnel(report)}{_facts(report)}{_leaks(report)}{_notes(report)}</div>"
    )
    return lab(head + (_tokens(report.tokens, max_length) if report.tokens else ""))


def row_title(row: PreviewRow, number: int, of: int, max_length: int) -> str:
    """Which row this is, and what becomes of it."""
    cut = f", truncated at {max_length:,}" if row.tokens > max_length else ""
    return f"{number} of {of}: row {row.row:,} of {row.file}; {row.tokens:,} tokens{cut}, {row.learned:,} in the loss"


def _funnel(report: DatasetReport) -> str:
    total = left = report.rows_in
    lines = [_line("rows in", total, 0, total, total, "slate")]
    for rule, count in shown_rules(report):
        lines.append(_line(NAMES[rule], count, left - count, left, total, "amber", report.examples.get(rule, [])))
        left -= count
    lines.append(_line("kept", report.rows_kept, 0, report.rows_kept, total, "accent"))
    return f'<div class="funnel">{"".join(lines)}</div>'


def _line(
    name: str, count: int, start: int, stop: int, total: int, colour: str, examples: list[Example] | None = None
) -> str:
    """One bar; it opens to the rows that the rule dropped."""
    bar = (
        f'<span class="track"><i class="{colour}" style="margin-left:{100 * start / total:.2f}%;'
        f'width:{max(100 * (stop - start) / total, 0.3 if count else 0):.2f}%"></i></span>'
    )
    share = percent(count, total) if count and name != "rows in" else ""
    shown = f"<span>{text(name)}</span><span>{count:,}</span>{bar}<span>{share}</span>"
    if not examples:
        return f'<div class="step{"" if count else " none"}">{shown}</div>'
    rows = "".join(f"<li>{_where(example)}<pre>{text(example.text)}</pre></li>" for example in examples)
    return f'<details><summary class="step">{shown}</summary><ul>{rows}</ul></details>'


def _where(example: Example) -> str:
    repeats = f", repeats row {example.repeats.row:,} of {example.repeats.file}" if example.repeats else ""
    return text(f"row {example.row:,} of {example.file}{repeats}")


def _facts(report: DatasetReport) -> str:
    numbers = {
        "split": f"{report.train_rows:,} to train on, {report.validation_rows:,} for validation",
        "characters a row": f"median {report.characters.median:,.0f}, longest {report.characters.max:,}",
        "duplicates": f"{report.dropped.get('duplicate', 0):,} dropped",
        "code fences made uniform": f"{report.changed['code_fences']:,} rows",
    }
    if read := read_files(report):
        numbers = {"files": read} | numbers
    if report.reasoning_rows:
        numbers["reasoning"] = f"in {report.reasoning_rows:,} rows"
    if report.changed.get("unanswered_turns"):
        numbers["last turns, which nobody answers"] = f"left out in {report.changed['unanswered_turns']:,} rows"
    leaks = report.leakage.exact + report.leakage.near
    leak = text(overlap_line(report.leakage, "validation rows", "training"))
    shown = {name: text(value) for name, value in numbers.items()}
    return facts(shown | {"leakage": f'<span class="{"amber" if leaks else ""} said">{leak}</span>'})


def _leaks(report: DatasetReport) -> str:
    """Some pairs of a training and a validation row that are the same, or nearly."""
    pairs = "".join(
        f"<li>{text(f'row {pair.train.row:,} of {pair.train.file} and row {pair.other.row:,} of {pair.other.file}')}"
        f"{': the same' if pair.kind == 'exact' else ' share'}<pre>{text(pair.text)}</pre></li>"
        for pair in report.leakage.examples
    )
    return f"<details><summary>examples of leakage</summary><ul>{pairs}</ul></details>" if pairs else ""


def _notes(report: DatasetReport) -> str:
    lines = "".join(f"<li>{text(note)}</li>" for note in report.notes)
    return f'<ul class="notes amber">{lines}</ul>' if lines else ""


def _tokens(tokens: TokenLengths, max_length: int) -> str:
    title = f"Tokens a row: median {tokens.median:,.0f}, longest {tokens.max:,}"
    cut = (
        f"{percent(tokens.truncated_share, 1)} of the rows would be truncated at max_length = {max_length:,}"
        if tokens.truncated
        else f"No row is longer than max_length = {max_length:,}"
    )
    learned = f"{tokens.learned_total:,} of {tokens.total:,} tokens are in the loss"
    empty = len(tokens.nothing_to_learn)
    lost = f' <span class="amber">{empty:,} rows are fully masked after truncation.</span>' if empty else ""
    colour = "amber" if tokens.truncated else "quiet"
    bars = [(float(edge), count) for edge, count in tokens.histogram]
    return (
        histogram(title, bars, max_length, "max_length")
        + f'<p><span class="{colour}">{text(cut)}.</span> <span class="quiet">{text(learned)}.</span>{lost}</p>'
    )
