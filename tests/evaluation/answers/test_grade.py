"""Answers are graded as a person grades them: labelled pairs, and what a rule must not be talked into."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenlab.answering.reasoning import split
from qwenlab.errors import UserError
from qwenlab.evaluation.answers.grade import Grader
from qwenlab.evaluation.item import Form, ShortAnswer

PAIRS = [json.loads(line) for line in Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader() as grader:
        yield grader


def _right(grader: Grader, form: Form, gold: str, answer: str) -> bool:
    return grader.grade(ShortAnswer(form=form, gold=gold), answer).right


@pytest.mark.parametrize("form", ["number", "choice", "text", "contains", "json", "math"])
def test_grades_agree_with_a_person(grader: Grader, form: Form) -> None:
    pairs = [pair for pair in PAIRS if pair["kind"] == form]
    assert len(pairs) >= 20
    assert [
        pair for pair in pairs if _right(grader, form, pair["gold"], split(pair["answer"]).answer) != pair["right"]
    ] == []


RIGHT: list[tuple[Form, str, str]] = [
    ("number", "72", "So 72 clips.\n\nLet me know if you need help!"),
    ("number", "72", "共72个"),
    ("number", "72", "The answer is 72 clips in 2 months."),
    ("number", "18", "The answer is $18 every day and not $20."),
    ("number", "15", "The total is 5 + 10 = 15, and the answer is positive."),
    ("number", "1.5", "\\boxed{1\\frac{1}{2}}"),
    ("number", "12", "**Final Answer**\n\n12 apples"),
    ("choice", "B", "\\boxed{\\textbf{(B)}}"),
    ("choice", "B", "The answer is B, not C."),
    ("choice", "B", "B. Water is wet"),
    ("text", "Star Wars: A New Hope", "Star Wars: A New Hope"),
    ("contains", "C++", "I like C++."),
    ("json", "1", "1.0"),
    ("json", '{"a": 0.1}', '```json\n{"a": 0.10}\n```\nNote [see above].'),
    ("math", "12 \\text{ cm}", "\\boxed{12}"),
    ("math", "3,5", "The roots are \\boxed{3} and \\boxed{5}."),
    ("math", ".0000672", "\\boxed{6.72 \\times 10^{-5}}"),
    ("math", "x \\ge 5", "\\boxed{[5,\\infty)}"),
    ("math", "-2,1", "x = -2 \\text{ or } x = 1"),
    ("math", "12", "The final answer is: $12$. I hope it is correct."),
]


@pytest.mark.parametrize(("form", "gold", "answer"), RIGHT)
def test_a_right_answer_is_right_however_it_is_said(grader: Grader, form: Form, gold: str, answer: str) -> None:
    assert _right(grader, form, gold, answer)


WRONG: list[tuple[Form, str, str]] = [
    ("number", "30", "The bus leaves at 5:30."),
    ("number", "2", "The side is $\\sqrt{2}$."),
    ("number", "2", "\\boxed{2x}"),
    ("number", "2", "\\boxed{2\\pi}"),
    ("number", "8", "The answer is 8*9."),
    ("number", "6", "The answer is 6 hours and 30 minutes."),
    ("number", "3", "3, 4, 5"),
    ("number", "0.4", "40%"),
    ("number", "1", "1/0"),
    ("number", "1", "1e999999999"),
    ("number", "5", "9" * 5000),
    ("choice", "A", "The answer is a difficult question."),
    ("choice", "A", "A. London\nB. Paris\nC. Rome"),
    ("choice", "B", "(B) is wrong"),
    ("choice", "B", "The answer isn't B."),
    ("choice", "I", "I think so."),
    ("text", "C", "C++"),
    ("text", "5", "-5"),
    ("text", "spam", "The message is not spam."),
    ("text", "yes", " "),
    ("contains", "42", "-42"),
    ("contains", "42", "42.5"),
    ("json", "[1, 2, 3]", '{"a": [1, 2, 3],}'),
    ("json", '{"a": 1}', '{"a": 2, "a": 1}'),
    ("json", '{"a": 1}', '{"a": true}'),
    ("json", '{"a": 1}', "[" * 100_000),
    ("json", '{"a": 1}', '{"a": ' + "9" * 5000 + "}"),
    ("math", "52_8", "\\boxed{52_9}"),
    ("math", "(1,2)", "\\boxed{\\{1,2\\}}"),
    ("math", "1,2", "\\boxed{(1,2)}"),
    ("math", "12 \\text{ cm}", "\\boxed{12\\text{ m}}"),
    ("math", "2", "\\boxed{2c}"),
    ("math", "2X", "\\boxed{2x}"),
    ("math", "x+X", "\\boxed{2x}"),
    ("math", "\\frac{1}{3}", "\\boxed{0.333333}"),
    ("math", ".0000672", "\\boxed{.0000673}"),
    ("math", "(\\frac{1}{3}, 1)", "\\boxed{(0.333333, 1)}"),
    ("math", "5", "\\boxed{x+y=5}"),
    ("math", "\\frac{1}{2}", "\\boxed{\\frac{1}{2"),
    ("math", "5", ""),
]


@pytest.mark.parametrize(("form", "gold", "answer"), WRONG)
def test_a_wrong_answer_is_wrong_however_near_it_comes(grader: Grader, form: Form, gold: str, answer: str) -> None:
    assert not _right(grader, form, gold, answer)


def test_what_was_found_is_told_with_its_rule(grader: Grader) -> None:
    task = ShortAnswer(form="number", gold="72")
    assert grader.grade(task, "First \\boxed{70}.\n#### $1,072 in all") == ("1,072", "after ####", False)
    assert grader.grade(task, "It is 72 or 73.") == ("", "several answers", False)
    assert grader.grade(task, "I cannot say.") == ("", "nothing found", False)


def test_a_users_pattern_finds_the_last_match(grader: Grader) -> None:
    task = ShortAnswer(form="regex", gold="42", pattern=r"Result: (\d+)")
    assert grader.grade(task, "Result: 41, no.\nResult: 42.") == ("42", "last match", True)
    assert grader.grade(task, "42") == ("", "nothing found", False)


def test_a_pattern_that_never_ends_is_given_up(grader: Grader) -> None:
    task = ShortAnswer(form="regex", gold="a", pattern="(a|aa)+$")
    assert grader.grade(task, "a" * 500 + "b").rule == "took too long"


def test_a_pattern_that_is_none_is_a_users_fault(grader: Grader) -> None:
    with pytest.raises(UserError, match="not a regular expression: missing"):
        grader.grade(ShortAnswer(form="regex", gold="a", pattern="(("), "a")


def test_an_empty_pattern_is_a_users_fault(grader: Grader) -> None:
    with pytest.raises(UserError, match="The pattern that finds the answer is empty"):
        grader.grade(ShortAnswer(form="regex", gold="a"), "a")


CUT: list[tuple[Form, str, str, bool]] = [
    ("number", "72", "#### 72\n\nThis is because the", True),
    ("number", "72", "The answer is 72 clips, since she", True),
    ("number", "72", "So \\boxed{72}", True),
    ("math", "\\frac{1}{2}", "So $\\boxed{\\frac{1}{2}}$. Let us che", True),
    ("choice", "B", "The answer is B. Let us see why: A is wro", True),
    ("text", "Paris", "The answer is Paris.\n\nIt is the capi", True),
    ("number", "72", "She sold 48 in April and 24 in May, together 72. Now we", False),
    ("number", "72", "#### 72", False),
    ("number", "7", "The answer is 7", False),
    ("number", "72", "\\boxed{72", False),
    ("number", "72", "#### 73\n\nThis is because the", False),
    ("text", "Paris", "Paris", False),
    ("json", '{"a": 1}', '{"a": 1} or', False),
    ("contains", "Paris", "It is Paris, or perhaps", False),
    ("number", "72", "", False),
]


@pytest.mark.parametrize(("form", "gold", "answer", "right"), CUT)
def test_an_answer_that_was_cut_counts_where_a_mark_had_named_it(
    grader: Grader, form: Form, gold: str, answer: str, right: bool
) -> None:
    assert grader.grade_cut(ShortAnswer(form=form, gold=gold), answer).right is right


@pytest.mark.parametrize("form", ["number", "choice", "text", "contains", "json"])
@pytest.mark.parametrize("said", ["\\boxed{", "answer is ", "between 1 and ", '{"a":', "\\frac{", "1 or ", "A, ", "\n"])
def test_an_answer_that_repeats_itself_costs_no_time(grader: Grader, form: Form, said: str) -> None:
    start = time.process_time()
    _right(grader, form, "1", said * (30_000 // len(said)) + "!")
    assert time.process_time() - start < 5
