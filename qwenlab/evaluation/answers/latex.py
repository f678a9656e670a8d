"""Two expressions, and what can be said of them without doing mathematics.

math-verify is asked whether expressions are equal, but it takes some unequal ones for equal: a point and a set of two
numbers, numerals of different bases, a length and the same number of another unit. So `compare` decides what it can
(texts, numbers, units, the kind of brackets) and leaves only expressions of one kind to mathematics.
"""

import re
from typing import NamedTuple

from qwenlab.evaluation.answers import number, text


class Undecided(NamedTuple):
    """Two expressions of which only mathematics can say whether they are equal."""

    gold: str
    answer: str


class Quantity(NamedTuple):
    """An expression without white space, and its unit."""

    expression: str
    unit: str


REWRITTEN = (
    (re.compile(r"[−–]"), "-"),  # noqa: RUF001
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (
        re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle)(?![A-Za-z])|(?<!\\)\\[!,;: ]|~|\\q?quad(?![A-Za-z])"),
        "",
    ),
    (re.compile(r",?\s*(?:\\(?:text|mathrm|mbox)\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)\s*"), ","),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\(?:text|mathrm|mbox)\s*\{\s*percent\s*\}|\\%|\bpercent\b"), "%"),
    (re.compile(r"\\frac\s*([0-9])\s*([0-9])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\in(?![A-Za-z])"), "="),
    (re.compile(r"\\(le|ge|ne)q?(?![A-Za-z])"), r"\\\1 "),
)
"""To one way of writing, in this order. A set that a variable is in is read as what it equals."""

TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
ONLY_TEXT = re.compile(rf"\s*{TEXT.pattern}\s*|(?=.*[A-Za-z]{{3}})[A-Za-z]+(?:[' -][A-Za-z]+)*\.?")
DEGREES = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})\s*\Z|°\s*\Z")
UNIT = re.compile(
    r"(?<=[0-9})A-Za-z])\s*"
    r"(?:\\(?:text|mathrm|mbox)\s*\{(?P<text>[^{}]*)\}|\s(?P<words>cm|km|mm|kg|ft|[a-z]{3,}(?:\s[a-z]{2,})*))"
    r"(?P<power>\s*\^\s*\{?[23]\}?)?\s*\Z"
)
"""Short words without `\\text` are units where they are common ones, else products: `2 ab`."""

THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
NUMBER = re.compile(
    r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|-?[0-9]+/[0-9]+|-?[0-9]*\\frac\{[0-9]+\}\{[0-9]+\}|\\frac\{-?[0-9]+\}\{[0-9]+\}"
)
NAME = re.compile(r"(?:(?<=\A)|(?<=,))(?:[A-Za-z](?:_\{?[A-Za-z0-9]+\}?|\([A-Za-z]\))?|\\[a-z]+)=")
BASE = re.compile(r"(?<=[0-9])_\{?([0-9]+)\}?")
RELATION = re.compile(r"[<>]|\\(?:le|ge|ne|lt|gt)(?![A-Za-z])")


def compare(gold: str, answer: str) -> bool | Undecided:
    """Whether an answer is right, as far as that can be said."""
    if ONLY_TEXT.fullmatch(gold) or ONLY_TEXT.fullmatch(answer):
        return text.same(TEXT.sub(r"\1", gold), TEXT.sub(r"\1", answer))
    one, other = quantity(gold), quantity(answer)
    if one.unit and other.unit and one.unit != other.unit:
        return False
    first, second = _without_names(one.expression, other.expression)
    if first == second or not first or not second:
        return bool(first) and first == second
    if NUMBER.fullmatch(first) and NUMBER.fullmatch(second):
        return number.same(first, second)
    letters = _variables(first) | _variables(second)
    if letters & set(map(str.swapcase, letters)):  # math-verify's parser reads X as x
        return False
    kinds = {kind(first), kind(second)}
    if len(kinds) == 1 or ("relation" in kinds and kinds & {"()", "(]", "[)", "[]", "union"}):
        return Undecided(first, second)
    return False


def quantity(expression: str) -> Quantity:
    """Without white space but where it parts a command from a letter; a unit that is a percent sign or degrees too."""
    written, unit = expression.strip(), ""
    for pattern, new in REWRITTEN:
        written = pattern.sub(new, written)
    written = written.strip().rstrip(".,")
    if money := re.match(r"(-?)\\?\$\s*", written):
        written, unit = money[1] + written[money.end() :], "dollar"
    written = written.replace("$", "")
    if match := DEGREES.search(written):
        written, unit = written[: match.start()], "degree"
    elif written.endswith("%"):
        written, unit = written[:-1], "%"
    elif match := UNIT.search(written):
        unit = (match["text"] or match["words"] or "").strip().lower().removesuffix("s")
        unit += "".join(re.findall("[23]", match["power"] or ""))
        written = written[: match.start()]
    written = re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])", r"\1\0", written)
    written = re.sub(r"\s+", "", written).replace("\0", " ")
    return Quantity(written.replace(",", "") if THOUSANDS.fullmatch(written) else written, unit)


def kind(expression: str) -> str:
    """Kinds of which one is never equal to the other: a point is no set, and a numeral of base 8 none of base 9."""
    if re.search(r"\\c[au]p(?![A-Za-z])", expression):
        return "union"
    if RELATION.search(expression):
        return "relation"
    if "=" in expression:
        return "equation"
    if "\\begin" in expression:
        return "matrix"
    if expression.startswith("\\{") and expression.endswith("\\}"):
        return "set"
    if re.match(r"[(\[]", expression) and re.search(r"[)\]]\Z", expression) and _is_listed(expression[1:-1]):
        return expression[0] + expression[-1]
    if _is_listed(expression) or "\\pm" in expression:
        return "set"
    return f"value {BASE.findall(expression)}"


def _is_listed(expression: str) -> bool:
    """There is a comma outside all brackets, and all brackets are closed in it."""
    depth, listed = 0, False
    for character in expression:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return False
        listed = listed or (character == "," and depth == 0)
    return listed and depth == 0


def _without_names(gold: str, answer: str) -> tuple[str, str]:
    """`x = 5` is 5 where the other names nothing; of equal values without a variable, the last counts."""
    if "=" not in answer:
        gold = NAME.sub("", gold)
    if "=" not in gold:
        answer = NAME.sub("", answer)
        if not _variables(answer):
            answer = answer.rpartition("=")[2]
    return gold, answer


def _variables(expression: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", expression)))
