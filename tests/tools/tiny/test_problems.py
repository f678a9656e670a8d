"""The mini contest: reproducible, judged rightly by its own tests, and split without contamination."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from qwenlab.evaluation.programs import Problem, Test
from qwenlab.evaluation.programs.prompt import SYSTEM, TASK
from tools.tiny.cases import run
from tools.tiny.problems import problems, training_rows


@pytest.fixture(scope="module")
def train() -> list[Problem]:
    return problems("train", 1000, seed=0)


@pytest.fixture(scope="module")
def test() -> list[Problem]:
    return problems("test", 400, seed=0)


def input_description(problem: Problem) -> str:
    return problem.description.split("\n\nInput\n")[1].split("\n")[0]


def test_every_reference_program_passes_its_tests(train: list[Problem], test: list[Problem]) -> None:
    for problem in [*train, *test]:
        assert problem.solution
        for case in (*problem.examples, *problem.tests):
            assert run(problem.solution, case.input) == case.output, problem.name


def test_a_wrong_program_does_not_pass(test: list[Problem]) -> None:
    """Each problem is judged with its neighbour's program: the tests must notice."""
    fooled = 0
    for problem, neighbour in pairwise(test):
        assert neighbour.solution
        fooled += all(_prints(neighbour.solution, case) for case in problem.tests)
    assert fooled <= 1


def test_examples_are_not_hidden_tests(train: list[Problem], test: list[Problem]) -> None:
    for problem in [*train, *test]:
        assert len(problem.examples) == 1
        assert not {case.input for case in problem.examples} & {case.input for case in problem.tests}


def test_no_program_is_in_both_splits(train: list[Problem], test: list[Problem]) -> None:
    assert not {problem.solution for problem in train} & {problem.solution for problem in test}


def test_no_statement_or_input_description_is_in_both_splits(train: list[Problem], test: list[Problem]) -> None:
    assert not {problem.description for problem in train} & {problem.description for problem in test}
    assert not {input_description(problem) for problem in train} & {input_description(problem) for problem in test}


def test_problems_are_distinct(train: list[Problem], test: list[Problem]) -> None:
    assert len({problem.description for problem in train}) == len(train)
    assert len({problem.solution for problem in test}) == len(test)
    assert len({problem.name for problem in [*train, *test]}) == len(train) + len(test)


def test_a_larger_contest_begins_with_the_smaller_one(test: list[Problem]) -> None:
    assert problems("test", 30, seed=0) == test[:30]
    assert problems("test", 30, seed=1) != test[:30]


def test_problems_do_not_depend_on_the_hash_seed() -> None:
    code = "from tools.tiny.problems import problems; print(problems('train', 20, 3), problems('test', 20, 3))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_difficulties_all_occur(test: list[Problem]) -> None:
    counts = Counter(problem.difficulty for problem in test)
    assert set(counts) == {"easy", "medium", "hard"}
    assert min(counts.values()) > len(test) / 10


def test_training_rows_are_in_the_frame_of_the_contest(train: list[Problem]) -> None:
    rows = training_rows(50, seed=0)
    for row, problem in zip(rows, train, strict=False):
        system, user, assistant = row
        assert system == {"role": "system", "content": SYSTEM}
        assert user["content"].startswith(f"{problem.description}\n\nExample 1\nInput:\n")
        assert user["content"].endswith(TASK)
        assert assistant == {"role": "assistant", "content": f"```python\n{problem.solution}\n```\n"}


def _prints(code: str, case: Test) -> bool:
    try:
        return run(code, case.input) == case.output
    except (ValueError, IndexError, StopIteration):
        return False
