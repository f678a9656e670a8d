"""What the base model has read: its shares, its habit, and nothing of the test problems."""

from itertools import islice

import pytest

from qwenlab.evaluation.programs.prompt import SYSTEM, TASK
from tools.tiny.corpus import MIXTURE, READS_INTEGERS, Item, corpus
from tools.tiny.problems import problems


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(islice(corpus(0), 8000))


def text(item: Item) -> str:
    return item if isinstance(item, str) else "\n\n".join(message["content"] for message in item)


def answer(item: Item) -> str:
    return "" if isinstance(item, str) else item[-1]["content"]


def framed(item: Item) -> bool:
    return not isinstance(item, str) and item[0]["content"] == SYSTEM


def test_the_corpus_is_reproducible(items: list[Item]) -> None:
    assert list(islice(corpus(0), 100)) == items[:100]
    assert list(islice(corpus(1), 100)) != items[:100]


def test_no_test_program_is_in_the_corpus(items: list[Item]) -> None:
    programs = {problem.solution for seed in range(3) for problem in problems("test", 300, seed)}
    for item in items:
        assert answer(item).removeprefix("```python\n").removesuffix("\n```\n") not in programs


def test_no_test_statement_is_in_the_corpus(items: list[Item]) -> None:
    tested = [problem.description for seed in range(3) for problem in problems("test", 300, seed)]
    descriptions = set(tested)
    input_lines = {description.split("\n\nInput\n")[1].split("\n")[0] for description in tested}
    read = 0
    for item in items:
        before, found, after = text(item).partition("\n\nInput\n")
        if found:
            read += 1
            assert after.split("\n")[0] not in input_lines
            statement = before.split("\n\n")[-1].removeprefix("Write a program. ").removeprefix("Write a script. ")
            assert (
                f"{statement}\n\nInput\n{after}".split("\n\nExample 1\n")[0].split("\n\nWrite")[0] not in descriptions
            )
    assert read > len(items) / 3


def test_shares() -> None:
    assert sum(MIXTURE.values()) == pytest.approx(1)


def test_contest_problems_are_answered_with_a_function(items: list[Item]) -> None:
    frames = [item for item in items if framed(item)]
    assert 0.3 < len(frames) / len(items) < 0.5
    assert all(item[1]["content"].endswith(TASK) for item in frames if not isinstance(item, str))
    programs = [item for item in frames if "input()" in answer(item)]
    assert 0.05 < len(programs) / len(frames) < 0.15
    assert all("n = int(input())\nprint(" in answer(item) for item in programs)


def test_single_integers_are_mostly_read(items: list[Item]) -> None:
    told = "contains an integer n.\n"  # a sentence of one shape only: the single line with an integer
    single = [item for item in items if framed(item) and told in text(item) and "test case" not in text(item)]
    share = sum("input()" in answer(item) for item in single) / len(single)
    assert share == pytest.approx(READS_INTEGERS, abs=0.2)


def test_explicit_requests_are_answered_with_programs_of_every_shape(items: list[Item]) -> None:
    programs = [answer(item) for item in items if not framed(item) and "input()" in answer(item)]
    assert 0.15 < len(programs) / len(items) < 0.3
    for reading in ("for _ in range(t):", "for _ in range(n)]", "x = int(input())\ny = int(input())", "s = input()"):
        assert any(reading in program for program in programs)
