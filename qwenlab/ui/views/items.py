"""A suite's items as tiles, one small square each, and one item that was opened: its question and both answers."""

from collections import Counter
from collections.abc import Sequence

from qwenlab.evaluation.programs.results import FailingTest
from qwenlab.evaluation.programs.verdict import MEANING
from qwenlab.report import tables
from qwenlab.report.render import OUTCOMES, difference, headline
from qwenlab.report.schema import Attempt, ItemRow, Outcome, SuiteReport
from qwenlab.report.summary import words_of
from qwenlab.stats.paired import SOLVED
from qwenlab.ui.components import lab, text
from qwenlab.ui.markdown import code_block, rendered

COLOURS: dict[Outcome, str] = {"gained": "accent", "lost": "red"}
"""Of an item's word; the others are slate."""

KINDS = {"expected": "minus", "got": "plus", "same": "same"}

NO_ITEM = lab('<p class="quiet">No item is opened: choose a square.</p>')


def tiles(name: str, suite: SuiteReport, opened: int | None) -> str:
    """All items by number, to be filtered and opened by static/result.js; `name` is the suite's."""
    counts, words = Counter(row.outcome for row in suite.rows), words_of(suite)
    nouns = tables.noun(suite, suite.n)
    shown = [outcome for outcome in OUTCOMES if counts[outcome] or outcome != "not judged"]
    filters = "".join(
        f'<button type="button" class="{_slug(outcome)}" data-show="{_slug(outcome)}" aria-pressed="false">'
        f"{words[outcome]} <b>{counts[outcome]}</b></button>"
        for outcome in shown
    )
    squares = "".join(
        f'<i role="option" class="{_slug(row.outcome)}" title="{text(row.name)}: {words[row.outcome]}" '
        f'aria-selected="{"true" if number == opened else "false"}"></i>'
        for number, row in enumerate(suite.rows)
    )
    return lab(
        f'<div class="items" data-suite="{text(name)}"><div class="shown" role="group" aria-label="Show">'
        f'<button type="button" data-show="" aria-pressed="true">all <b>{suite.n}</b></button>{filters}</div>'
        f'<p class="none" hidden>None.</p>'
        f'<div class="tiles" role="listbox" aria-label="{suite.n} {nouns}">{squares}</div></div>'
    )


def first_shown(suite: SuiteReport) -> int | None:
    """The item that stands open at first: the first that was learned, else forgotten, else the first."""
    outcomes = [row.outcome for row in suite.rows]
    found = (outcomes.index(outcome) for outcome in ("gained", "lost") if outcome in outcomes)
    return next(found, 0 if outcomes else None)


def item_view(suite: SuiteReport, row: ItemRow) -> str:
    """One item: what was asked, and what both made of it."""
    word = words_of(suite)[row.outcome]
    group = f' <span class="quiet">{text(row.group)}</span>' if row.group else ""
    wanted = ""
    if row.wanted:
        label = "the data's own answer" if suite.kind == "reference" else "wanted"
        wanted = f'<div class="wanted"><span class="quiet">{label}</span>{rendered(row.wanted)}</div>'
    return lab(
        f'<section class="item" aria-label="The opened item"><div class="head"><b>{text(row.name)}</b> '
        f'<span class="chip {COLOURS.get(row.outcome, "slate")}">{word}</span>{group}</div>'
        f'<div class="question" tabindex="0" role="region" aria-label="Question">{rendered(row.question)}</div>{wanted}'
        f'<div class="sides">{_side("base", row.base, suite)}{_side("tuned", row.tuned, suite)}</div></section>'
    )


def _side(name: str, attempts: Sequence[Attempt], suite: SuiteReport) -> str:
    answers = [_attempt(attempt, suite) for attempt in attempts]
    if len(attempts) > 1:
        answers = [
            f"<details><summary>answer {number} {_chip(attempt)}</summary>{answer}</details>"
            for number, (attempt, answer) in enumerate(zip(attempts, answers, strict=True), start=1)
        ]
    counted = f' <span class="quiet">{text(headline(tuple(attempts)))}</span>' if len(attempts) > 1 else ""
    return f'<section class="side {name}"><h4>{name}{counted}</h4>{"".join(answers)}</section>'


def _chip(attempt: Attempt) -> str:
    colour = "accent" if attempt.shown in SOLVED else "red" if attempt.right is False and attempt.found else "slate"
    return f'<span class="chip {colour}">{text(MEANING.get(attempt.shown, attempt.shown))}</span>'  # type: ignore[call-overload]


def _attempt(attempt: Attempt, suite: SuiteReport) -> str:
    return _told(attempt) + _reasoning(attempt) + _answer(attempt, suite) + _test(attempt)


def _told(attempt: Attempt) -> str:
    said = [_chip(attempt)]
    if attempt.cause and attempt.cause != MEANING.get(attempt.shown):  # type: ignore[call-overload]
        said.append(f"<span>{text(attempt.cause)}</span>")
    if attempt.tests > 1:
        said.append(f"<span>{attempt.tests_run} of {attempt.tests} tests run</span>")
    if attempt.tokens:
        cut = ", cut while thinking" if attempt.cut_thinking else ", cut there" if attempt.truncated else ""
        said.append(f"<span>{attempt.tokens:,} tokens{cut}</span>")
    return f'<p class="told">{" ".join(said)}</p>'


def _reasoning(attempt: Attempt) -> str:
    if not attempt.reasoning:
        return ""
    counted = f"reasoning, {len(attempt.reasoning):,} characters"
    return f"<details><summary>{counted}</summary>{rendered(attempt.reasoning)}</details>"


def _answer(attempt: Attempt, suite: SuiteReport) -> str:
    if suite.kind == "program" and attempt.found:
        whole = f"<details><summary>the whole answer</summary>{rendered(attempt.answer)}</details>"
        return code_block(attempt.found, "python") + whole
    found = (
        f'<p><b>{text(attempt.found)}</b> <span class="quiet">found in the answer</span></p>' if attempt.found else ""
    )
    if attempt.answer.strip():
        return found + rendered(attempt.answer)
    return found if found or suite.kind in ("choice", "reference") else '<p class="quiet">(an empty answer)</p>'


def _test(attempt: Attempt) -> str:
    test = attempt.failing_test
    if test is None:
        return ""
    where = f"Test {test.number} of {attempt.tests}: " if test.expected or test.input else ""
    status = f", exit status {test.exit_status}" if test.exit_status else ""
    parts = [f"<h5>{where}{MEANING[test.verdict]}{status}, {test.seconds:.2f} s</h5>"]
    if test.expected or test.input:
        named = (("input", test.input), ("expected", test.expected), ("got", test.got))
        parts.append(f'<div class="test">{"".join(_text(name, content) for name, content in named)}</div>')
    if test.error.strip():
        parts.append(_text("standard error", test.error))
    return "".join(parts) + _difference(test)


def _difference(test: FailingTest) -> str:
    if test.verdict not in ("WA", "PE") or not test.expected:
        return ""
    lines = "".join(f'<span class="{KINDS[line.kind]}">{text(line.text) or " "}</span>' for line in difference(test))
    return (
        '<figure><figcaption>difference: <span class="minus">&minus; expected</span>, <span class="plus">+ got</span>'
        f'</figcaption><pre class="difference">{lines}</pre></figure>'
    )


def _text(label: str, content: str) -> str:
    shown = content if content.strip() else "(nothing)"
    return f"<figure><figcaption>{label}</figcaption><pre>{text(shown)}</pre></figure>"


def _slug(outcome: Outcome) -> str:
    return outcome.replace(" ", "-")
