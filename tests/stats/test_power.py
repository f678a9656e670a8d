"""Power of exact McNemar, beside brute force over every table."""

import time

import pytest
from scipy.stats import multinomial

from qwenlab.stats.paired import mcnemar_p
from qwenlab.stats.power import minimum_flips, power, smallest_detectable_gain
from qwenlab.stats.types import DetectableGain


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
