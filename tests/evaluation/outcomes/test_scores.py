"""What of a file is a score, and which of several is meant."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import ResultFile, Row
from qwenlab.evaluation.outcomes.scores import Scored, choose, choose_one, fault


def results(file: str = "base.csv", /, **columns: Sequence[object]) -> ResultFile:
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return ResultFile(Path(file), "table", tuple(Row(str(number), row) for number, row in enumerate(rows)))


def test_what_stands_for_right_and_wrong_and_between() -> None:
    file = results(right=[True, False, 1, 0.0, "1", "0.25", "TRUE", " no ", "yes", None, float("nan"), ""])
    assert Scored(file, "right").values() == [1, 0, 1, 0, 1, 0.25, 1, 0, 1, None, None, None]
    assert fault(file, "right") is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("score", 87, "item 1 has 87"),
        ("score", -0.5, "item 1 has -0.5"),
        ("score", "inf", "item 1 has inf"),
        ("score", "maybe", 'item 1 has the text "maybe"'),
        ("score", [1, 0], "item 1 has several values"),
        ("perplexity,none", 0.5, "less of it is better"),
        ("validation_loss", 0.5, "less of it is better"),
    ],
)
def test_what_is_no_score_is_refused_with_the_reason(name: str, value: object, why: str) -> None:
    file = results(**{name: [0.5, value]})
    assert fault(file, name) == why
    with pytest.raises(UserError, match="divide percents by 100"):
        choose(file, file, (name, name))


def test_a_column_without_any_value_is_no_score() -> None:
    assert fault(results(right=[None, ""]), "right") == "it has no value"


def test_the_only_score_that_both_have_is_taken() -> None:
    base = results(right=[1, 0], note=["a", "b"], other=[1, 1])
    tuned = results("tuned.csv", right=[1, 1], note=["a", "b"])
    assert [side.score for side in choose(base, tuned, (None, None))] == ["right", "right"]


def test_of_several_one_has_to_be_named() -> None:
    base, tuned = (results(name, right=[1, 0], strict=[0, 0]) for name in ("base.csv", "tuned.csv"))
    with pytest.raises(UserError, match=r"base\.csv and tuned\.csv share several scores: right; strict") as told:
        choose(base, tuned, (None, None))
    assert told.value.hint == "Name one: --score right"
    assert choose(base, tuned, ("strict", "strict"))[0].values() == [0, 0]
    with pytest.raises(UserError, match=r"base\.csv has no score wright") as told:
        choose(base, tuned, ("wright", "wright"))
    assert told.value.hint == "There are: right; strict."


def test_where_none_is_shared_or_none_is_a_score_the_reasons_are_told() -> None:
    with pytest.raises(UserError, match=r"base\.csv has right, tuned\.csv has good") as told:
        choose(results(right=[1]), results("tuned.csv", good=[1]), (None, None))
    assert "--tuned-column" in told.value.hint
    loss = results(loss=[0.5], tokens=[17])
    with pytest.raises(UserError, match=r"loss: less of it is better; tokens: item 0 has 17"):
        choose(loss, loss, (None, None))
    with pytest.raises(UserError, match="Only one of --base-column and --tuned-column"):
        choose(loss, loss, ("loss", None))


def test_one_file_has_both_sides() -> None:
    file = results(base=[1, 0], tuned=[1, 1], other=[0, 0])
    assert [side.score for side in choose_one(file, (None, None))] == ["base", "tuned"]
    assert [side.score for side in choose_one(file, ("tuned", "other"))] == ["tuned", "other"]
    with pytest.raises(UserError, match=r"two of its scores have to be named: right; good"):
        choose_one(results(right=[1], good=[0]), ("right", None))
    with pytest.raises(UserError, match="compared with itself"):
        choose_one(file, ("other", "other"))
