"""The suites of maths: how their problems are asked, and rows that are told."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, ShortAnswer
from qwenlab.evaluation.suites import gsm8k, math
from tests.data.made import SHARED_DATA, write_jsonl
from tests.evaluation.suites.asking import items_of

GSM8K = {"question": "Tom has 3 pens and buys 4. How many?", "answer": "3 + 4 = <<3+4=7>>7\n#### 7"}
MATH: dict[str, Any] = {
    "problem": "Compute $\\frac{1}{2} + \\frac{1}{4}.$",
    "answer": "\\frac{3}{4}",
    "level": 1,
    "subject": "Algebra",
    "unique_id": "test/algebra/1.json",
}


def test_a_problem_of_gsm8k_is_asked_for_its_last_number(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "test.jsonl", [GSM8K])
    assert items_of(gsm8k, str(source), system="Be brief.").items == (
        Item(
            name="gsm8k-1",
            messages=(
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": f"{GSM8K['question']}\n\nGive the final number in a last line, after ####.",
                },
            ),
            shown=GSM8K["question"],
            task=ShortAnswer(form="number", gold=GSM8K["answer"]),
        ),
    )


def test_a_column_of_bare_numbers_is_an_answer_too(tmp_path: Path) -> None:
    pl.DataFrame({"question": ["How many?"], "answer": [7]}).write_csv(tmp_path / "test.csv")
    (item,) = items_of(gsm8k, str(tmp_path / "test.csv")).items
    assert item.task == ShortAnswer(form="number", gold="7")


def test_answers_without_a_number_are_left_out(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "test.jsonl", [GSM8K, GSM8K | {"answer": "It depends."}])
    found = items_of(gsm8k, str(source))
    assert [item.name for item in found.items] == ["gsm8k-1"]
    assert found.left_out == {"its answer holds no number": ("gsm8k-2",)}


def test_a_problem_of_math_is_asked_for_a_box_and_grouped_by_its_level(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "test.jsonl", [MATH])
    assert items_of(math, str(source)).items == (
        Item(
            name="test/algebra/1.json",
            messages=({"role": "user", "content": f"{MATH['problem']}\n\nPut the final answer in \\boxed{{}}."},),
            shown=MATH["problem"],
            group="level 1",
            task=ShortAnswer(form="math", gold=MATH["answer"]),
        ),
    )


@pytest.mark.parametrize(
    ("row", "group"),
    [({"level": 3}, "level 3"), ({"level": 3.0}, "level 3"), ({"difficulty": 2.0}, "level 2"), ({}, "all")],
)
def test_levels_by_either_name_or_none(tmp_path: Path, row: dict[str, Any], group: str) -> None:
    source = write_jsonl(tmp_path / "test.jsonl", [{"problem": "Compute 1 + 1.", "answer": "2"} | row])
    (item,) = items_of(math, str(source)).items
    assert (item.name, item.group) == ("1", group)


@pytest.mark.parametrize(
    ("suite", "row", "said"),
    [
        (gsm8k, {"problem": "Compute."}, "question: Field required."),
        (gsm8k, GSM8K | {"answer": None}, "answer: Field required."),
        (math, {"question": "Compute."}, "problem: Field required."),
        (math, MATH | {"answer": ["1", "2"]}, "answer: Input should be a valid string."),
    ],
)
def test_a_bad_row_is_told_with_its_file_and_number(tmp_path: Path, suite: Any, row: dict[str, Any], said: str) -> None:
    source = str(write_jsonl(tmp_path / "test.jsonl", [row]))
    with pytest.raises(UserError) as error:
        items_of(suite, source)
    assert error.value.message.startswith(f"{source}, row 1: {said}")
    assert '"answer"' in error.value.hint and json.loads(error.value.hint.partition(": ")[2])


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the real files are not here")
def test_real_files_are_read() -> None:
    found = items_of(math, str(SHARED_DATA / "math500_even.jsonl"))
    assert len(found.items) == 250 and {item.group for item in found.items} == {f"level {n}" for n in range(1, 6)}
    assert len(items_of(gsm8k, str(SHARED_DATA / "gsm8k_train.jsonl")).items) == 7473
