"""One operation in every shape: the same value must give the same answer, and the function must agree."""

import random
from typing import Any

import pytest

from tools.tiny.cases import run
from tools.tiny.formats import SHAPES, Shape, Value, function, program, write
from tools.tiny.operations import draw

VALUES: dict[str, tuple[Value, tuple[Any, ...]]] = {
    "list": ([4, -7, 12, 12, 33], ([4, -7, 12, 12, 33],)),
    "string": ("rhythmandjazz", ("rhythmandjazz",)),
    "integer": (12, (12,)),
    "pair": ((7, 30), (7, 30)),
}


def test_all_shapes_and_the_function_agree() -> None:
    rng = random.Random(0)
    for _ in range(300):
        operation = draw(rng)
        value, arguments = VALUES[operation.kind]
        namespace: dict[str, Any] = {}
        exec(function(operation, "solve"), namespace)
        result = namespace["solve"](*arguments)
        if operation.mode == "yes-no":
            result = "YES" if result else "NO"
        expected = " ".join(map(str, result)) if operation.mode == "values" else str(result)
        for shape in SHAPES[operation.kind]:
            text = write(value, shape)
            once = run(program(operation, shape), f"2\n{text}\n{text}" if shape == "cases" else text)
            assert once == f"{expected}\n" * (2 if shape == "cases" else 1), (operation, shape)


@pytest.mark.parametrize(
    ("value", "shape", "text"),
    [
        ([3, -1], "line", "3 -1"),
        ([3, -1], "counted line", "2\n3 -1"),
        ([3, -1], "counted lines", "2\n3\n-1"),
        ((5, 6), "line", "5 6"),
        ((5, 6), "two lines", "5\n6"),
        ("abc", "line", "abc"),
        (17, "cases", "17"),
    ],
)
def test_write(value: Value, shape: Shape, text: str) -> None:
    assert write(value, shape) == text
