"""The same items of two files find each other, and what does not belong together is told."""

from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.pairs import Pairs, pair
from qwenlab.evaluation.outcomes.rows import ResultFile, Row
from qwenlab.evaluation.outcomes.scores import Scored


def row(item: object, score: object, content: str = "", prompt: str = "", answer: str = "") -> Row:
    return Row(str(item), {"right": score}, content, prompt, answer)


def side(*rows: Row, task: str = "", kind: str = "table", name: str = "base.csv") -> Scored:
    return Scored(ResultFile(Path(name), kind, rows, task), "right")


def paired(base: list[Row], tuned: list[Row]) -> Pairs:
    return pair(side(*base), side(*tuned))


def test_items_are_matched_by_name_and_stand_in_the_order_of_names() -> None:
    found = paired([row(10, 1), row(9, 0), row("a", 1)], [row("a", 0), row(9, 1), row(10, None), row(11, 1)])
    assert found.items == ("9", "10", "a")
    assert (found.before, found.after) == ((0, 1, 1), (1, None, 0))
    assert (found.base_alone, found.tuned_alone) == ((), ("11",))


def test_several_answers_to_an_item_are_averaged_and_those_without_a_score_are_not_counted() -> None:
    found = paired([row(1, 1), row(1, 0), row(1, None)], [row(1, 1)])
    assert (found.before, found.after, found.repeated) == ((0.5,), (1,), True)
    assert not paired([row(1, 1)], [row(1, 1)]).repeated


def test_the_same_name_with_other_content_is_another_item() -> None:
    base = [row(1, 1, "old"), row(2, 1, "same")]
    found = paired(base, [row(1, 1, "new"), row(2, 0, "same")])
    assert (found.items, found.changed, found.base_alone, found.tuned_alone) == (("2",), ("1",), ("1",), ("1",))
    with pytest.raises(UserError, match="of 1 names that both have, none stands for the same content"):
        paired(base[:1], [row(1, 1, "new")])


def test_content_counts_between_files_of_one_kind_alone() -> None:
    base, tuned = side(row(1, 1, "hash")), side(row(1, 0, "text"), kind="inspect")
    assert pair(base, tuned).items == ("1",)


def test_different_tasks_or_no_item_in_common_are_refused() -> None:
    with pytest.raises(UserError, match="different tasks: sums and products"):
        pair(side(row(1, 1), task="sums"), side(row(1, 1), task="products"))
    assert pair(side(row(1, 1), task="sums"), side(row(1, 1))).items == ("1",)
    with pytest.raises(UserError, match=r"share no item: a is in the one, b in the other"):
        paired([row("a", 1)], [row("b", 1)])


def test_other_prompts_are_counted_where_both_are_known() -> None:
    base = [row(1, 1, prompt="p"), row(2, 1, prompt="q"), row(3, 1)]
    assert paired(base, [row(1, 1, prompt="p"), row(2, 1, prompt="r"), row(3, 1, prompt="s")]).other_prompts == 1


def test_answers_that_are_all_the_same_are_noticed() -> None:
    base = [row(1, 1, answer="x"), row(2, 0, answer="y")]
    assert paired(base, base).same_answers
    assert not paired(base, [base[0], row(2, 0, answer="z")]).same_answers
    assert not paired([row(1, 1), row(2, 1)], [row(1, 1), row(2, 1)]).same_answers
