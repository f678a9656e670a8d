"""How answers look side by side under their question: as they stream, and once they are kept; and the list of earlier
ones."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from qwenlab.answering.answerer import BASE, Messages
from qwenlab.comparison.side_by_side import Growing, cut_line, reasoning_line, speed_line, stamp_line
from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.runs.comparisons import Column, Comparison
from qwenlab.runs.mode import modes_differ
from qwenlab.ui.components import lab, text
from qwenlab.ui.markdown import code_block, rendered

LETTERS = "AB"
MOST_EARLIER = 100
"""Earlier comparisons that are listed."""
SHORT, SHORT_LINES = 240, 3
"""Characters and lines of a question that stands there whole."""
WITHHELD = '<div class="stamp">Model names are revealed after you vote.</div>'

Called = Callable[[str], str]
"""What the page calls a model."""


class Head(NamedTuple):
    """What stands above columns, and beside them."""

    messages: Messages
    expected: str = ""
    """The answer that the data has."""
    is_code: bool = False
    """Whether that is a program."""


def head_of(comparison: Comparison) -> Head:
    return Head(comparison.messages, comparison.expected, comparison.problem is not None)


def streaming(head: Head, columns: Sequence[Growing], blind: bool, called: Called) -> str:
    """A first question and its columns while they grow."""
    return lab(_turn(_question(head), [*_grown(columns, blind, called), _in_the_data(head)], growing=True))


def asked_on(comparison: Comparison, question: str, columns: Sequence[Growing], called: Called) -> str:
    """What is kept, and below it the columns that grow."""
    growing = _turn(_folded_question(question), _grown(columns, False, called), growing=True)
    return lab(f'<div class="dialogue">{_turns(comparison, called)}{growing}</div>')


def finished(comparison: Comparison, called: Called) -> str:
    """The columns with their stamps, which a blind comparison shows once there is a choice."""
    modes = {called(column.model): column.stamp.get("thinking") for column in comparison.columns}
    told = "" if comparison.is_hidden else modes_differ(modes)
    note = f'<p class="quiet">{text(told)}</p>' if told else ""
    return lab(f'{note}<div class="dialogue">{_turns(comparison, called)}</div>')


def empty() -> str:
    """What stands here before the first answer."""
    return lab(
        '<div class="card quiet">Base and tuned will answer here side by side, from one model in memory: the same '
        "prompt, the same seed, the adapter off and on. Press <b>Answer side by side</b>.</div>"
    )


def earlier(comparisons: Sequence[tuple[str, Comparison]], called: Called) -> str:
    """Comparisons, oldest first, each with the key that it is shown by, as a list of buttons, newest first."""
    if not comparisons:
        return ""
    newest = list(reversed(comparisons))[:MOST_EARLIER]
    rows = "".join(f"<li>{_entry(key, comparison, called)}</li>" for key, comparison in newest)
    more = f", the newest {MOST_EARLIER} of {len(comparisons)}" if len(comparisons) > MOST_EARLIER else ""
    return lab(f'<h3>Earlier comparisons{more}</h3><ol class="earlier">{rows}</ol>')


def tally(sentence: str) -> str:
    """The blind choices."""
    return lab(f'<div class="tally" role="group" aria-label="Tally of blind choices">{text(sentence)}</div>')


def verdict_chip(verdict: str) -> str:
    """What became of a program, in words: on the accent where it passed, else as a note; empty: there was none."""
    if not verdict:
        return '<span class="chip slate">no program</span>'
    if verdict == Verdict.AC:
        return f'<span class="chip accent" title="{Verdict.AC}">passes all tests</span>'
    return f'<span class="chip amber" title="{text(verdict)}">{MEANING[Verdict(verdict)]}</span>'


def _turns(comparison: Comparison, called: Called) -> str:
    """All that was asked and answered. Of the first answers the verdicts, and the data's own."""
    head = head_of(comparison)
    first = [_kept(column, place, comparison, called) for place, column in enumerate(comparison.columns)]
    marks = "" if comparison.is_hidden else _MARKS
    turns = [_turn(_question(head, marks), [*first, _in_the_data(head)])]
    for turn in comparison.later:
        columns = [_kept(column, place, comparison, called) for place, column in enumerate(turn.columns)]
        turns.append(_turn(_folded_question(turn.question), columns))
    return "".join(turns)


_MARKS = (
    '<button type="button" class="differ" aria-pressed="false" '
    'title="Words that the base has and the tuned has not, and the other way round">Mark differences</button>'
)


def _turn(question: str, columns: Sequence[str], growing: bool = False) -> str:
    state = ' growing" aria-busy="true' if growing else ""
    return f'<div class="turn">{question}<div class="columns{state}">{"".join(columns)}</div></div>'


def _question(head: Head, beside: str = "") -> str:
    """The question with the system message that it is asked under, and all that was said before it."""
    *before, last = head.messages or [{"role": "user", "content": ""}]
    system = "".join(turn["content"] for turn in before if turn["role"] == "system").strip()
    said = "".join(
        f'<div class="before"><b>{text(turn["role"])}</b> {rendered(turn["content"])}</div>'
        for turn in before
        if turn["role"] != "system"
    )
    force = f"System message: <q>{text(system)}</q>" if system else "No system message but the chat template's own."
    return (
        f'<div class="asked"><div class="force"><span>{force}</span>{beside}</div>'
        f"{said}{_folded_question(last['content'])}</div>"
    )


