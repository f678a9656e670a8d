"""How often verdicts are false, over simulated runs: at most at the stated rate, with Holm over the suites.

A rate of 5 % in `runs` simulated runs has a standard error of sqrt(0.05 * 0.95 / runs); three of them are allowed.
"""

import math

import pytest

from bench.verdicts import (
    MIXED,
    NOTHING,
    Draw,
    Suites,
    contests,
    false_kept,
    lost_the_margin,
    scores,
    simulate,
    size_of_kept,
    size_of_mcnemar,
)
from qwenlab.stats.types import ALPHA


def allowed(runs: int) -> float:
    return ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


SCENARIOS = pytest.mark.parametrize(
    "suites",
    [NOTHING, lost_the_margin(0.0), lost_the_margin(0.05), MIXED],
    ids=["nothing changed", "margin lost, none gained", "margin lost, some gained", "mixed"],
)


def check(suites: Suites, runs: int) -> None:
    rates = simulate(suites, runs, seed=17)
    assert rates.change <= allowed(runs)
    assert rates.kept <= allowed(runs)
    assert all(sum(counts.values()) == runs for counts in rates.verdicts.values())


@pytest.mark.parametrize("suites", [NOTHING, lost_the_margin(0.05)], ids=["nothing changed", "margin lost"])
def test_false_verdicts_are_rare_in_fifty_runs(suites: Suites) -> None:
    check(suites, runs=50)


@pytest.mark.slow
@SCENARIOS
def test_false_verdicts_are_as_rare_as_stated(suites: Suites) -> None:
    check(suites, runs=2000)


def test_what_is_true_is_found() -> None:
    rates = simulate(MIXED, runs=30, seed=17)
    assert rates.verdicts["own rows"]["improved"] >= 24  # 20 points of 120 rows
    assert rates.verdicts["choices"]["worse"] >= 21  # 10 points of 150
    assert rates.verdicts["HumanEval"]["kept"] >= 8  # half of the runs


@pytest.mark.slow
def test_without_holm_false_verdicts_are_not_rare() -> None:
    assert simulate(NOTHING, runs=2000, seed=17).change_alone > 0.08
    assert simulate(lost_the_margin(0.05), runs=2000, seed=17).kept_alone > 0.08


@pytest.mark.parametrize("n", [10, 20, 40, 52, 60, 100, 120, 164])
def test_the_exact_tests_hold_their_level_whatever_flips(n: int) -> None:
    size = size_of_kept(n)
    assert max(size.none, size.few, size.worst) < ALPHA + 5e-4  # between two points of the grid
    assert size_of_mcnemar(n) < ALPHA


def test_tangos_own_p_does_not() -> None:
    # 52 items of which none happened to be lost: 0.95^52.
    assert size_of_kept(52).worst_tango == pytest.approx(0.95**52)


@pytest.mark.slow
@pytest.mark.parametrize(
    "drawn",
    [
        contests(25, 4, 0.3),
        contests(82, 2, 0.5),
        scores(52, "a tenth half"),
        scores(120, "every item a little"),
        scores(301, "a twentieth all"),
    ],
)
def test_a_lost_margin_is_seldom_kept_in_clusters_and_scores(drawn: Draw) -> None:
    assert false_kept(drawn, runs=500, seed=17) <= allowed(500)
