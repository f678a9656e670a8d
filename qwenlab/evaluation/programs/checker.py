"""Is this output right? Three rules, each a pure function of what was written and what was expected.

- `default` decides verdicts. Outputs are compared token by token; white space only separates. Two integers are equal
  as integers, however long. Where a decimal number is expected, any number within 1e-6 of it, absolute or relative, is
  right. "Yes" and its like may be in any case. Every other token must be the same, byte for byte.
- `strict` wants the same text, but for white space at the ends of lines and of the text.
- `deepmind` is the rule of DeepMind's own harness for CodeContests, flaws included: case is ignored everywhere, and
  numbers are the same within 1e-5, absolute, as doubles, so that long integers that differ can pass.

All work on bytes: a program's output need not be text. White space is ASCII's.
"""

import math
import re
from collections.abc import Callable

Comparison = Callable[[bytes, bytes], bool]

TOLERANCE = 1e-6
ANSWERS = {b"yes", b"no", b"true", b"false", b"possible", b"impossible"}
"""Tokens that statements let be written in any case. Single letters are not among them: they name things."""

INTEGER = re.compile(rb"([+-]?)0*(\d+)")
PLAIN_INTEGER = re.compile(rb"[+-]?(?:0|[1-9]\d*)")
NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

DEEPMIND_TOLERANCE = 1e-5
DEEPMIND_TOKEN = re.compile(rb"[^ \n\t\r\v]+")
DEEPMIND_NUMBER = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan(?:\(\w*\))?)")
DEEPMIND_SURE = 300
"""Digits that a double surely has room for: equal tokens no longer than this are equal as doubles."""

SPACE = b" \t\n\r\v\f"
DECORATION = b",;:[](){}'\""


def default(got: bytes, expected: bytes) -> bool:
    """The rule that decides verdicts."""
    if got == expected:
        return True
    got_tokens, expected_tokens = got.split(), expected.split()
    return len(got_tokens) == len(expected_tokens) and all(
        _same(token, wanted) for token, wanted in zip(got_tokens, expected_tokens, strict=True) if token != wanted
    )


def strict(got: bytes, expected: bytes) -> bool:
    """The same text, but for white space at the ends of lines and of the text."""
    return got == expected or _lines(got) == _lines(expected)


def deepmind(got: bytes, expected: bytes) -> bool:
    """As `OutputsMatch` in execution/tester_sandboxer.cc of google-deepmind/code_contests."""
    got_tokens, expected_tokens = DEEPMIND_TOKEN.findall(got.lower()), DEEPMIND_TOKEN.findall(expected.lower())
    if got_tokens == expected_tokens:
        return True
    return len(got_tokens) == len(expected_tokens) and all(map(_same_for_deepmind, got_tokens, expected_tokens))


def presentation(got: bytes, expected: bytes) -> bool:
    """Whether a wrong output differs from the right one in form alone: a presentation error, and wrong all the same.

    That is: both hold the same characters when case, white space, and such punctuation as printing a list or a tuple
    adds are left out. Punctuation that the right output itself has counts. An output with nothing left is just wrong.
    """
    added = SPACE + bytes(mark for mark in DECORATION if mark not in expected)
    bare = expected.translate(None, added).lower()
    return bool(bare) and got.translate(None, added).lower() == bare


def _same(token: bytes, wanted: bytes) -> bool:
    if PLAIN_INTEGER.fullmatch(wanted):  # what has leading zeros is a string, such as a binary one
        return _integer(token) == _integer(wanted)
    if NUMBER.fullmatch(wanted) and not wanted.lstrip(b"+-").isdigit():
        return _close(token, wanted)
    return wanted.lower() in ANSWERS and token.lower() == wanted.lower()


def _integer(token: bytes) -> bytes | None:
    """In plain form, without making an int of it: int() refuses long ones, and takes quadratic time for others."""
    number = INTEGER.fullmatch(token)
    if number is None:
        return None
    sign, digits = number.groups()
    return b"-" + digits if sign == b"-" and digits != b"0" else digits


def _close(token: bytes, wanted: bytes) -> bool:
    if not NUMBER.fullmatch(token):  # float() knows more: nan, inf, 1_000, digits of other scripts
        return False
    got, expected = float(token), float(wanted)
    if not (math.isfinite(got) and math.isfinite(expected)):
        return False
    return abs(got - expected) <= TOLERANCE * max(1.0, abs(expected))


def _lines(text: bytes) -> list[bytes]:
    return [line.rstrip() for line in text.rstrip().split(b"\n")]


def _same_for_deepmind(token: bytes, wanted: bytes) -> bool:
    if token == wanted and len(token) < DEEPMIND_SURE and token[:1].isdigit():
        return True
    if DEEPMIND_NUMBER.fullmatch(token) and DEEPMIND_NUMBER.fullmatch(wanted):
        return abs(_double(token) - _double(wanted)) < DEEPMIND_TOLERANCE  # never, for nan and inf
    return token == wanted


def _double(token: bytes) -> float:
    return float(token.partition(b"(")[0])
