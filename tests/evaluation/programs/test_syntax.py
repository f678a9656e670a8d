"""Texts that are Python, that are not, and that end a parser."""

import os
import signal
from collections.abc import Iterator

import pytest

from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.syntax import Parser


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(judging_interpreter()) as parser:
        yield parser


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print(1)",
        "x = '\\d'",
        "'a' is 'a'",
        "match x:\n    case 1: pass",
        "def f(): pass\n\x0c\nf()",
        "# žluť\r\npass\r\n",
        "1" * 10_000,
    ],
)
def test_python(parser: Parser, text: str) -> None:
    assert parser.parses(text)


@pytest.mark.parametrize(
    "text",
    [
        "print 1",
        "def f(:",
        "if 1:\n\tx\n        y",
        "\0",
        "x = '\ud800'",
        "(" * 100_000,
        "-" * 1_000_000 + "1",
        "+".join(["1"] * 100_000),
        "x" + ".x" * 100_000,
        "x = " + "lambda: " * 50_000 + "1",
        "\n".join(" " * depth + "if 1:" for depth in range(200)),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_not_python_and_the_parser_lives_on(parser: Parser, text: str) -> None:
    assert not parser.parses(text)
    assert parser.parses("print(1)")


def test_a_parser_that_dies_is_replaced(parser: Parser) -> None:
    assert parser.parses("1")
    assert parser.process
    os.kill(parser.process.pid, signal.SIGKILL)
    parser.process.wait()
    assert not parser.parses("1")
    assert parser.parses("1")


def test_a_parser_that_hangs_is_replaced(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenlab.evaluation.programs.syntax.SECONDS", 0.1)
    assert parser.parses("1")
    assert parser.process
    os.kill(parser.process.pid, signal.SIGSTOP)
    assert not parser.parses("1")
    monkeypatch.undo()
    assert parser.parses("1")
