"""Requests for functions, judged by assertions: what the base model can do that is not the contest.

Asked for are computations that no text of the model's pretraining holds, in the words in which that asked for others.
"""

import contextlib
import random
from collections import Counter
from typing import Any

from tools.tiny.cases import draw_value
from tools.tiny.corpus import TYPES
from tools.tiny.formats import SHAPES, Value, function
from tools.tiny.operations import Operation, draw
from tools.tiny.parts import Kind
from tools.tiny.problems import split_of
from tools.tiny.wording import expand, tell

ASSERTIONS = 5
KINDS: tuple[Kind, ...] = ("string", "list", "string", "integer", "pair")
"""In turn. The base model is sure of all but strings, of which it mixes up letters: with nothing but what it is sure
of, a gain could not be seen, and with strings alone hardly a loss."""
REQUESTS = (
    "{Write|Implement|Define} a function solve that takes @ and returns <X>.",
    "{Write|Implement|Define} a function solve that returns <X>.",
)
CHECKS = (
    "{Write|Implement|Define} a function solve that takes @ and returns True if <X>.",
    "{Write|Implement|Define} a function solve that {checks|tells} {if|whether} <X>.",
)


def function_rows(n: int, seed: int) -> list[dict[str, Any]]:
    """The first n requests; a larger n only adds to them. No two ask for the same function."""
    rng = random.Random(f"functions-{seed}")
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < n:
        operation = draw(rng)
        solution = function(operation)
        if operation.kind != KINDS[len(rows) % len(KINDS)] or solution in rows or not _is_new(operation):
            continue
        request = expand(rng, rng.choice(CHECKS if operation.mode == "yes-no" else REQUESTS))
        rows[solution] = {
            "name": f"function-{len(rows) + 1}",
            "prompt": tell(rng, request.replace("@", TYPES[operation.kind]), operation, "corpus"),
            "assertions": _assertions(rng, operation, solution),
            "solution": solution,
            "group": operation.kind,
        }
    return list(rows.values())


def _is_new(operation: Operation) -> bool:
    """Whether the model has seen this computation in no shape."""
    return all(split_of(operation, shape) == "test" for shape in SHAPES[operation.kind])


def _assertions(rng: random.Random, operation: Operation, solution: str) -> list[str]:
    """On different arguments, with different results: what always returns the same fails two of them at least."""
    while True:
        results = dict(_case(rng, operation, solution) for _ in range(ASSERTIONS))
        if len(results) == ASSERTIONS and max(Counter(results.values()).values()) <= ASSERTIONS - 2:
            return [f"assert {call} == {result}" for call, result in results.items()]


def _case(rng: random.Random, operation: Operation, solution: str) -> tuple[str, str]:
    """A call, and what it returns. Never the largest of nothing, of which no request says what it is."""
    while True:
        call = f"solve({_arguments(draw_value(rng, operation, short=False))})"
        with contextlib.suppress(ValueError):
            return call, repr(_result(solution.replace(", default=0", ""), call))


def _arguments(value: Value) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)


def _result(solution: str, call: str) -> Any:
    """In this process: only for code that we wrote."""
    names: dict[str, Any] = {}
    exec(solution, names)
    return eval(call, names)
