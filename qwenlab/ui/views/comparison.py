"""How answers look side by side: as they stream, once they are kept, and earlier ones."""

from collections.abc import Sequence
from typing import Any

from qwenlab.evaluation.verdict import MEANING, Verdict
from qwenlab.runs.comparisons import Column, Comparison
from qwenlab.stats.intervals import rate
from qwenlab.stats.paired import mcnemar_p
from qwenlab.stats.types import ALPHA, Rate
from qwenlab.ui.components import lab, text
from qwenlab.ui.side_by_side import Answer

BASE = "base"
LETTERS = "AB"
MOST_EARLIER = 20
"""Earlier comparisons that are listed."""


def streaming(answers: Sequence[Answer], blind: bool) -> str:
    """The columns while they grow."""
    return _columns(
        [
            _column(_title(answer.model, index, blind), _kind(answer.model, blind), answer.text, _going(answer, blind))
            for index, answer in enumerate(answers)
        ]
    )


def finished(comparison: Comparison) -> str:
    """The columns with their stamps, which a blind comparison shows once there is a choice."""
    return _columns([_kept(column, index, comparison) for index, column in enumerate(comparison.columns)])


def empty() -> str:
    """What stands here before the first answer."""
    return lab(
        '<div class="card quiet">Base and tuned will answer here side by side, from one model in memory: the same '
        "prompt, the same seed, the adapter off and on. Press <b>Answer side by side</b>.</div>"
    )


def earlier(comparisons: Sequence[Comparison]) -> str:
    """Comparisons as a list that opens, newest first."""
    if not comparisons:
        return ""
    rows = [_entry(comparison) for comparison in reversed(comparisons[-MOST_EARLIER:])]
    return lab(f'<h3>Earlier comparisons</h3><div class="earlier">{"".join(rows)}</div>')


def tally(preferred: int, against: int, neither: int) -> str:
    """The blind choices as a sentence with its interval; nothing before the first."""
    if not preferred + against + neither:
        return ""
    measured = rate(preferred, preferred + against)
    also = f" {neither} times neither." if neither else ""
    return lab(f'<div class="card" aria-label="Tally of blind choices">{_tally_sentence(measured)}{also}</div>')


def verdict_chip(verdict: str) -> str:
    """Accepted on the accent, anything else as a note; empty: there was no program."""
    if not verdict:
        return '<span class="chip slate">no program</span>'
    colour = "accent" if verdict == Verdict.AC else "amber"
    return f'<span class="chip {colour}">{text(verdict)} · {MEANING[Verdict(verdict)]}</span>'


def stamp(stamp: dict[str, Any]) -> str:
    """What made a column, in a line; another server than ours tells little of it."""
    parts = [str(stamp.get("model", "unknown"))]
    if "endpoint" in stamp:
        parts.append(f"at {stamp['endpoint']}")
    if "weights_sha256" in stamp:
        adapter = stamp["adapter_sha256"]
        parts += [
            f"weights {stamp['weights_sha256'][:8]}",
            f"adapter on {adapter[:8]}" if adapter else "adapter off",
            f"template {stamp['template_sha256'][:8]}",
            f"{stamp['dtype']} on {stamp['device']}",
        ]
    return " · ".join(map(text, parts))


def _tally_sentence(measured: Rate) -> str:
    if measured.value is None or measured.interval is None:
        return "Blind choices: none between the two so far."
    low, high = measured.interval
    known = mcnemar_p(measured.count, measured.n - measured.count) < ALPHA
    beyond = "beyond chance" if known else "a coin could do the same"
    return (
        f'Blind choices: <b class="accent">tuned</b> preferred in {measured.count} of {measured.n} '
        f"({100 * measured.value:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f} %): {beyond}."
    )


def _kept(column: Column, index: int, comparison: Comparison) -> str:
    hidden = comparison.is_hidden
    if hidden:
        told = '<div class="stamp">Who this is, is told after your choice.</div>'
    else:
        speed = f" · {column.tokens / column.seconds:,.0f} tokens/s" if column.tokens and column.seconds else ""
        cut = ' · <span class="amber">ran out of tokens</span>' if column.finish == "length" else ""
        told = f'<div class="stamp">{stamp(column.stamp)}<br>{column.tokens:,} tokens{speed}{cut}</div>'
    if column.verdict is not None:
        detail = f'<pre class="detail">{text(column.detail)}</pre>' if column.detail else ""
        told = f"<div>{verdict_chip(column.verdict)}</div>{detail}{told}"
    title = _title(column.model, index, hidden)
    if comparison.blind and not hidden:
        title = f"{LETTERS[index]}: {title}" + (" · your choice" if comparison.choice == column.model else "")
    return _column(title, _kind(column.model, hidden), column.text, told)


def _going(answer: Answer, blind: bool) -> str:
    if answer.fault:
        return f'<div class="fault"><pre role="alert">{text(answer.fault)}</pre></div>'
    if blind:
        return '<div class="stamp">Who this is, is told after your choice.</div>'
    speed = f"{answer.tokens_per_second:,.0f} tokens/s" if answer.tokens_per_second else "answering"
    return f'<div class="stamp">{speed}</div>'


def _title(model: str, index: int, blind: bool) -> str:
    if blind:
        return LETTERS[index]
    return "base" if model == BASE else f"tuned · {model}"


def _kind(model: str, blind: bool) -> str:
    return "hidden" if blind else "base" if model == BASE else "tuned"


def _column(title: str, kind: str, answer: str, below: str) -> str:
    return (
        f'<section class="answer {kind}" aria-label="{text(title)}"><h4>{text(title)}</h4>'
        f"<pre>{text(answer)}</pre>{below}</section>"
    )


def _columns(columns: Sequence[str]) -> str:
    return lab(f'<div class="columns">{"".join(columns)}</div>')


def _entry(comparison: Comparison) -> str:
    question = comparison.messages[-1]["content"].strip()
    first, *_ = question.splitlines() or [""]
    names = "A and B" if comparison.is_hidden else ", ".join(column.model for column in comparison.columns)
    marks = "".join(
        f" {verdict_chip(column.verdict)}" for column in comparison.columns if column.verdict and not comparison.blind
    )
    choice = f" · preferred: {comparison.choice or 'neither'}" if comparison.choice is not None else ""
    how = f"at most {comparison.max_tokens} tokens, temperature {comparison.temperature:g}, seed {comparison.seed}"
    return (
        f"<details><summary>{comparison.created:%d %b %H:%M} · {text(first[:100])}"
        f'<span class="quiet"> · {text(names)}{text(choice)}</span>{marks}</summary>'
        f'<pre class="asked">{text(question)}</pre><div class="stamp">{text(how)}</div>'
        f"{finished(comparison)}</details>"
    )
