"""HumanEval's own solutions are accepted; with a wrong line they are not, unless they are shown to be right."""

import gzip
import itertools
import json
import random
from typing import Any

import pytest

from qwenlab.evaluation.item import Program as ProgramTask
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.suites import humaneval
from tests.data.made import SHARED_DATA
from tests.evaluation.programs.sandbox.wrong_line import with_a_wrong_line
from tests.evaluation.suites.asking import items_of

FILE = SHARED_DATA / "HumanEval.jsonl.gz"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not there")

DRAWN = random.Random(0)
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

STILL_RIGHT: dict[str, list[tuple[Any, ...]]] = {
    "HumanEval/19": [(" ".join(words),) for words in itertools.permutations(WORDS, 3)],  # nine counts 10
    "HumanEval/25": [(n,) for n in range(1, 3000)],  # what is left of n is never 2
    "HumanEval/99": [(f"{n / 4}",) for n in range(-999, 999)],  # only for an empty text, which is no number
    # One bit fewer of each but 0, which stays first; the numbers are not negative.
    "HumanEval/116": [([DRAWN.randrange(300) for _ in range(9)],) for _ in range(999)],
    "HumanEval/127": [  # 1 was no prime before
        ((a, a + m), (b, b + n)) for a, b, m, n in itertools.product(range(-4, 5), range(-4, 5), range(9), range(9))
    ],
    "HumanEval/143": [(" ".join("x" * n for n in lengths),) for lengths in itertools.product(range(1, 20), repeat=2)],
    # 2 and 3 are primes, and so found before they are asked for
}
"""Functions that a changed line leaves right: arguments from the whole of what they are asked for."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def problems() -> dict[str, Problem]:
    found = items_of(humaneval, str(FILE))
    assert not found.left_out
    return {item.name: item.task.problem for item in found.items if isinstance(item.task, ProgramTask)}


def accepted(sandbox: LaunchedSandbox, problems: dict[str, Problem], codes: dict[str, str]) -> set[str]:
    programs = [Program(name, problems[name], code) for name, code in codes.items()]
    return {result.name for result in judge(programs, sandbox, JudgeSettings()) if result.verdict == Verdict.AC}


def whole(row: dict[str, str]) -> str:
    return row["prompt"] + row["canonical_solution"]


def test_all_164_solutions_are_accepted(
    sandbox: LaunchedSandbox, problems: dict[str, Problem], rows: list[dict[str, str]]
) -> None:
    """As the benchmark has them, that is, the bodies alone; whole functions every fourth time."""
    codes = {
        row["task_id"]: whole(row) if number % 4 == 0 else row["canonical_solution"] for number, row in enumerate(rows)
    }
    assert len(codes) == 164
    assert accepted(sandbox, problems, codes) == codes.keys()


def test_no_head_is_accepted_without_a_body(
    sandbox: LaunchedSandbox, problems: dict[str, Problem], rows: list[dict[str, str]]
) -> None:
    assert accepted(sandbox, problems, {row["task_id"]: "" for row in rows}) == set()


def test_with_a_wrong_line_none_is_accepted_that_is_not_right_all_the_same(
    sandbox: LaunchedSandbox, problems: dict[str, Problem], rows: list[dict[str, str]]
) -> None:
    codes = {row["task_id"]: with_a_wrong_line(whole(row), row["entry_point"]) for row in rows}
    assert accepted(sandbox, problems, codes) == STILL_RIGHT.keys()


@pytest.mark.parametrize("name", STILL_RIGHT)
def test_and_those_give_the_same_results(rows: list[dict[str, str]], name: str) -> None:
    [row] = [row for row in rows if row["task_id"] == name]
    right, changed = (
        _function(source, row["entry_point"])
        for source in (whole(row), with_a_wrong_line(whole(row), row["entry_point"]))
    )
    for arguments in STILL_RIGHT[name]:
        assert right(*arguments) == changed(*arguments), arguments


def _function(source: str, name: str) -> Any:
    """In this process: the benchmark's own code, with one operator or number changed."""
    names: dict[str, Any] = {}
    exec(source, names)
    return names[name]
