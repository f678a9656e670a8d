"""How a value is laid out on standard input, and the program or function around an operation."""

from typing import Literal

from tools.tiny.operations import Operation
from tools.tiny.parts import Kind

# counted line: n, then a line of n integers; counted lines: n, then n lines; cases: t, then t lines, each a case
Shape = Literal["line", "two lines", "counted line", "counted lines", "cases"]
Value = list[int] | str | int | tuple[int, int]

SHAPES: dict[Kind, tuple[Shape, ...]] = {
    "list": ("counted line", "line", "counted lines", "cases"),
    "string": ("line", "cases"),
    "integer": ("line", "cases"),
    "pair": ("line", "two lines", "cases"),
}

ONE_LINE: dict[Kind, str] = {
    "list": "a = list(map(int, input().split()))",
    "string": "s = input()",
    "integer": "n = int(input())",
    "pair": "x, y = map(int, input().split())",
}
SEVERAL_LINES: dict[Shape, tuple[str, ...]] = {
    "counted line": ("n = int(input())", ONE_LINE["list"]),
    "counted lines": ("n = int(input())", "a = [int(input()) for _ in range(n)]"),
    "two lines": ("x = int(input())", "y = int(input())"),
}
ARGUMENTS: dict[Kind, str] = {"list": "a", "string": "s", "integer": "n", "pair": "x, y"}
PRINT = {"value": "print({})", "values": "print(*{})", "yes-no": "print('YES' if {} else 'NO')"}


def program(operation: Operation, shape: Shape) -> str:
    """The program that reads standard input in this shape and prints the result."""
    reading = SEVERAL_LINES.get(shape, (ONE_LINE[operation.kind],))
    lines = [*reading, *operation.lines, PRINT[operation.mode].format(operation.result)]
    if shape == "cases":
        lines = ["t = int(input())", "for _ in range(t):", *(f"    {line}" for line in lines)]
    return "\n".join(lines)


def function(operation: Operation, name: str = "solve") -> str:
    """The same computation as a function of its arguments: right, but it reads and prints nothing."""
    lines = [*operation.lines, f"return {operation.result}"]
    return "\n".join([f"def {name}({ARGUMENTS[operation.kind]}):", *(f"    {line}" for line in lines)])


def write(value: Value, shape: Shape) -> str:
    """A value as the text of standard input, without the last line break; in `cases` shape, one case's line."""
    if isinstance(value, list):
        separator = "\n" if shape == "counted lines" else " "
        count = f"{len(value)}\n" if shape in ("counted line", "counted lines") else ""
        return count + separator.join(map(str, value))
    if isinstance(value, tuple):
        return ("\n" if shape == "two lines" else " ").join(map(str, value))
    return str(value)
