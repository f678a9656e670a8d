"""The result as one picture to show to others: SVG of 1200 x 630 that needs nothing around it, light everywhere.

Every text in it is text, and of XML's characters alone, so that a browser can draw the picture onto a canvas. Its
letters are the reader's own; how wide they are is estimated, a little too wide.
"""

import html
import math
import re
import unicodedata
from collections.abc import Sequence

from qwenlab.report.charts import LIGHT
from qwenlab.report.schema import Point
from qwenlab.report.summary import COLOURS, Example, Figure, Summary

WIDTH, HEIGHT = 1200, 630
EDGE = 48
"""Pixels that are left free around everything."""

ACCENT, SLATE, AMBER, RED = (LIGHT[name] for name in ("accent", "slate", "amber", "red"))
INK, LINE, PANEL = "#0f172a", "#e2e8f0", "#f8fafc"
SANS, MONO = "system-ui, sans-serif", "ui-monospace, monospace"

OUTCOME_COLOURS = {"gained": ACCENT, "lost": RED}

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not have, not even escaped."""

BOLDER = 1.12
"""So much wider are bold letters."""

ROUND = 'stroke-width="6" stroke-linecap="round"'

BAR = 250
"""Pixels from 0 to 100 %."""
TUNED_AT = 420
ASIDE_AT = 770
BOXES_AT, BOX_HEIGHT, GAP = 410, 160, 24


def draw(summary: Summary) -> str:
    """The card as an `<svg>` that can stand in a page."""
    label = ". ".join(filter(None, (summary.made, *_spoken(summary))))
    return (
        f'<svg class="result-card" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{_clean(label)}" font-family="{SANS}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="16" fill="#ffffff" stroke="{LINE}"/>'
        f"{_head(summary)}{_figures(summary)}{_aside(summary)}{_sentence(summary)}"
        f"{''.join(_example(one, at) for at, one in enumerate(summary.examples))}{_foot(summary)}</svg>"
    )


def wrapped(text: str, width: float, size: float, lines: int, bold: bool = False) -> list[str]:
    """The text in so many lines of that many pixels; what does not fit ends with an ellipsis."""
    found, line, words = [], "", text.split()
    while words:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if _width(longer, size, bold=bold) <= width:
            line = longer
        elif line:
            found.append(line)
            line, words = "", [word, *words]
        else:
            most = max(_most(word, width, size, bold=bold), 1)
            found.append(word[:most])
            words = [word[most:], *words]
    found += [line] if line else []
    if len(found) <= lines:
        return found
    last = found[lines - 1]
    while last and _width(f"{last}…", size, bold=bold) > width:
        last = last[:-1]
    return [*found[: lines - 1], f"{last.rstrip()}…"]


def _spoken(summary: Summary) -> tuple[str, ...]:
    if not summary.base or not summary.tuned:
        return (summary.sentence,)
    return (f"{summary.asked}: base {summary.base.shown}, tuned {summary.tuned.shown}", _counts(summary))


def _counts(summary: Summary) -> str:
    return f"{summary.gained}, {summary.lost}"


def _head(summary: Summary) -> str:
    colour = LIGHT[COLOURS[summary.verdict]]
    verdict = f"{summary.verdict[0].upper()}{summary.verdict[1:]}"
    wide = _width(verdict, 24, bold=True) + 40
    left = WIDTH - EDGE - wide
    chip = (
        f'<rect x="{left:.0f}" y="38" width="{wide:.0f}" height="44" rx="22" fill="{colour}"/>'
        f"{_text(left + wide / 2, 68, verdict, 24, '#ffffff', bold=True, anchor='middle')}"
    )
    room = left - EDGE - 20
    return (
        _lines(EDGE, 64, wrapped(summary.made, room, 28, 1, bold=True), 28, INK, bold=True)
        + _lines(EDGE, 98, wrapped(summary.asked, room, 21, 1), 21, SLATE)
        + chip
    )


def _figures(summary: Summary) -> str:
    if not summary.base or not summary.tuned:
        return _lines(EDGE, 170, wrapped(summary.why, ASIDE_AT - 2 * EDGE, 26, 5), 26, AMBER)
    arrow = f'<path d="M352 182h32m-11 -11l11 11l-11 11" fill="none" stroke="{SLATE}" stroke-width="4"/>'
    return _figure(EDGE, "base", summary.base, SLATE) + arrow + _figure(TUNED_AT, "tuned", summary.tuned, ACCENT)


def _figure(left: float, name: str, figure: Figure, colour: str) -> str:
    middle = 266
    place = left + BAR * min(max(figure.place, 0.0), 1.0)
    between = ""
    if figure.interval:
        low, high = (left + BAR * min(max(bound, 0.0), 1.0) for bound in figure.interval)
        between = f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{colour}" {ROUND}/>'
    return (
        _text(left, 214, figure.shown, 88, colour, bold=True)
        + _text(left + 4, 246, name, 22, colour, bold=True)
        + f'<path d="M{left} {middle}h{BAR}" stroke="{LINE}" {ROUND}/>{between}'
        + f'<circle cx="{place:.1f}" cy="{middle}" r="8" fill="#ffffff" stroke="{colour}" stroke-width="4"/>'
        + _text(left, 298, figure.told, 18, SLATE)
    )


def _aside(summary: Summary) -> str:
    lost = RED if summary.base and not summary.lost.startswith("0 ") else SLATE
    counts = _text(ASIDE_AT, 168, summary.gained, 42, ACCENT, bold=True) + _text(
        ASIDE_AT, 218, summary.lost, 42, lost, bold=True
    )
    points = [point for point in summary.validation if math.isfinite(point.loss)]
    if len(points) < 2:
        return counts
    told = f"{points[0].loss:.3f} → {min(point.loss for point in points):.3f}"
    return (
        f"{counts}{_spark(points, ASIDE_AT, 246, 180, 52)}"
        f"{_text(ASIDE_AT + 200, 266, 'validation loss', 18, SLATE)}{_text(ASIDE_AT + 200, 294, told, 20, INK)}"
    )


def _spark(points: Sequence[Point], left: float, top: float, width: float, height: float) -> str:
    low, high = min(point.loss for point in points), max(point.loss for point in points)
    first, last = points[0].step, points[-1].step
    places = " ".join(
        f"{left + width * (point.step - first) / max(last - first, 1):.1f},"
        f"{top + height * (high - point.loss) / (high - low or 1.0):.1f}"
        for point in points
    )
    return f'<polyline points="{places}" fill="none" stroke="{ACCENT}" stroke-width="3" stroke-linejoin="round"/>'


def _sentence(summary: Summary) -> str:
    """The suite's own, and below it those of the others, the worst first."""
    others = sorted(summary.others, key=lambda other: other[0] != "worse")
    colour = RED if any(verdict == "worse" for verdict, _ in others) else SLATE
    room = WIDTH - 2 * EDGE
    own = wrapped(summary.sentence, room, 24, 1 if others else 2, bold=True)
    told = wrapped("; ".join(sentence for _, sentence in others), room, 20, 1)
    return _lines(EDGE, 350, own, 24, INK, step=32, bold=True) + _lines(EDGE, 384, told, 20, colour)


