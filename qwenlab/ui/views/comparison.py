"""How answers look side by side: as they stream, once they are kept, and earlier ones."""

from collections.abc import Sequence

from qwenlab.answering.answerer import BASE
from qwenlab.comparison.side_by_side import Growing, cut_line, reasoning_line, speed_line, stamp_line
from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.runs.comparisons import Column, Comparison
from qwenlab.runs.mode import modes_differ
from qwenlab.ui.components import lab, text

LETTERS = "AB"
MOST_EARLIER = 20
"""Earlier comparisons that are listed."""


def streaming(columns: Sequence[Growing], blind: bool) -> str:
    """The columns while they grow."""
    return _columns(
        [
            _column(
                _title(column.model, index, blind),
                _kind(column.model, blind),
                _folded(column.reasoning, is_open=not column.text and not column.answer),
                column.text,
                _going(column, blind),
            )
            for index, column in enumerate(columns)
        ]
    )


def finished(comparison: Comparison) -> str:
    """The columns with their stamps, which a blind comparison shows once there is a choice."""
    columns = _columns([_kept(column, index, comparison) for index, column in enumerate(comparison.columns)])
    modes = {column.model: column.stamp.get("thinking") for column in comparison.columns}
    told = "" if comparison.is_hidden else modes_differ(modes)
    return f'{lab(f"""<p class="quiet">{text(told)}</p>""")}{columns}' if told else columns


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


def tally(sentence: str) -> str:
    """The blind choices."""
    return lab(f'<div class="card" aria-label="Tally of blind choices">{text(sentence)}</div>')


def verdict_chip(verdict: str) -> str:
    """Accepted on the accent, anything else as a note; empty: there was no program."""
    if not verdict:
        return '<span class="chip slate">no program</span>'
    colour = "accent" if verdict == Verdict.AC else "amber"
    return f'<span class="chip {colour}">{text(verdict)} · {MEANING[Verdict(verdict)]}</span>'


def _kept(column: Column, index: int, comparison: Comparison) -> str:
    hidden = comparison.is_hidden
    if hidden:
        told = '<div class="stamp">Model names are revealed after you vote.</div>'
    else:
        cut = f' · <span class="amber">{cut_line(column)}</span>' if cut_line(column) else ""
        told = f'<div class="stamp">{text(stamp_line(column.stamp))}<br>{speed_line(column)}{cut}</div>'
    if column.verdict is not None:
        detail = f'<pre class="detail">{text(column.detail)}</pre>' if column.detail else ""
        told = f"<div>{verdict_chip(column.verdict)}</div>{detail}{told}"
    title = _title(column.model, index, hidden)
    if comparison.blind and not hidden:
        title = f"{LETTERS[index]}: {title}" + (" · your choice" if comparison.choice == column.model else "")
    reasoning = _folded(column.reasoning, column.reasoning_tokens)
    return _column(title, _kind(column.model, hidden), reasoning, column.text, told)


def _going(column: Growing, blind: bool) -> str:
    if column.fault:
        return f'<div class="fault"><pre role="alert">{text(column.fault)}</pre></div>'
    if blind:
        return '<div class="stamp">Model names are revealed after you vote.</div>'
    return f'<div class="stamp">{_state(column)}</div>'


def _state(column: Growing) -> str:
    if column.answer is None:
        return "thinking" if column.reasoning and not column.text else "answering"
    tokens, seconds = column.answer.tokens, column.seconds
    return f"{tokens / seconds:,.0f} tokens/s" if tokens and seconds else "ended"


def _title(model: str, index: int, blind: bool) -> str:
    if blind:
        return LETTERS[index]
    return "base" if model == BASE else f"tuned · {model}"


def _kind(model: str, blind: bool) -> str:
    return "hidden" if blind else "base" if model == BASE else "tuned"


def _folded(reasoning: str, tokens: int = 0, is_open: bool = False) -> str:
    """The reasoning with its length, folded unless it is being written; empty where there is none."""
    if not reasoning:
        return ""
    kind = 'class="thought growing" open' if is_open else 'class="thought"'  # growing: scrolled to its end
    return (
        f"<details {kind}><summary>{reasoning_line(reasoning, tokens)}</summary><pre>{text(reasoning)}</pre></details>"
    )


def _column(title: str, kind: str, reasoning: str, answer: str, below: str) -> str:
    return (
        f'<section class="answer {kind}" aria-label="{text(title)}"><h4>{text(title)}</h4>{reasoning}'
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
    thinks = any(column.stamp.get("thinking") for column in comparison.columns)
    also = f" and {comparison.max_thinking_tokens} of reasoning" if thinks else ""
    how = (
        f"at most {comparison.max_tokens} tokens{also}, temperature {comparison.temperature:g}, seed {comparison.seed}"
    )
    return (
        f"<details><summary>{comparison.created:%d %b %H:%M} · {text(first[:100])}"
        f'<span class="quiet"> · {text(names)}{text(choice)}</span>{marks}</summary>'
        f'<pre class="asked">{text(question)}</pre><div class="stamp">{text(how)}</div>'
        f"{finished(comparison)}</details>"
    )