def _folded_question(question: str) -> str:
    """The question, of a long one the beginning with the rest behind it."""
    whole = rendered(question)
    if len(question) <= SHORT and question.strip().count("\n") < SHORT_LINES:
        return f'<div class="question">{whole}</div>'
    begin = text(" ".join(question[: 3 * SHORT].split()))
    return f'<details class="question"><summary><span>{begin}</span></summary>{whole}</details>'


def _in_the_data(head: Head) -> str:
    if not head.expected:
        return ""
    said = code_block(head.expected, "python") if head.is_code else rendered(head.expected)
    return _column("Answer in the data", "data", "", head.expected, said, "")


def _grown(columns: Sequence[Growing], blind: bool, called: Called) -> list[str]:
    return [
        _column(
            _title(column.model, index, blind, called),
            _kind(column.model, blind),
            _reasoning(column.reasoning, 0, column.answer is None, is_open=not column.text and not column.answer),
            "",
            rendered(column.text),
            _going(column, blind),
        )
        for index, column in enumerate(columns)
    ]


def _kept(column: Column, index: int, comparison: Comparison, called: Called) -> str:
    hidden = comparison.is_hidden
    cut = f'<span class="amber">{cut_line(column)}</span>' if cut_line(column) else ""
    if hidden:
        told = f'{WITHHELD}<div class="stamp">{cut}</div>' if column.finish == "stopped" else WITHHELD
    else:
        how = " · ".join(filter(None, (speed_line(column), cut)))
        told = f'<div class="stamp">{text(stamp_line(column.stamp))}<br>{how}</div>'
    if column.verdict is not None:
        detail = f'<pre class="detail">{text(column.detail)}</pre>' if column.detail else ""
        told = f"<div>{verdict_chip(column.verdict)}</div>{detail}{told}"
    title = _title(column.model, index, hidden, called)
    if comparison.blind and not hidden:
        title = f"{LETTERS[index]}: {title}" + (" · your choice" if comparison.choice == column.model else "")
    reasoning = _reasoning(column.reasoning, column.reasoning_tokens)
    said = rendered(column.text) if column.text else '<p class="quiet">nothing</p>'
    return _column(title, _kind(column.model, hidden), reasoning, column.text, said, told)


def _going(column: Growing, blind: bool) -> str:
    if column.fault:
        return f'<div class="fault"><pre role="alert">{text(column.fault)}</pre></div>'
    return WITHHELD if blind else f'<div class="stamp">{_state(column)}</div>'


def _state(column: Growing) -> str:
    if column.answer is None:
        return "thinking" if column.reasoning and not column.text else "answering"
    tokens, seconds = column.answer.tokens, column.seconds
    return f"{tokens / seconds:,.0f} tokens/s" if tokens and seconds else "ended"


def _title(model: str, index: int, blind: bool, called: Called) -> str:
    if blind:
        return LETTERS[index]
    return "base" if model == BASE else f"tuned · {called(model)}"


def _kind(model: str, blind: bool) -> str:
    return "hidden" if blind else "base" if model == BASE else "tuned"


def _reasoning(reasoning: str, tokens: int, growing: bool = False, is_open: bool = False) -> str:
    """The reasoning with its length, folded unless it is being written; empty where there is none."""
    if not reasoning:
        return ""
    kind = 'class="thought growing" open' if is_open else 'class="thought"'  # growing: scrolled to its end
    said = f"<pre>{text(reasoning)}</pre>" if growing else rendered(reasoning)
    return f"<details {kind}><summary>{reasoning_line(reasoning, tokens)}</summary>{said}</details>"


def _column(title: str, kind: str, reasoning: str, source: str, said: str, below: str) -> str:
    """`source`: what is copied; empty: nothing is."""
    copy = '<button type="button" data-copy>Copy</button>' if source.strip() else ""
    return (
        f'<section class="answer {kind}" aria-label="{text(title)}">'
        f'<div class="answer-head" data-copied="{text(source)}"><h4>{text(title)}</h4>{copy}</div>'
        f'{reasoning}<div class="said">{said}</div>{below}</section>'
    )


def _entry(key: str, comparison: Comparison, called: Called) -> str:
    question = " ".join("".join(turn["content"] for turn in comparison.messages[-1:]).split())[:100]
    names = (
        "A and B"
        if comparison.is_hidden
        else ", ".join("base" if column.model == BASE else called(column.model) for column in comparison.columns)
    )
    choice = ""
    if comparison.choice is not None:
        choice = f" · preferred: {called(comparison.choice) if comparison.choice else 'neither'}"
    marks = "" if comparison.is_hidden else "".join(
        f" {verdict_chip(column.verdict)}" for column in comparison.columns if column.verdict
    )  # fmt: skip
    further = f" · {len(comparison.later)} asked on" if comparison.later else ""
    how = f"at most {comparison.max_tokens} tokens, temperature {comparison.temperature:g}, seed {comparison.seed}"
    return (
        f'<button type="button" data-show="{text(key)}" title="{text(how)}">'
        f"<span>{comparison.created:%d %b %H:%M} · {text(question)}</span>"
        f'<span class="quiet">{text(names)}{text(choice)}{further}</span>{marks}</button>'
    )
