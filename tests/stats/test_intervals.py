"""Wilson and the bootstrap over clusters, beside exact sums, statsmodels, and their coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, t
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from qwenlab.stats.intervals import Sums, difference, rate, relative_gain, sum_clusters
from tests.stats.tables import table


def test_wilson_by_hand() -> None:
    # z = 1.96: centre (12 + 1.9207) / 103.8415 = 0.1341, half width 1.96 / 103.8415 * sqrt(10.56 + 0.9604) = 0.0641.
    assert rate(12, 100).interval == pytest.approx((0.0700, 0.1981), abs=1e-4)
    assert rate(80, 100).interval == pytest.approx((0.711, 0.867), abs=1e-3)
    assert (rate(0, 0).value, rate(0, 0).interval) == (None, None)


@given(n=st.integers(1, 300), data=st.data())
@settings(deadline=None)
def test_wilson_equals_statsmodels_and_contains_the_rate(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    measured = rate(count, n)
    assert measured.value == count / n
    assert measured.interval == pytest.approx(proportion_confint(count, n, method="wilson"), abs=1e-12)
    assert measured.interval and 0 <= measured.interval.low <= measured.value <= measured.interval.high <= 1


@pytest.mark.parametrize(("count", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_a_rate_is_a_part_of_a_whole(count: int, n: int) -> None:
    with pytest.raises(ValueError, match="count must be within"):
        rate(count, n)


def sums(both: int, gained: int, lost: int, n: int, clusters: int | None = None) -> Sums:
    before, after = table(both, gained, lost, n)
    groups = None if clusters is None else np.arange(n) % clusters
    return sum_clusters(np.array(before, dtype=float), np.array(after, dtype=float), groups)


def test_the_bootstrap_meets_the_exact_distribution_of_resamples() -> None:
    """Resampling 100 problems draws gained and lost from a trinomial, whose quantiles can be summed exactly."""
    n, gained, lost = 100, 18, 5
    tail = norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf(0.975, n - 1))
    flips = np.arange(n + 1)
    net = np.zeros(2 * n + 1)  # the probability of a net gain of index - n
    for m, weight in zip(flips, binom.pmf(flips, n, (gained + lost) / n), strict=True):
        for won, share in enumerate(binom.pmf(np.arange(m + 1), m, gained / (gained + lost))):
            net[2 * won - m + n] += weight * share
    low, high = (np.searchsorted(np.cumsum(net), [tail, 1 - tail]) - n) / n
    estimate = difference(sums(10, gained, lost, n), seed=42)
    assert estimate and estimate.interval == pytest.approx((low, high), abs=0.01 + 1e-9)


def test_a_resample_is_as_large_as_its_clusters() -> None:
    # A contest of one gained problem, one of three unchanged. Resamples: 1 / 1, 1 / 4, 0 / 6; all count.
    estimate = difference(Sums(np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([1.0, 3.0])), seed=42)
    assert estimate and (estimate.value, estimate.interval) == (0.25, (0, 1))


def test_few_clusters_widen_as_student_does() -> None:
    """The clustered regression of statsmodels, with Student's t, at 25 contests."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(25), 4)
    before = (rng.random(100) < 0.3).astype(float)
    after = (rng.random(100) < np.repeat(rng.beta(2, 3, 25), 4)).astype(float)
    fit = OLS(after - before, np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    low, high = fit.conf_int()[0]
    estimate = difference(sum_clusters(before, after, groups), seed=42)
    assert estimate and estimate.value == pytest.approx(fit.params[0])
    assert estimate.interval and estimate.interval == pytest.approx((low, high), abs=0.1 * (high - low))
    alone = difference(sum_clusters(before, after, None), seed=42)
    assert alone and alone.interval
    assert estimate.interval.high - estimate.interval.low > alone.interval.high - alone.interval.low


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """No effect: 5 % of 100 problems gained, 5 % lost, 25 contests that differ; 95 % of 100 is 95, less 3 sigma 88."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        moves = rng.dirichlet([0.45, 0.45, 8.1], size=25)
        draws = np.array([rng.multinomial(4, chances) for chances in moves], dtype=float)
        estimate = difference(Sums(draws[:, 1], draws[:, 0], np.full(25, 4.0)), seed=7)
        assert estimate and estimate.interval
        covered += estimate.interval.low <= 0 <= estimate.interval.high
    assert covered >= 88


@pytest.mark.parametrize("clusters", [None, 25, 5, 2])
@pytest.mark.parametrize(("both", "gained", "lost"), [(10, 8, 2), (10, 2, 8), (20, 21, 3), (20, 30, 0), (6, 0, 3)])
def test_the_difference_and_the_relative_gain_agree(both: int, gained: int, lost: int, clusters: int | None) -> None:
    whole = sums(both, gained, lost, 100, clusters)
    absolute, relative = difference(whole, seed=42), relative_gain(whole, seed=42)
    assert absolute and absolute.interval and relative
    assert np.sign(absolute.value) == np.sign(relative.value)
    if relative.interval:
        assert np.sign(absolute.interval).tolist() == np.sign(relative.interval).tolist()


@pytest.mark.parametrize(
    "degenerate",
    [
        Sums(np.array([3.0]), np.array([5.0]), np.array([10.0])),  # one cluster
        Sums(np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([2.0, 4.0])),  # two that changed alike
        Sums(np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([1.0, 1.0])),  # nothing before
        Sums(np.array([0.1] * 9), np.array([0.3] * 9), np.ones(9)),  # sums that are equal but for their last digit
        sums(0, 0, 9, 9),  # all lost
        sums(1, 0, 4, 400),  # a baseline that many resamples miss
    ],
)
def test_degenerate_data_gives_numbers_without_warnings(degenerate: Sums) -> None:
    for estimate in (difference(degenerate, seed=42), relative_gain(degenerate, seed=42)):
        if estimate and estimate.interval:
            low, high = estimate.interval
            assert -1 <= low <= estimate.value <= high < np.inf
            assert low < high


def test_one_cluster_says_next_to_nothing() -> None:
    estimate = difference(Sums(np.array([3.0]), np.array([5.0]), np.array([10.0])), seed=42)
    assert estimate and estimate.interval
    # Wilson's upper bound of 0 of 1 is 0.7935: from 0.2 - 1.2 * 0.7935 to 0.2 + 0.8 * 0.7935.
    assert estimate.interval == pytest.approx((-0.752, 0.835), abs=1e-3)
