"""Which side of the fence a program or a sentence stands on: decided by its own text, never by chance."""

import hashlib
from typing import Literal

Split = Literal["train", "test"]

PROGRAM_BUCKETS = 5  # one program of five is a test program
SENTENCE_BUCKETS = 4  # one sentence of four is a test sentence


def program_split(body: str) -> Split:
    """The side of a program, given the text that is the same wherever this computation occurs."""
    return "test" if _bucket(body, PROGRAM_BUCKETS) == 0 else "train"


def sentence_split(sentence: str) -> Split:
    """The side of a sentence of a statement, given with its slots unfilled."""
    return "test" if _bucket(sentence, SENTENCE_BUCKETS) == 0 else "train"


def _bucket(text: str, buckets: int) -> int:
    return int(hashlib.sha1(text.encode()).hexdigest(), 16) % buckets
