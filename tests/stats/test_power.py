"""Power of exact McNemar, beside brute force over every table."""

import time

import numpy as np
import pytest
from scipy.stats import multinomial, ttest_1samp
from statsmodels.stats.power import TTestPower

from qwenlab.stats.non_inferiority import exact_p
from qwenlab.stats.paired import mcnemar_p
from qwenlab.stats.power import (
    detectable_difference,
    kept_power,
    minimum_flips,
    power,
    smallest_detectable_gain,
    smallest_detectable_shift,
    tolerated_loss,
)
from qwenlab.stats.types import DetectableDifference, DetectableGain, ToleratedLoss


def test_six_flips_one_way_are_needed() -> None:
    # 2 / 2**5 = 0.0625 and 2 / 2**6 = 0.03125; for 0.01: 2 / 2**7 = 0.0156 and 2 / 2**8 = 0.0078.
    assert minimum_flips() == 6
    assert minimum_flips(alpha=0.01) == 8
    assert minimum_flips(alpha=0.03125) == 7
    with pytest.raises(ValueError, match="alpha"):
        minimum_flips(alpha=0.0)


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.0625])
@pytest.mark.parametrize(("gained", "lost"), [(0.3, 0.05), (0.5, 0.0), (0.0, 0.4), (0.6, 0.4), (0.0, 0.0)])
def test_power_is_the_sum_over_all_tables_that_show_a_gain(gained: float, lost: float, alpha: float) -> None:
    n = 14
    brute = sum(
        multinomial.pmf([won, gone, n - won - gone], n, [gained, lost, 1 - gained - lost])
        for won in range(n + 1)
        for gone in range(n + 1 - won)
        if won > gone and mcnemar_p(won, gone) < alpha
    )
    assert power(n, gained, lost, alpha) == pytest.approx(brute, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "gained", "lost", "percent"), [(100, 0.06, 0.02, 18), (100, 0.1, 0.02, 56), (165, 0.1, 0.02, 84)]
)
def test_power_meets_the_simulated_figures(n: int, gained: float, lost: float, percent: int) -> None:
    assert 100 * power(n, gained, lost) == pytest.approx(percent, abs=1)


@pytest.mark.parametrize("n", [20, 100, 165])
@pytest.mark.parametrize("lost", [0.0, 0.02, 0.1])
def test_the_smallest_gain_has_the_power_and_the_next_smaller_has_not(n: int, lost: float) -> None:
    gain = smallest_detectable_gain(n, lost).gain
    assert gain is not None
    powers = [power(n, lost + net / n, lost) for net in range(1, gain + 1)]
    assert powers[-1] >= 0.8 > max(powers[:-1])
    assert powers == sorted(powers)


def test_a_gain_of_eleven_of_a_hundred() -> None:
    gain = smallest_detectable_gain(100)
    assert gain == DetectableGain(n=100, lost=0.02, alpha=0.05, power=0.8, gain=11, minimum_flips=6)
    assert DetectableGain.model_validate_json(gain.model_dump_json()) == gain


@pytest.mark.parametrize("n", [0, 1, 5])
def test_five_problems_show_nothing(n: int) -> None:
    assert smallest_detectable_gain(n).gain is None


def test_six_problems_show_that_all_were_gained() -> None:
    assert smallest_detectable_gain(6, lost=0.0).gain == 6


@pytest.mark.parametrize(("n", "lost"), [(-1, 0.0), (10, 0.5), (10, -0.1)])
def test_impossible_plans_are_refused(n: int, lost: float) -> None:
    with pytest.raises(ValueError, match="a comparison needs"):
        smallest_detectable_gain(n, lost)


def test_a_plan_takes_no_time() -> None:
    began = time.perf_counter()
    smallest_detectable_gain(1000)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("flipped", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("margin", [0.2, 0.3])
def test_power_of_kept_is_the_sum_over_all_tables_that_show_it(flipped: float, margin: float) -> None:
    n = 16
    brute = sum(
        multinomial.pmf([won, gone, n - won - gone], n, [flipped / 2, flipped / 2, 1 - flipped])
        for won in range(n + 1)
        for gone in range(n + 1 - won)
        if exact_p(n, won, gone, margin) < 0.05
    )
    assert kept_power(n, flipped, margin) == pytest.approx(brute, abs=1e-9)


@pytest.mark.parametrize(("n", "three", "five"), [(100, [47, 30, 21], [79, 58, 41]), (164, [67, 46, 30], [97, 81, 60])])
def test_the_table_that_the_margin_is_argued_with(n: int, three: list[int], five: list[int]) -> None:
    for margin, percent in ((0.03, three), (0.05, five)):
        assert [round(100 * kept_power(n, flipped, margin)) for flipped in (0.02, 0.05, 0.1)] == percent


@pytest.mark.parametrize("n", [59, 100, 164, 300])
def test_one_more_lost_is_not_tolerated(n: int) -> None:
    tolerated = tolerated_loss(n)
    assert tolerated.net_lost is not None
    lost = (tolerated.flips + tolerated.net_lost) // 2
    assert (
        exact_p(n, tolerated.flips - lost, lost, 0.05) < 0.05 <= exact_p(n, tolerated.flips - lost - 1, lost + 1, 0.05)
    )


def test_two_of_164_items_may_be_lost_on_balance() -> None:
    tolerated = tolerated_loss(164)
    assert (tolerated.flips, tolerated.net_lost, round(tolerated.power, 2)) == (8, 2, 0.81)
    assert ToleratedLoss.model_validate_json(tolerated.model_dump_json()) == tolerated


@pytest.mark.parametrize("n", [0, 1, 30])
def test_few_items_without_a_flip_never_show_kept(n: int) -> None:
    assert tolerated_loss(n, flipped=0.0) == ToleratedLoss(
        n=n, flips=0, net_lost=None, margin=0.05, alpha=0.05, power=0.0
    )


def test_a_share_of_flips_is_a_share() -> None:
    with pytest.raises(ValueError, match="a comparison needs"):
        tolerated_loss(100, flipped=1.1)


@pytest.mark.parametrize("n", [3, 20, 120, 1319])
def test_the_smallest_shift_is_that_of_the_paired_t_test(n: int) -> None:
    shift = smallest_detectable_shift(n)
    assert shift is not None
    assert TTestPower().power(shift, n, 0.05) == pytest.approx(0.8, abs=1e-3)


def test_one_row_shows_no_shift() -> None:
    assert smallest_detectable_shift(1) is None


def test_the_detectable_difference_of_scores_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(7)
    shape = [0.0, 0.5, -0.5, 0.25, -0.25] * 40
    found = detectable_difference(shape)
    assert found.n == 200 and found.difference is not None
    shown = 0
    for _ in range(400):
        drawn = rng.choice(shape, 200) + found.difference
        shown += bool(ttest_1samp(drawn, 0).pvalue < 0.05)
    assert shown / 400 == pytest.approx(0.8, abs=0.05)


def test_scores_that_do_not_vary_tell_no_detectable_difference() -> None:
    assert detectable_difference([0.1] * 9).difference is None
    assert detectable_difference([0.3]).difference is None
    assert detectable_difference([]) == DetectableDifference(n=0, alpha=0.05, power=0.8, difference=None)
