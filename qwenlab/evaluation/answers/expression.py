"""Where the mathematics stands that a text gives as its answer."""

import re

from qwenlab.evaluation.answers import number
from qwenlab.evaluation.answers.found import NOTHING, Found, Mark, first_line, is_cut_short, marks, plain, sentences

SEGMENT = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<!\\)\$((?:\\.|[^$\\])+?)\$", re.DOTALL)
"""Mathematics in a text."""

JOINED = re.compile(r"[\s$.,\\()\[\]]*(?:and|or|,)[\s$\\()\[\]]*")
"""What stands between two parts of one answer."""

WORD = re.compile(r"[^\W\d_]{3,}")
COMMAND = re.compile(r"\\(?:text|mathrm|mbox)\s*\{[^{}]*\}|\\[A-Za-z]+|\{[pbv]?matrix\}")

WHOLE_TEXT_WORDS = 3
"""A text without mathematics of up to so many words is an answer, such as a name."""


def find(answer: str) -> Found:
    """The expression that a text gives as its answer, in LaTeX or as plain text."""
    words = plain(answer)
    for mark in (found := marks(words)):
        if mark.rule == "after 'answer is'":
            if value := _stated(mark.rest):
                return Found(value, mark.rule)
        else:
            return Found(_with_neighbours(words, mark, found), mark.rule)
    if not WORD.search(COMMAND.sub(" ", words)) or (
        len(words.split()) <= WHOLE_TEXT_WORDS and not SEGMENT.search(words)
    ):
        return Found(_without_dollars(words), "whole text") if words else NOTHING
    segments = list(SEGMENT.finditer(words))
    if segments and not _goes_on(words[segments[-1].end() :]):
        return Found(_joined(words, segments, len(segments) - 1), "last expression")
    return NOTHING if segments else number.find(words)


def find_gold(cell: str) -> Found:
    """As in `find`, but that a cell without `####` and box is all answer."""
    found = marks(cell)
    for mark in found:
        if mark.rule != "after 'answer is'":
            return Found(_with_neighbours(cell, mark, found), mark.rule)
    return Found(_without_dollars(cell), "whole text")


def _stated(rest: str) -> str:
    if (segment := SEGMENT.search(rest)) and not WORD.search(rest[: segment.start()]):
        segments = list(SEGMENT.finditer(rest))
        following = 0
        while following + 1 < len(segments) and JOINED.fullmatch(
            rest[segments[following].end() : segments[following + 1].start()]
        ):
            following += 1
        return _joined(rest, segments, following)
    line = first_line(rest)
    return re.split(r"\s+(?:because|since|which|where)\b|(?<=[.;])\s", line)[0].rstrip(".;") if line else ""


def _joined(words: str, segments: list[re.Match[str]], last: int) -> str:
    """The expression and those before it that it is joined to."""
    parts = [_content(segments[last])]
    for before, after in zip(reversed(segments[:last]), reversed(segments[: last + 1]), strict=False):
        if not JOINED.fullmatch(words[before.end() : after.start()]):
            break
        parts.append(_content(before))
    return ", ".join(reversed(parts))


def _with_neighbours(words: str, mark: Mark, found: list[Mark]) -> str:
    """Boxes that are joined are one answer."""
    parts, start = [mark.rest], mark.start
    for other in found[found.index(mark) + 1 :] if mark.rule == "boxed" else ():
        end = other.start + words[other.start :].find("{") + len(other.rest) + 2
        if other.rule != "boxed" or end > start or not JOINED.fullmatch(words[end:start]):
            break
        parts.append(other.rest)
        start = other.start
    return ", ".join(part.strip() for part in reversed(parts))


def _content(segment: re.Match[str]) -> str:
    return next(part for part in segment.groups() if part is not None).strip().rstrip(".,;")


def _without_dollars(words: str) -> str:
    match = SEGMENT.fullmatch(words.strip())
    return _content(match) if match else words.strip()


def _goes_on(rest: str) -> bool:
    """A sentence has begun after the last expression, and is not finished."""
    following = sentences(rest)
    return len(following) > 1 and is_cut_short(following[-1])
