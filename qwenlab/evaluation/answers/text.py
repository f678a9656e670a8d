"""Short texts as answers: compared whole, or found as one or more words.

Compared are texts without case, white space at will, quotes and punctuation around them and an article before them.
What stands inside stays: "C++" is not "C", "not spam" is not "spam", and a synonym is another text.
"""

import re
import unicodedata

from qwenlab.evaluation.answers.found import Found, first_line, marks, plain, sentences

QUOTES = str.maketrans("“”„‘’«»", '"""\'\'""')  # noqa: RUF001
AROUND = " \t\n\"'.,;:!?()[]{}*_$"
ARTICLE = re.compile(r"(?:a|an|the)\s+(?=\S)")
LABEL = re.compile(
    r"^[ \t]*(?:[A-Z][\w-]*[ ]){0,2}[A-Z][\w-]*:[ \t]*(?P<value>\S.*)$|[.!?][ ]+[A-Z]\w*:[ ]*(?P<later>\S.*)$",
    re.MULTILINE,
)
"""A field's name, a colon and what stands in it, on a line or at its end: "Category: sports"."""

SUBJECT = re.compile(r"(?:it|this|that|he|she|they|these)(?:'s|\s+(?:is|was|are|were))\s+", re.IGNORECASE)
REASON = re.compile(r",?\s+(?:because|since)\b.*", re.DOTALL | re.IGNORECASE)
YES_OR_NO = re.compile(r"(?:yes|no|true|false)(?=,\s)", re.IGNORECASE)


def find(text: str) -> Found:
    """What a text gives as its answer: what a mark names, what a field holds, or else what its first sentence says."""
    text = plain(text)
    for mark in marks(text):
        if mark.rule != "after 'answer is'":
            return Found(mark.rest.strip(), mark.rule)
        if value := first_line(mark.rest):
            return Found(_statement(value), mark.rule)
    labels = list(LABEL.finditer(text))
    if labels:
        return Found(_statement(labels[-1]["value"] or labels[-1]["later"]), "after a label")
    found = sentences(text)
    if len(found) == 1 and _statement(text) == text:
        return Found(text, "whole text")
    return Found(_statement(found[0]), "first sentence") if found else Found("", "nothing found")


def find_gold(cell: str) -> Found:
    """As in `find`, but that a cell without `####` and box is all answer: a title may hold a colon."""
    return next(
        (Found(mark.rest.strip(), mark.rule) for mark in marks(cell) if mark.rule in ("after ####", "boxed")),
        Found(cell, "whole text"),
    )


def same(one: str, other: str) -> bool:
    """Whether two texts are the same short answer."""
    return bool(normal(one)) and normal(one) == normal(other)


def contains(text: str, words: str) -> bool:
    """Whether words stand in a text in their order, as whole words; a number is no part of a longer one."""
    wanted = _folded(words).strip()
    before = r"(?<!\w)" + (r"(?<![0-9][.,])(?<!-)" if wanted[:1].isdigit() else "")
    after = r"(?!\w)" + (r"(?![.,][0-9])" if wanted[-1:].isdigit() else "")
    return bool(wanted) and bool(re.search(before + re.escape(wanted) + after, _folded(plain(text))))


def normal(text: str) -> str:
    """What of a text is compared."""
    folded = re.sub(r"\\text\{([^{}]*)\}", r"\1", _folded(text)).strip(AROUND)
    return ARTICLE.sub("", folded, count=1) if ARTICLE.match(folded) else folded


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFC", text).translate(QUOTES).replace("−", "-")  # noqa: RUF001
    return " ".join(text.casefold().split())


def _statement(text: str) -> str:
    """A sentence's answer, without the subject before it and the reason behind it."""
    text = sentences(text)[0] if text.strip() else ""
    if match := YES_OR_NO.match(text):
        return match[0]
    return REASON.sub("", SUBJECT.sub("", text, count=1) if SUBJECT.match(text) else text).strip()
