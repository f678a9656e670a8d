"""From a model's answer to the program in it, and by which rule it was found.

The rules, in order; the first that finds something wins:

1. `python_fence`: the last code block marked as Python whose content is Python
2. `fence`: the last code block
3. `unclosed_fence`: a code block that nothing closes
4. `raw`: the whole answer, if it is Python
5. `none`

Where what they find is not Python, they are tried again as small models write: fences stuck to text, or not alone on
their line, and a single fence that ends what nothing has begun. What is Python then wins.

Reasoning that is still in the text is removed first. Whether a text is Python, the caller's parser says.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from qwenlab import tags
from qwenlab.answering.reasoning import split

Rule = Literal["python_fence", "fence", "unclosed_fence", "raw", "none"]

THOUGHT = re.compile(rf"{tags.OPENING}.*?(?:{tags.CLOSING}|\Z)", re.DOTALL)

# None of these goes back over what it has read: a line of a model's may be long.
OPENING = re.compile(r"(?P<indent>[ \t]*+)(?P<fence>`{3,}+|~{3,}+)(?P<info>[^`]*+)")
STUCK_OPENING = re.compile(r"(?P<text>[^`]*+)(?P<indent>)(?P<fence>`{3,}+)(?P<info>[ \t]*+[\w+#.-]*+[ \t]*+)")
PYTHON = re.compile(r"[{.]*+py(thon)?3?\b", re.IGNORECASE)
MARK = re.compile(r"[{.]*+[\w+#.-]*+}?")
"""All of an info string that names a language and no more."""

Parses = Callable[[str], bool]


class Extraction(NamedTuple):
    """A program, the rule that found it, and what is known of it."""

    code: str
    """Empty: the answer holds no program."""
    rule: Rule
    parses: bool
    """It is Python, by the interpreter that judges. An empty program is none."""


class Block(NamedTuple):
    """A fenced code block."""

    info: str
    """What stands beside the fence that opens it."""
    code: str
    closed: bool


def extract(answer: str, parses: Parses) -> Extraction:
    """The program in an answer."""
    text = THOUGHT.sub("", split(answer).answer)  # a later thought, between two parts of the answer, is none of it
    found = _by_rules(text, _blocks(text), parses)
    if found.parses or not text.strip():
        return found
    for other in (_by_rules("", _stuck_blocks(text), parses), _before_the_only_fence(text, parses)):
        if other.parses:
            return other
    return found


def _by_rules(text: str, found: list[Block], parses: Parses) -> Extraction:
    blocks = [block for block in (_with_first_line(block, parses) for block in found) if block.code.strip()]
    closed = [block for block in blocks if block.closed]
    for block in reversed(closed):
        if PYTHON.match(block.info) and parses(block.code):
            return Extraction(block.code, "python_fence", parses=True)
    for block in closed[-1:]:
        return Extraction(block.code, "fence", parses(block.code))
    for block in blocks[-1:]:
        return Extraction(block.code, "unclosed_fence", parses(block.code))
    if text.strip() and parses(text):
        return Extraction(text, "raw", parses=True)
    return Extraction("", "none", parses=False)


def _with_first_line(block: Block, parses: Parses) -> Block:
    """What stands beside the fence is the program's first line where it names no language and the whole is Python."""
    if PYTHON.match(block.info) or MARK.fullmatch(block.info) or not parses(f"{block.info}\n{block.code}"):
        return block
    return Block("", f"{block.info}\n{block.code}", block.closed)


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


def _stuck_blocks(text: str) -> list[Block]:
    """As `_blocks`, where a fence may stand behind other text, and text behind a fence that closes."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        found = OPENING.fullmatch(line.rstrip()) or STUCK_OPENING.fullmatch(line.rstrip())
        if opening is None:
            opening, lines = found, []
            continue
        code, fence, _ = line.partition(opening["fence"])
        if code.strip() or not fence:
            lines.append(code)
        if fence:
            blocks.append(_block(opening, lines, closed=True))
            # One that is marked as Python opens the next: the last was left open.
            opening, lines = (found if found and PYTHON.match(found["info"].strip()) else None), []
    if opening is not None:
        blocks.append(_block(opening, lines, closed=False))
    return blocks


def _before_the_only_fence(text: str, parses: Parses) -> Extraction:
    """A fence that closes what nothing has opened."""
    before, _, after = text.partition("```")
    if "```" not in after.lstrip("`") and before.strip() and parses(before):
        return Extraction(before, "raw", parses=True)
    return Extraction("", "none", parses=False)


def _closes(line: str, opening: re.Match[str]) -> bool:
    """At least as long a fence of the same kind, alone on its line, hardly deeper than the one that opened."""
    mark = line.strip()
    deeper = len(line) - len(line.lstrip()) - len(opening["indent"])
    return len(mark) >= len(opening["fence"]) and set(mark) == {opening["fence"][0]} and deeper <= 3


def _block(opening: re.Match[str], lines: list[str], closed: bool) -> Block:
    indent = opening["indent"]
    code = "\n".join(line.removeprefix(indent) for line in lines)
    return Block(opening["info"].strip(), f"{code}\n" if lines and closed else code, closed)
