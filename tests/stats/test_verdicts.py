"""The verdict on each of several suites, beside statsmodels' Holm."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from qwenlab.stats.non_inferiority import non_inferiority
from qwenlab.stats.paired import compare, compare_losses
from qwenlab.stats.types import NotMeasured
from qwenlab.stats.verdicts import Judged, Measured, Verdict, holm, judge
from tests.stats.tables import table


def target(n: int, gained: int, lost: int) -> Measured:
    return Measured(compare(*table(both=0, gained=gained, lost=lost, n=n)))


def retention(n: int, gained: int, lost: int) -> Measured:
    runs = table(both=0, gained=gained, lost=lost, n=n)
    return Measured(compare(*runs), non_inferiority(*runs))


def verdict(suite: Measured) -> Verdict:
    return judge({"only": suite})["only"].verdict


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04, of which none may fall.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.7, 0.6]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_holm_equals_statsmodels(count: int) -> None:
    p_values = (np.random.default_rng(count).random(count) ** 3).round(2).tolist()  # small ones, and ties
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (target(100, 21, 3), "improved"),
        (target(100, 3, 21), "worse"),
        (target(100, 8, 2), "not shown"),
        (target(164, 0, 0), "not shown"),  # nothing was asked about what it kept
        (retention(164, 21, 3), "improved"),
        (retention(164, 3, 21), "worse"),
        (retention(164, 4, 4), "kept"),
        (retention(164, 8, 16), "not shown"),
        (retention(40, 0, 0), "not shown"),  # too few to disprove anything
        (target(0, 0, 0), "not measured"),
        (Measured(NotMeasured(why="no sandbox")), "not measured"),
    ],
)
def test_a_suite_alone(suite: Measured, expected: Verdict) -> None:
    assert verdict(suite) == expected


def test_a_small_loss_that_is_certain_is_worse_though_within_the_margin() -> None:
    # 12 of 1,000 lost, none gained: 2 / 2^12, and at most 2 points.
    judged = judge({"only": retention(1000, 0, 12)})["only"]
    assert judged.verdict == "worse"
    assert judged.retention and judged.retention.lost_at_most < judged.retention.margin
    assert judged.retention_p_adjusted is not None and judged.retention_p_adjusted < 0.05


def test_of_five_suites_one_at_four_percent_shows_nothing() -> None:
    # 2 * (1 + 9) / 2^9 = 0.039.
    alone = target(100, 8, 1)
    assert verdict(alone) == "improved"
    others = {name: target(100, 4, 4) for name in "abcd"}
    judged = judge(others | {"e": alone})["e"]
    assert judged.verdict == "not shown"
    assert judged.p_adjusted == pytest.approx(5 * 2 * 10 / 2**9)


def test_the_two_questions_are_two_families_and_targets_are_asked_one() -> None:
    judged = judge({"a": target(100, 21, 3), "b": retention(164, 4, 4), "c": retention(300, 4, 4)})
    p_values = [suite.retention.p_value for suite in judged.values() if suite.retention]
    assert [suite.retention_p_adjusted for suite in judged.values()] == [None, *holm(p_values)]
    assert judged["a"].p_adjusted == pytest.approx(3 * 4650 / 2**24)
    assert [suite.verdict for suite in judged.values()] == ["improved", "kept", "kept"]


def test_what_was_not_measured_costs_the_others_nothing() -> None:
    suites = {"a": target(100, 8, 1), "b": Measured(NotMeasured(why="no sandbox")), "c": target(0, 0, 0)}
    judged = judge(suites)
    assert [suite.verdict for suite in judged.values()] == ["improved", "not measured", "not measured"]
    assert judged["b"] == Judged(verdict="not measured", p_adjusted=None, retention=None, retention_p_adjusted=None)
    assert judge({}) == {}


def test_the_interval_over_contests_has_its_say() -> None:
    # 8 gained in one contest of 25: p is 2 / 2^8, and the contests disagree.
    before, after = table(both=0, gained=8, lost=0, n=100)
    contests = [0] * 8 + [1 + index % 24 for index in range(92)]
    assert verdict(Measured(compare(before, after, contests))) == "not shown"
    assert verdict(Measured(compare(before, after))) == "improved"


def test_of_losses_less_is_better() -> None:
    before = [1.0 + item / 10 for item in range(12)]
    after = [loss - 0.1 - item / 100 for item, loss in enumerate(before)]
    assert verdict(Measured(compare_losses(before, after))) == "improved"
    assert verdict(Measured(compare_losses(after, before))) == "worse"


def test_a_verdict_is_read_back_equal() -> None:
    judged = judge({"only": retention(164, 4, 4)})["only"]
    assert Judged.model_validate_json(judged.model_dump_json()) == judged
