"""Is this output right? Three rules, each a pure function of what was written and what was expected.

- `default` decides verdicts. Outputs are compared token by token; white space only separates. Two integers are equal
  as integers, however long. Where a decimal number is expected, any number within 1e-6 of it, absolute or relative, is
  right; in a problem that expects decimal numbers anywhere, a decimal number is also right for an integer. "Yes" and
  its like may be in any case. Every other token must be the same, byte for byte.
- `strict` wants the same text, but for white space at the ends of lines and of the text.
- `deepmind` is the rule of DeepMind's own harness for CodeContests, flaws included: case is ignored everywhere, and
  numbers are the same within 1e-5, absolute, as doubles, so that long integers that differ can pass.

All work on bytes: a program's output need not be text. White space is ASCII's. The output is a stranger's: time is
linear in its length, no pattern goes back over what it has read, and tokens are looked at one by one, up to the first
that is wrong, so that there are never more of them than the right output has.
"""

import io
import math
import operator
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

TOLERANCE = 1e-6
ANSWERS = {b"yes", b"no", b"true", b"false", b"possible", b"impossible"}
"""Tokens that statements let be written in any case. Single letters are not among them: they name things."""

TOKEN = re.compile(rb"\S++")
INTEGER = re.compile(rb"([+-]?)(\d++)")
PLAIN_INTEGER = re.compile(rb"[+-]?(?:0|[1-9]\d*+)")
NUMBER = re.compile(rb"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?")
DECIMAL = re.compile(rb"(?<!\S)[+-]?(?:\d++\.\d*+|\.\d++)(?:[eE][+-]?\d++)?(?!\S)")

DEEPMIND_TOLERANCE = 1e-5
DEEPMIND_TOKEN = re.compile(rb"[^ \n\t\r\v]++")
DEEPMIND_NUMBER = re.compile(rb"[+-]?(?:(?:\d++\.?\d*+|\.\d++)(?:e[+-]?\d++)?|inf(?:inity)?|nan(?:\(\w*+\))?)")
DEEPMIND_SURE = 300
"""Digits that a double surely has room for: equal tokens no longer than this are equal as doubles."""

CHUNK = 2**16
SPACE = b" \t\n\r\v\f"
DECORATION = b",;:[](){}'\""


def default(got: bytes, expected: bytes, decimals: bool = False) -> bool:
    """The rule that decides verdicts. `decimals`: the problem expects decimal numbers, if not here."""
    return got == expected or all(
        token == wanted or _same(token, wanted, decimals) for token, wanted in _pairs(TOKEN, got, expected)
    )


def strict(got: bytes, expected: bytes) -> bool:
    """The same text, but for white space at the ends of lines and of the text."""
    return got == expected or all(
        line is not None and wanted is not None and line.rstrip() == wanted.rstrip()
        for line, wanted in zip_longest(io.BytesIO(got.rstrip()), io.BytesIO(expected.rstrip()))
    )


def deepmind(got: bytes, expected: bytes) -> bool:
    """As `OutputsMatch` in execution/tester_sandboxer.cc of google-deepmind/code_contests."""
    got, expected = got.lower(), expected.lower()
    return any(
        all(same(token, wanted) for token, wanted in _pairs(DEEPMIND_TOKEN, got, expected))
        for same in (operator.eq, _same_for_deepmind)
    )


def expects_decimals(outputs: Iterable[bytes]) -> bool:
    """Whether any of a problem's right outputs has a decimal number: its answers are then real numbers.

    They were written by somebody's program, which may have left ".0" away where others do not.
    """
    return any(DECIMAL.search(output) for output in outputs)


def presentation(got: bytes, expected: bytes) -> bool:
    """Whether a wrong output differs from the right one in form alone: a presentation error, and wrong all the same.

    That is: both hold the same characters when case, white space, and such punctuation as printing a list or a tuple
    adds are left out. Punctuation that the right output itself has counts. An output with nothing left is just wrong.
    """
    added = SPACE + bytes(mark for mark in DECORATION if mark not in expected)
    bare = expected.translate(None, added).lower()
    return bool(bare) and got.translate(None, added).lower() == bare


def _pairs(token: re.Pattern[bytes], got: bytes, expected: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each token with the one that is wanted in its place; beside one that lacks or is too many, the empty one."""
    return zip_longest(_tokens(token, got), _tokens(token, expected), fillvalue=b"")


def _tokens(token: re.Pattern[bytes], text: bytes) -> Iterator[bytes]:
    """Some thousands at a time: one by one takes three times as long."""
    start = 0
    while start < len(text):
        last = token.search(text, start + CHUNK)
        end = last.end() if last else len(text)
        yield from token.findall(text, start, end)
        start = end


def _same(token: bytes, wanted: bytes, decimals: bool) -> bool:
    if PLAIN_INTEGER.fullmatch(wanted):  # what has leading zeros is a string, such as a binary one
        return _integer(token) == _integer(wanted) or (decimals and b"." in token and _close(token, wanted))
    if NUMBER.fullmatch(wanted) and not wanted.lstrip(b"+-").isdigit():
        return _close(token, wanted)
    return wanted.lower() in ANSWERS and token.lower() == wanted.lower()


def _integer(token: bytes) -> bytes | None:
    """In plain form, without making an int of it: int() refuses long ones, and takes quadratic time for others."""
    number = INTEGER.fullmatch(token)
    if number is None:
        return None
    sign, digits = number.groups()
    plain: bytes = digits.lstrip(b"0") or b"0"
    return b"-" + plain if sign == b"-" and plain != b"0" else plain


def _close(token: bytes, wanted: bytes) -> bool:
    if not NUMBER.fullmatch(token):  # float() knows more: nan, inf, 1_000, digits of other scripts
        return False
    got, expected = float(token), float(wanted)
    if not (math.isfinite(got) and math.isfinite(expected)):
        return False
    return abs(got - expected) <= TOLERANCE * max(1.0, abs(expected))


def _same_for_deepmind(token: bytes, wanted: bytes) -> bool:
    if token == wanted and len(token) < DEEPMIND_SURE and token[:1].isdigit():
        return True
    if DEEPMIND_NUMBER.fullmatch(token) and DEEPMIND_NUMBER.fullmatch(wanted):
        return abs(_double(token) - _double(wanted)) < DEEPMIND_TOLERANCE  # never, for nan and inf
    return token == wanted


def _double(token: bytes) -> float:
    return float(token.partition(b"(")[0])
