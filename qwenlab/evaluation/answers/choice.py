"""The letter that an answer chooses: of a label, a box, a statement, never of a word that happens to be a letter."""

import re

from qwenlab.evaluation.answers.found import NOTHING, SEVERAL, Found, Mark, marks, plain

LETTER = re.compile(
    r"""
    [\s\\$("']*(?:\\text\{|(?:option|choice)\s)?[\s("']*
    (?:
        (?P<capital>[A-J])(?![A-Za-z0-9'’_^])(?!\s+(?!because\b|since\b|as\b|and\b|or\b|is\b)[a-z])
      | (?P<small>[a-j])(?=["'\s}$]*(?:[).:]|\Z))
    )
    (?P<after>[).}"'$\\]*)
    """,  # noqa: RUF001
    re.VERBOSE,
)
"""A small letter needs a bracket, a full stop, a colon or the end behind it: "a cat" chooses nothing."""

ANOTHER = re.compile(
    r"\s*(?:,|/|&|\band\b|\bor\b|\bor maybe\b)+\s*(?:maybe\s|option\s|or\s|and\s)*[(]?[A-J](?![A-Za-z'])"
)
DENIED = re.compile(r"\bnot\s+(?:option\s+|choice\s+)?\(?[A-J]\)?(?![A-Za-z])(?:\s*,?\s*but)?")

STATED = re.compile(
    r"\b(?i:choose|pick|select|go with|going with|must be|it is|it's|(?:correct|right|best) (?:option|choice) is)"
    r"\s*:?\s*(?=\(?[A-J])"
)
OPTION = re.compile(
    r"\b(?i:option|choice)\s+(?=\(?[A-J]\)?\s*"
    r"(?:\Z|[.,;\n]|is (?:the )?(?:correct|right|best|true|answer)|because|since))"
)
LABEL = re.compile(
    r"(?:\A|\n)\s*(?:(?i:option|choice)\s+)?\(?(?P<letter>[A-Ja-j])(?:[).:]|\s*(?:\Z|\n)|,?\s+(?:because|since)\b|,)"
)
JUDGED = re.compile(
    r"\(?[A-Ja-j][).:]*\s+(?:is|isn't|looks|seems|cannot|can't)\b(?!\s+(?:the\s+)?(?:correct|right|best|true|answer))"
)
"""A sentence about an option, which is none that chooses it."""

BRACKETED = re.compile(r"\(([A-J])\)")


def find(text: str) -> Found:
    """The letter, as a capital."""
    text = DENIED.sub("", plain(text))
    for mark in sorted([*marks(text), *_statements(text)], reverse=True):
        found = _letter(mark.rest, mark.rule)
        if found != NOTHING:
            return found
    labels = {match["letter"].upper() for match in LABEL.finditer(text)}
    if (match := LABEL.match(text)) or ANOTHER.match(text[1:]):
        found = NOTHING if JUDGED.match(text) else _letter(text, "at the beginning")
        return found if found == SEVERAL or (match and len(labels) == 1) else NOTHING
    bracketed = set(BRACKETED.findall(text))
    if len(bracketed) > 1:
        return SEVERAL
    return Found(bracketed.pop(), "in brackets") if bracketed else NOTHING


def same(one: str, other: str) -> bool:
    return one == other


def _statements(text: str) -> list[Mark]:
    found = [Mark(match.start(), text[match.end() :], "after 'it is'") for match in STATED.finditer(text)]
    return found + [Mark(match.start(), text[match.end() :], "after 'option'") for match in OPTION.finditer(text)]


def _letter(text: str, rule: str) -> Found:
    match = LETTER.match(text)
    if not match:
        return NOTHING
    if ANOTHER.match(text[match.end() :]):
        return SEVERAL
    return Found((match["capital"] or match["small"]).upper(), rule)
