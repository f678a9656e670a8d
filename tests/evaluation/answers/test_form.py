"""The kind of a data set's answers is told by its cells."""

import json

import pytest

from qwenlab.evaluation.answers import number
from qwenlab.evaluation.answers.form import find_form
from qwenlab.evaluation.item import Form
from tests.data.made import SHARED_DATA

GSM8K = SHARED_DATA / "gsm8k_train.jsonl"
MATH = SHARED_DATA / "math500_even.jsonl"


@pytest.mark.parametrize(
    ("golds", "form"),
    [
        (["She sells 48 / 2 = 24.\n#### 24", "5 + 7 = 12\n#### 1,012"], "number"),
        (["$18", "40%", "1,234", "7/2", "-3", "2.5e3", "12 apples"], "number"),
        (["So \\boxed{5}", "Hence $\\boxed{72}$."], "number"),
        (["A", "c", "(B)", "D."], "choice"),
        (["A. London", "B) Paris", "(C) Rome"], "choice"),
        (["First...\n#### B", "Then...\n#### A"], "choice"),
        (['{"a": 1}', "[]"], "json"),
        (["We get $x = 5$, so \\boxed{x = 5}", "hence \\boxed{\\frac12}"], "math"),
        (["27", "\\frac{3}{4}", "x^2 - 4", "\\text{even}"], "math"),
        (["positive", "negative"] * 10, "text"),
        (["Paris", "Marie Curie", "The Great Gatsby"], "text"),
        (["the text follows from the premise", "it says the opposite of the premise"] * 10, "text"),
    ],
)
def test_a_form_is_found(golds: list[str], form: Form) -> None:
    assert find_form(golds) == form


@pytest.mark.parametrize(
    "golds",
    [
        [],
        [""],
        ["The capital is Paris, since 987.", "Rome was the first, and it was so for a long time."],
        ["def f():\n    return 1", "print(2)"],
        ["#### 5", "It depends on what you mean by that, of course."],
    ],
)
def test_free_text_has_no_form(golds: list[str]) -> None:
    assert find_form(golds) is None


def test_a_few_slips_do_not_hide_the_form() -> None:
    slips = ["see above, where all of it is said, and more of it than anyone would like"]
    assert find_form([*["#### 5"] * 19, *slips]) == "number"
    assert find_form([*["#### 5"] * 18, *slips]) is None


@pytest.mark.skipif(not GSM8K.exists(), reason="not at hand")
def test_the_answers_of_gsm8k_are_numbers_each_equal_to_itself() -> None:
    golds = [json.loads(line)["answer"] for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    assert find_form(golds) == "number"
    assert [gold for gold in golds if not number.same(number.find(gold).value, gold.split("####")[1])] == []


@pytest.mark.skipif(not MATH.exists(), reason="not at hand")
def test_the_answers_of_math_are_mathematics() -> None:
    assert find_form([json.loads(line)["answer"] for line in MATH.read_text(encoding="utf-8").splitlines()]) == "math"