def _example(example: Example, number: int) -> str:
    wide = (WIDTH - 2 * EDGE - 2 * GAP) / 3
    left, room = EDGE + number * (wide + GAP), wide - 32
    colour = OUTCOME_COLOURS.get(example.outcome, SLATE)
    family = MONO if example.code else SANS
    word = _width(example.word, 16, bold=True) + 12
    sides = "".join(
        _text(left + 16, BOXES_AT + at, name, 16, shade, bold=True)
        + _lines(left + 74, BOXES_AT + at, _answer(answer, room - 58, example.code), 16, INK, step=21, family=family)
        for at, name, answer, shade in ((64, "base", example.base, SLATE), (118, "tuned", example.tuned, ACCENT))
    )
    question = wrapped(example.question, room - word, 17, 1)
    return (
        f'<rect x="{left:.0f}" y="{BOXES_AT}" width="{wide:.0f}" height="{BOX_HEIGHT}" rx="10" fill="{PANEL}" '
        f'stroke="{LINE}"/><path d="M{left + 16:.0f} {BOXES_AT + 94}h{room:.0f}" stroke="{LINE}"/>'
        f"{_text(left + 16, BOXES_AT + 32, example.word, 16, colour, bold=True)}"
        f"{_lines(left + 16 + word, BOXES_AT + 32, question, 17, INK)}{sides}"
    )


def _answer(answer: str, width: float, code: bool) -> list[str]:
    """Two lines; of a program its first two."""
    if not code:
        return wrapped(answer, width, 16, 2)
    lines = [line.expandtabs(4) for line in answer.splitlines() if line.strip()]
    shown = [_cut(line, width, more=number == 1 and len(lines) > 2) for number, line in enumerate(lines[:2])]
    # Spaces at a line's beginning would be lost.
    return [line.replace(" ", "\N{NO-BREAK SPACE}") for line in shown]


def _cut(line: str, width: float, more: bool) -> str:
    """The line of a program; it ends with an ellipsis where it, or what follows on it, does not fit."""
    end = " …" if more else ""
    if _width(line + end, 16, mono=True) <= width:
        return line + end
    return f"{line[: _most(line, width - _width('…', 16, mono=True), 16, mono=True)]}…"


def _foot(summary: Summary) -> str:
    by = f"qwenlab · {summary.when}"
    room = WIDTH - 2 * EDGE - _width(by, 18) - 30
    return _lines(EDGE, 606, wrapped(summary.took, room, 18, 1), 18, SLATE) + _text(
        WIDTH - EDGE, 606, by, 18, SLATE, anchor="end"
    )


def _lines(
    left: float,
    top: float,
    lines: Sequence[str],
    size: float,
    colour: str,
    step: float = 34,
    bold: bool = False,
    family: str = "",
) -> str:
    return "".join(
        _text(left, top + number * step, line, size, colour, bold=bold, family=family)
        for number, line in enumerate(lines)
    )


def _text(
    left: float, top: float, text: str, size: float, colour: str, bold: bool = False, anchor: str = "", family: str = ""
) -> str:
    more = "".join(
        f' {name}="{value}"'
        for name, value in (
            ("font-weight", "650" if bold else ""), ("text-anchor", anchor), ("font-family", family),
        )
        if value
    )  # fmt: skip
    return f'<text x="{left:.0f}" y="{top:.0f}" font-size="{size:g}" fill="{colour}"{more}>{_clean(text)}</text>'


def _clean(text: str) -> str:
    return html.escape(NO_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _most(word: str, width: float, size: float, bold: bool = False, mono: bool = False) -> int:
    """So many of its characters fit."""
    count = 0
    while count < len(word) and _width(word[: count + 1], size, bold, mono) <= width:
        count += 1
    return count


def _width(text: str, size: float, bold: bool = False, mono: bool = False) -> float:
    return size * sum(_em(character, mono) for character in text) * (BOLDER if bold else 1)


def _em(character: str, mono: bool) -> float:
    """About how wide a character is, in ems."""
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if mono:
        return 0.62
    if character in "iljtfI.,:;'|!()[] ":
        return 0.34
    if character in "mwMW@%":
        return 0.92
    return 0.66 if character.isupper() or character.isdigit() else 0.56
