"""Numbers in answers: found among words, units and LaTeX, compared exactly.

Units, currencies and the percent sign are passed over: 18, $18 and 18 dollars are one number, 40 % and 40 too; 0.4 is
not 40 %. Nothing is rounded: 0.33 is not 1/3. A number that is part of a range, a choice ("3 or 4"), a bound ("more
than 75"), a term ("2x") or a calculation that was not carried out is no answer.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from qwenlab.evaluation.answers.found import NOTHING, SEVERAL, Found, first_line, is_cut_short, marks, plain, sentences

LATEX = (
    (re.compile(r"[−–]"), "-"),  # noqa: RUF001
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\[dt]?frac\s*(?:\{\s*(-?[0-9]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))"), r" \1\2/\3\4"),
    (re.compile(r"(?<=[-(])\s+(?=[0-9]+/)"), ""),
    (re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})"), " degrees "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"(?<!\\)\\[!,;: ]"), ""),
    (re.compile(r"\\times|\\cdot"), "×"),  # noqa: RUF001
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\?[$€£¥₹]\s?"), ""),
)
"""To plain text, in this order. A dollar sign is money or LaTeX's; neither is part of the number."""

NUMBER = re.compile(
    r"""
    (?<![A-Za-z0-9_^{√])(?<![0-9][.,:])
    (?P<sign>(?<![0-9A-Za-z)%])-)?
    (?:
        (?:(?P<whole>[0-9]+)\s+)?(?P<above>[0-9]+)\s?/\s?(?P<below>[0-9]+)
      | (?P<commas>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)
      | (?P<spaces>[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3})+(?:\.[0-9]+)?)
      | (?P<points>[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+)
      | (?P<digits>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
        (?:[eE](?P<e>[+-]?[0-9]{1,3})(?![0-9])|\s*×\s*10\^\{?(?P<power>[+-]?[0-9]{1,3})\}?)?
    )
    (?![.,:]?[0-9]|[eE][+-]?[0-9]|[xyznk](?![A-Za-z]))
    (?!\s*(?:\^|π|√|\\(?:sqrt|pi|frac|log|ln|sin|cos|tan|infty)))
    """,  # noqa: RUF001
    re.VERBOSE,
)
"""With separators: 1,234.5 or 1 234.5 or 1.234,5; a lone comma is no decimal point, since 3,5 may be a list."""

LONGEST = 1000
"""Digits; Python refuses to read an integer of more than 4,300."""

ASIDE = re.compile(r"\((?=[^()]*[A-Za-z=])[^()]*\)")
REASON = re.compile(r"(?:\b(?:because|since|as|which|where|out of)\b|[;]).*", re.DOTALL)
DENIED = re.compile(r"\bnot\s+(?:[a-z]+\s+)?(?=-?[0-9.])")
OPERATOR_BEFORE = re.compile(r"[0-9)]\s*[-+*×·/÷^]\s*\Z")  # noqa: RUF001
OPERATOR_AFTER = re.compile(r"\s*[-+*×·/÷^]\s*\(?[0-9.]")  # noqa: RUF001
BOUND = re.compile(r"\b(?:more|less|fewer|greater|larger|smaller|higher|lower)\s+than\s*\Z", re.IGNORECASE)
CHOICE = re.compile(r"\bor\b|\A\s*(?:%|[a-z]+)?\s*to\s*(?:about\s*)?\Z", re.IGNORECASE)
LISTED = re.compile(r"\b(?:and|or|if|to)\b", re.IGNORECASE)
BETWEEN = re.compile(r"\bbetween\b[^.]*\band\s*\Z", re.IGNORECASE)

NEAR = 200
"""Characters before a number in which it is looked for what the number is part of."""


class Number(NamedTuple):
    """A number and its place in a text that `cleaned` made."""

    start: int
    end: int
    value: Fraction


def find(text: str) -> Found:
    """The number that a text gives as its answer."""
    text = plain(text)
    for mark in marks(text):
        found = _first(_statement(first_line(mark.rest)), mark.rule)
        if found != NOTHING:
            return found
    parts = sentences(ASIDE.sub(" ", cleaned(text)))
    for part in reversed(parts):
        if found_numbers := list(numbers(part)):
            return _last(part, found_numbers)
        if part is parts[-1] and is_cut_short(part):
            break
    return NOTHING


def same(one: str, other: str) -> bool:
    """Whether two texts, of a number each, are equal."""
    first, second = value(one), value(other)
    return first is not None and first == second


def value(text: str) -> Fraction | None:
    """The number that a text begins with."""
    return next((number.value for number in numbers(cleaned(text))), None)


def cleaned(text: str) -> str:
    """Without what LaTeX and currencies add to numbers."""
    for pattern, plainly in LATEX:
        text = pattern.sub(plainly, text)
    return text


def numbers(text: str) -> Iterator[Number]:
    """All numbers of a cleaned text."""
    for match in NUMBER.finditer(text):
        if match.end() - match.start() <= LONGEST and not (match["below"] and int(match["below"]) == 0):
            yield Number(match.start(), match.end(), _value(match))


def _value(match: re.Match[str]) -> Fraction:
    if match["below"]:
        size = int(match["whole"] or 0) + Fraction(int(match["above"]), int(match["below"]))
    elif match["points"]:
        size = Fraction(match["points"].replace(".", "").replace(",", "."))
    elif match["digits"]:
        size = Fraction(match["digits"]) * Fraction(10) ** int(match["e"] or match["power"] or 0)
    else:
        size = Fraction(re.sub(r"[^0-9.]", "", match["commas"] or match["spaces"]))
    return -size if match["sign"] else size


def _statement(line: str) -> str:
    """What is said to be the answer: no reasons, nothing that is denied, and of a calculation its result."""
    text = REASON.sub("", ASIDE.sub(" ", cleaned(line)))
    text = sentences(text)[0] if text.strip() else ""
    denied = DENIED.search(text)
    if denied and (number := NUMBER.match(text, denied.end())):
        text = text[: denied.start()] + text[number.end() :]
    return text.rpartition("=")[2] if len(list(numbers(text.rpartition("=")[2]))) else text


def _first(text: str, rule: str) -> Found:
    found = list(numbers(text))
    if not found:
        return NOTHING
    if _is_open(text, found[0]):
        return SEVERAL
    for other in found[1:2]:
        if other.value != found[0].value and LISTED.search(text[found[0].end : other.start]):
            return SEVERAL
    return Found(text[found[0].start : found[0].end], rule)


def _last(text: str, found: list[Number]) -> Found:
    last = found[-1]
    if _is_open(text, last):
        return SEVERAL
    for other in found[-2:-1]:
        if other.value != last.value and CHOICE.search(text[other.end : last.start]):
            return SEVERAL
    return Found(text[last.start : last.end], "last number")


def _is_open(text: str, number: Number) -> bool:
    """It is an end of a range, a bound, or an operand."""
    before, after = text[max(0, number.start - NEAR) : number.start], text[number.end :]
    return bool(
        OPERATOR_BEFORE.search(before) or OPERATOR_AFTER.match(after) or BOUND.search(before) or BETWEEN.search(before)
    )
