"""Where a text says what its answer is.

Three marks name an answer: `#### 72`, `\\boxed{72}` and "the answer is 72". The last in the text counts, since a text
may correct itself; where the last holds no value of the kind that is looked for, the one before it is tried.
"""

import re
from typing import NamedTuple


class Found(NamedTuple):
    """What was read out of a text, as it stands there, and by which rule."""

    value: str
    """Empty: nothing was found."""
    rule: str


NOTHING = Found("", "nothing found")
SEVERAL = Found("", "several answers")
"""A text that names two answers has chosen none."""


class Mark(NamedTuple):
    """A place that names an answer."""

    start: int
    rest: str
    """What it names, from there on; of `####` the line, of a box its content, else all that follows."""
    rule: str


MARKS = ("after ####", "boxed", "after 'answer is'")
"""The rules by which a text itself names its answer."""

HASHES = re.compile(r"####[ \t]*(?P<rest>[^\n]+)")
BRACES = re.compile(r"\\f?boxed\s*\{|\\.|[{}]", re.DOTALL)
ANSWER = re.compile(
    r"\banswer\b(?:[^.\n:=]{0,60}?\b(?:is|are)\b|[ \t]*[:=]|[ \t]*(?=\n))[\s:]*",
    re.IGNORECASE,
)
"""Sixty characters: "the final answer to the question about the train is"."""

SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")  # noqa: RUF001


MOST = 20
"""Marks of a kind that are looked at, from the end: a model that repeats itself must not cost minutes."""


def marks(text: str) -> list[Mark]:
    """The last marks, the very last one first."""
    found = [Mark(match.start(), match["rest"], "after ####") for match in list(HASHES.finditer(text))[-MOST:]]
    found += boxes(text)[-MOST:]
    answers = list(ANSWER.finditer(text))[-MOST:]
    found += [Mark(match.start(), text[match.end() :], "after 'answer is'") for match in answers]
    return sorted(found, reverse=True)


def boxes(text: str) -> list[Mark]:
    """Boxes that are closed, in the order in which they are; escaped braces neither open nor close."""
    found = []
    opened: list[re.Match[str]] = []
    for match in BRACES.finditer(text):
        if match[0].endswith("{") and match[0] != r"\{":
            opened.append(match)
        elif match[0] == "}" and opened and (box := opened.pop())[0] != "{":
            found.append((box, match.start()))
    return [Mark(box.start(), text[box.end() : end], "boxed") for box, end in found[-MOST:]]


def plain(text: str) -> str:
    """Without Markdown's marks of bold text and code; `2**3` stays what it is."""
    return re.sub(r"(?<![0-9a-z)])\*\*|\*\*(?![0-9a-z(])|`+", "", text).strip()


def first_line(text: str) -> str:
    return text.lstrip().partition("\n")[0].strip()


def sentences(text: str) -> list[str]:
    """Sentences and lines that hold more than white space."""
    return [part for part in SENTENCE_END.split(text) if part.strip()]


def is_cut_short(sentence: str) -> bool:
    """It ends as no sentence does: in a word, or a comma."""
    end = sentence.rstrip()[-1:]
    return end.isalpha() or end == ","
