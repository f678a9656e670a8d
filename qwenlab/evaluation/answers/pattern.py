"""A user's regular expression, and what it finds in an answer."""

from functools import cache

import regex

from qwenlab.errors import UserError
from qwenlab.evaluation.answers.found import NOTHING, Found

SECONDS = 1.0
"""For one text. A pattern such as `(a+)+b` can take longer than anyone waits."""

SLOW = Found("", "took too long")


@cache
def compiled(pattern: str) -> "regex.Pattern[str]":
    """The pattern, of the module `regex`: as Python's own, with a limit of time.

    Raises:
        UserError: it is none, or empty: that is found everywhere, and says nothing.
    """
    if not pattern:
        raise UserError(
            "The pattern that finds the answer is empty.", "For instance: --set 'evaluate.answer_pattern=Result: (.+)'"
        )
    try:
        return regex.compile(pattern, regex.MULTILINE)
    except regex.error as error:
        raise UserError(
            f"{pattern!r} is not a regular expression: {error}.", "See docs.python.org/3/library/re.html"
        ) from None


def find(text: str, pattern: str) -> Found:
    """The last match: its first group, or all of it where there is no group.

    Raises:
        UserError: `pattern` is no regular expression.
    """
    try:
        matches = list(compiled(pattern).finditer(text, timeout=SECONDS))
    except TimeoutError:
        return SLOW
    if not matches:
        return NOTHING
    return Found((matches[-1][1] if matches[-1].re.groups else matches[-1][0]) or "", "last match")
