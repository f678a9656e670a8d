"""Inputs that tell a right program from a nearly right one, and what the reference program prints for them."""

import contextlib
import io
import random
from collections import Counter
from typing import NamedTuple

from qwenlab.evaluation.programs import Test
from tools.tiny.formats import Shape, Value, program, write
from tools.tiny.operations import Operation
from tools.tiny.parts import LETTERS

HIDDEN = 6
WORDS = (
    "level",
    "apple",
    "banana",
    "python",
    "radar",
    "contest",
    "coding",
    "noon",
    "queue",
    "zebra",
    "kayak",
    "rhythm",
)
RANGES = ((-20, 60), (0, 80), (-9, 9), (-60, 20), (1, 130))


class Cases(NamedTuple):
    """The visible examples and the hidden tests of one problem: no input occurs twice."""

    examples: tuple[Test, ...]
    hidden: tuple[Test, ...]


def draw_cases(rng: random.Random, operation: Operation, shape: Shape, examples: int, hidden: int = HIDDEN) -> Cases:
    """Short examples, and hidden tests whose outputs differ: what always prints the same fails two of them."""
    code = program(operation, shape)
    while True:
        inputs = [_input(rng, operation, shape, short=number < examples) for number in range(examples + hidden)]
        tests = [Test(text, run(code, text)) for text in inputs]
        cases = Cases(tuple(tests[:examples]), tuple(tests[examples:]))
        most_common = max(Counter(test.output for test in cases.hidden).values(), default=0)
        if len(set(inputs)) == len(inputs) and most_common <= max(0, hidden - 2):
            return cases


def run(code: str, text: str) -> str:
    """What a program of this package prints for an input. It runs in this process: only for code that we wrote."""
    lines = iter(text.split("\n"))
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "<reference>", "exec"), {"input": lambda: next(lines)})
    return output.getvalue()


def _input(rng: random.Random, operation: Operation, shape: Shape, short: bool) -> str:
    if shape != "cases":
        return write(draw_value(rng, operation, short), shape) + "\n"
    count = 2 if short else rng.randint(2, 5)
    return "\n".join([str(count), *(write(draw_value(rng, operation, short), shape) for _ in range(count))]) + "\n"


def draw_value(rng: random.Random, operation: Operation, short: bool) -> Value:
    """What a problem is about: a list, a string, an integer or a pair, near to what its parameters part."""
    match operation.kind:
        case "list":
            return _integers(rng, operation, rng.randint(2, 4) if short else rng.randint(1, 9))
        case "string":
            return _string(rng, operation)
        case "integer":
            return _integer(rng, operation, short)
        case "pair":
            return _pair(rng, operation)


def _integers(rng: random.Random, operation: Operation, length: int) -> list[int]:
    low, high = rng.choice(RANGES)
    return [
        _near(rng, operation) if operation.numbers and rng.random() < 0.4 else rng.randint(low, high)
        for _ in range(length)
    ]


def _integer(rng: random.Random, operation: Operation, short: bool) -> int:
    if operation.numbers and rng.random() < 0.6 and (near := _near(rng, operation)) in operation.inputs:
        return near
    return rng.choice(operation.inputs[: 61 if short else rng.choice((13, 61, 401))])


def _pair(rng: random.Random, operation: Operation) -> tuple[int, int]:
    x, y = rng.randint(0, 60), rng.randint(0, 40)
    [k] = operation.numbers
    if rng.random() < 0.5:  # a sum of k, or one beside it
        x = rng.randint(0, k)
        y = max(0, k - x + rng.choice((-1, 0, 0, 1)))
    return x, y


def _string(rng: random.Random, operation: Operation) -> str:
    if operation.numbers:  # long enough for the first k characters; for a question about the length, around k
        [k] = operation.numbers
        shortest = max(1, k - 3) if operation.mode == "yes-no" else k
        return _letters(rng, rng.randint(shortest, k + 5))
    text = rng.choice(WORDS) if rng.random() < 0.4 else _letters(rng, rng.randint(1, 12))
    if rng.random() < 0.2:
        text += text[::-1]
    for letter in operation.letters[:1]:
        if rng.random() < 0.35:
            return letter + text
        for _ in range(rng.randint(0, 2)):
            position = rng.randrange(len(text) + 1)
            text = text[:position] + letter + text[position:]
    return text


def _letters(rng: random.Random, length: int) -> str:
    alphabet = rng.choice((LETTERS, "aeioutns"))
    return "".join(rng.choice(alphabet) for _ in range(length))


def _near(rng: random.Random, operation: Operation) -> int:
    """A number that a wrong parameter, or a wrong comparison with it, would treat differently."""
    k = rng.choice(operation.numbers)
    return rng.choice((k, k - 1, k + 1, 2 * k, 3 * k, k * rng.randint(1, 9)))
