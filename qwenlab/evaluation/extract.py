"""From a model's answer to the program in it, and by which rule it was found.

The rules, in order; the first that finds something wins:

1. `python_fence`: the last code block marked as Python whose content is Python
2. `fence`: the last code block
3. `unclosed_fence`: a code block that nothing closes; the answer was cut off
4. `raw`: the whole answer, if it is Python
5. `none`

Thoughts (`<think>`) are removed first, also those without a beginning, which the prompt may have written, and those
without an end, which then are all that there is. Whether a text is Python, the caller's parser says.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Rule = Literal["python_fence", "fence", "unclosed_fence", "raw", "none"]

THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
THOUGHT_END = "</think>"

OPENING = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`]*")
PYTHON = {"python", "python3", "py", "py3"}


class Extraction(NamedTuple):
    """A program, the rule that found it, and what is known of it."""

    code: str
    """Empty: the answer holds no program."""
    rule: Rule
    parses: bool
    """It is Python, by the interpreter that judges. An empty program is none."""

    @property
    def truncated(self) -> bool:
        """The code block was not closed: generation stopped in the middle of it."""
        return self.rule == "unclosed_fence"


class Block(NamedTuple):
    """A fenced code block."""

    language: str
    code: str
    closed: bool


def extract(answer: str, parses: Callable[[str], bool]) -> Extraction:
    """The program in an answer."""
    text = _without_thoughts(answer)
    blocks = [block for block in _blocks(text) if block.code.strip()]
    closed = [block for block in blocks if block.closed]
    for block in reversed(closed):
        if block.language.lower() in PYTHON and parses(block.code):
            return Extraction(block.code, "python_fence", parses=True)
    for block in closed[-1:]:
        return Extraction(block.code, "fence", parses(block.code))
    for block in blocks[-1:]:
        return Extraction(block.code, "unclosed_fence", parses(block.code))
    if text.strip() and parses(text):
        return Extraction(text, "raw", parses=True)
    return Extraction("", "none", parses=False)


def _without_thoughts(answer: str) -> str:
    text = THOUGHT.sub("", answer)
    return text.rpartition(THOUGHT_END)[2]


def _blocks(text: str) -> list[Block]:
    """Code blocks, in order. Only the last can be open: it takes everything to the end."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        if opening is None:
            opening = OPENING.fullmatch(line.rstrip())
            lines = []
        elif _closes(line, opening):
            blocks.append(_block(opening, lines, closed=True))
            opening = None
        else:
            lines.append(line)
    if opening is not None:
        blocks.append(_block(opening, lines, closed=False))
    return blocks


def _closes(line: str, opening: re.Match[str]) -> bool:
    """At least as long a fence of the same kind, alone on its line, hardly deeper than the one that opened."""
    mark = line.strip()
    deeper = len(line) - len(line.lstrip()) - len(opening["indent"])
    return len(mark) >= len(opening["fence"]) and set(mark) == {opening["fence"][0]} and deeper <= 3


def _block(opening: re.Match[str], lines: list[str], closed: bool) -> Block:
    indent = opening["indent"]
    code = "\n".join(line.removeprefix(indent) for line in lines)
    return Block(opening["language"], f"{code}\n" if lines and closed else code, closed)
