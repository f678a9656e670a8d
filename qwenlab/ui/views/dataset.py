"""A data set's report as pictures: the funnel with examples, lengths against the limit, leakage."""

from pathlib import Path

from qwenlab.data.report import DatasetReport, Example, TokenLengths
from qwenlab.data.terminal import NAMES, overlap_line, read_files, shown_rules
from qwenlab.recipe import TINY, DataSettings, Recipe
from qwenlab.report.charts import histogram
from qwenlab.text import percent
from qwenlab.tiny import TRAIN_ROWS
from qwenlab.ui.components import facts, lab, text
from qwenlab.ui.jobs.prepared import check_of

USE_ALL = '<button type="button" class="use-all" data-use-all>Use all</button>'
"""What `static/data.js` takes as a wish for all rows."""


def report_view(report: DatasetReport, settings: DataSettings) -> str:
    """The whole report."""
    mapping = ", ".join(f"{role} from {column}" for role, column in report.mapping.items())
    head = (
        f'<div class="card"><b>{text(_named(report.source))}</b>'
        f'<p class="quiet">{text(report.layout.replace("_", " and "))}: {text(mapping)}</p>'
        f"{_funnel(report, settings.max_samples)}{_facts(report)}{_leaks(report)}{_notes(report)}</div>"
    )
    return lab(head + (_tokens(report.tokens, settings.max_length) if report.tokens else ""))


def data_card(runs: Path, recipe: Recipe) -> str:
    """What is known of a recipe's data, in a line: how much it is, and how much of it is used; empty: nothing yet."""
    check = check_of(runs, recipe)
    report = check.report if check.is_done else None
    if report is None:
        return _bundled(recipe.data.max_samples) if recipe.data.source == TINY else ""
    told = [f"{report.rows_found:,} rows"]
    if report.tokens:
        told += [f"{short(report.tokens.total)} tokens", f"median {report.tokens.median:,.0f} tokens"]
    used = f"{report.train_rows:,} to train on, {report.validation_rows:,} for validation"
    unused = report.rows_found - report.rows_in
    left = f"{unused:,} rows not used: max_samples = {recipe.data.max_samples:,}" if unused else ""
    return _card(_named(report.source), told, used, left)


def short(number: int) -> str:
    """`26 k`, `1.3 M`: a number to be compared at a glance."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.0f} {unit}" if number >= 10 * size else f"{number / size:.1f} {unit}"
    return str(number)


def _bundled(max_samples: int) -> str:
    rows = TRAIN_ROWS
    used = min(max_samples or rows, rows)
    left = f"{rows - used:,} rows not used: max_samples = {max_samples:,}" if used < rows else ""
    return _card(TINY, [f"{rows:,} rows", "bundled: short programs"], f"{used:,} rows used", left)


def _named(source: str) -> str:
    """A hub data set as it is called; a file without its folder."""
    return Path(source).name if Path(source).is_absolute() else source


def _card(name: str, told: list[str], used: str, left: str) -> str:
    amber = f' <span class="amber">{text(left)}.</span>' if left else ""
    return lab(
        f'<div class="data-card"><b>{text(name)}</b> <span>· {text(" · ".join(told))}</span>'
        f'<p class="quiet">{text(used)}.{amber}</p></div>'
    )


def _funnel(report: DatasetReport, max_samples: int) -> str:
    total, left = report.rows_found, report.rows_in
    lines = [_line("rows in the data", total, 0, total, total, "slate")]
    if unused := total - left:
        name = f"not used: max_samples = {max_samples:,}"
        lines.append(_line(name, unused, left, total, total, "amber") + USE_ALL)
    silent = []
    for rule, count in shown_rules(report):
        if not count:
            silent.append(NAMES[rule])
            continue
        lines.append(_line(NAMES[rule], count, left - count, left, total, "amber", report.examples.get(rule, [])))
        left -= count
    if silent:
        rules = "1 rule" if len(silent) == 1 else f"{len(silent)} rules"
        names = f"<p>{text(', '.join(silent))}</p>"
        lines.append(f'<details class="silent"><summary>{rules} dropped nothing</summary>{names}</details>')
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
    share = percent(count, total) if count and start + total != stop else ""
    shown = f"<span>{text(name)}</span><span>{count:,}</span>{bar}<span>{share}</span>"
    if not examples:
        return f'<div class="step">{shown}</div>'
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
