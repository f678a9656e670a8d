"""JSON as an answer: the last object or list in a text, compared as values."""

import json
import re
from decimal import Decimal
from typing import Any

from qwenlab.evaluation.answers.found import NOTHING, Found

BRACKET = re.compile(r"[{\[}\]]|```")


def find(text: str) -> Found:
    """The last object or list that is whole and stands in no other, or the whole text where it is any JSON.

    A list inside an object that is not JSON is no answer; a code fence ends what was left open.
    """
    if _parses(text):
        return Found(text.strip(), "whole text")
    found, depth, end = NOTHING, 0, 0
    for match in BRACKET.finditer(text):
        if match.start() < end:
            continue
        if match[0] == "```":
            depth = 0
        elif match[0] in "}]":
            depth = max(0, depth - 1)
        elif depth or not (length := _length(text, match.start())):
            depth += 1
        else:
            end = match.start() + length
            found = Found(text[match.start() : end], "last JSON")
    return found


def same(one: str, other: str) -> bool:
    """Whether two JSON texts are of the same value: the order of keys and the way a number is written do not count."""
    try:
        return _equal(_loads(one), _loads(other))
    except (ValueError, RecursionError):
        return False


def _equal(one: object, other: object) -> bool:
    """As `==`, but that `true` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _parses(text: str) -> bool:
    try:
        _loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _length(text: str, start: int) -> int:
    """Characters of the JSON that begins there; 0: none does."""
    try:
        return DECODER.raw_decode(text, start)[1] - start
    except (ValueError, RecursionError):
        return 0


def _loads(text: str) -> Any:
    return DECODER.decode(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_constant)
"""Decimals are compared exactly; NaN and a key that stands twice are refused."""
