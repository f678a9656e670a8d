"""What of the data's own answer is compared, and items that have nothing to compare."""

import pytest

from qwenlab.evaluation.answers.gold import gold_value, gradable
from qwenlab.evaluation.item import Form, Item, Reference, ShortAnswer, Task

GOLDS: list[tuple[Form, str, str]] = [
    ("number", "3 + 4 = 7\n#### 7", "7"),
    ("number", "It depends.", ""),
    ("choice", "(B) Paris", "B"),
    ("choice", "Paris", ""),
    ("text", "Star Wars: A New Hope", "Star Wars: A New Hope"),
    ("text", "?!", ""),
    ("contains", " Paris ", "Paris"),
    ("regex", "Result: 42", "42"),
    ("regex", "42", ""),
    ("json", '{"a": 1}', '{"a": 1}'),
    ("json", "none", ""),
    ("math", "so \\boxed{x+1}", "x+1"),
]


@pytest.mark.parametrize(("form", "gold", "value"), GOLDS)
def test_what_of_the_datas_own_answer_is_compared(form: Form, gold: str, value: str) -> None:
    assert gold_value(ShortAnswer(form=form, gold=gold, pattern=r"Result: (\d+)")) == value


def test_items_without_such_a_value_are_left_out_by_reason_and_free_text_is_not() -> None:
    tasks: dict[str, Task] = {
        "right": ShortAnswer(form="number", gold="7"),
        "none": ShortAnswer(form="number", gold="It depends."),
        "word": ShortAnswer(form="choice", gold="Paris"),
        "free": Reference(answer="It depends."),
    }
    items = [Item(name=name, messages=(), shown="", task=task) for name, task in tasks.items()]
    found = gradable(items, "abc")
    assert ([item.name for item in found.items], found.version) == (["right", "free"], "abc")
    assert found.left_out == {"its answer holds no number": ("none",), "its answer is no letter": ("word",)}
