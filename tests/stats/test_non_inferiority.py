"""What was lost at most: published intervals, hand-worked cases, brute force over every table, degenerate data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import multinomial, norm

from qwenlab.stats.non_inferiority import exact_p, fewest_gained, non_inferiority, of_counts, tango_score
from qwenlab.stats.types import MARGIN, NonInferiority
from tests.stats.tables import table


def test_the_score_gives_tangos_published_interval() -> None:
    # Bentur et al. 2009, (1, 1, 7, 12) of 21, in Fagerland, Lydersen and Laake, Statistics in Medicine 33, 2014: the
    # 95 % interval by Tango is -0.517 to -0.026.
    bounds = [brentq(lambda loss, z=z: tango_score(21, 1, 7, loss) - z, 1e-6, 0.999) for z in norm.ppf([0.975, 0.025])]
    assert bounds == pytest.approx([0.026, 0.517], abs=5e-4)


@pytest.mark.parametrize(("n", "gained", "lost", "loss"), [(40, 3, 5, 0.05), (164, 8, 11, 0.1), (20, 0, 3, 0.3)])
def test_the_score_is_with_the_likeliest_share_gained(n: int, gained: int, lost: int, loss: float) -> None:
    def unlikely(share: float) -> float:
        chances = np.clip([share, share + loss, 1 - 2 * share - loss], 1e-300, 1)
        return -float(np.dot([gained, lost, n - gained - lost], np.log(chances)))

    share = minimize_scalar(unlikely, bounds=(0, (1 - loss) / 2), method="bounded", options={"xatol": 1e-10}).x
    by_hand = (lost - gained - n * loss) / math.sqrt(n * (2 * share + loss - loss**2))
    assert tango_score(n, gained, lost, loss) == pytest.approx(by_hand, abs=1e-5)


def test_the_score_falls_with_each_gained_and_rises_with_each_lost() -> None:
    n = 30
    for loss in (0.01, 0.05, 0.3):
        for some in range(n + 1):
            rest = np.arange(n - some + 1)
            assert np.all(np.diff(tango_score(n, rest, some, loss)) < 0)
            assert np.all(np.diff(tango_score(n, some, rest, loss)) > 0)


def test_the_fewest_gained_are_those_of_brute_force() -> None:
    n, loss = 25, 0.05
    for score in (-2.5, -1.645, 0.0, 3.0):
        for lost, fewest in enumerate(fewest_gained(n, score, loss)):
            low_enough = tango_score(n, np.arange(n - lost + 1), lost, loss) <= score
            assert fewest == (int(np.argmax(low_enough)) if low_enough.any() else n - lost + 1)


@pytest.mark.parametrize(("n", "gained", "lost"), [(12, 0, 0), (12, 3, 1), (12, 1, 4), (25, 2, 2), (25, 6, 0)])
@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_p_is_the_sum_over_all_tables_at_the_worst_share(n: int, gained: int, lost: int, loss: float) -> None:
    least = tango_score(n, gained, lost, loss)
    tables = [(up, down, n - up - down) for up in range(n + 1) for down in range(n + 1 - up)]
    as_low = [row for row in tables if tango_score(n, row[0], row[1], loss) <= least + 1e-9]
    shares = np.linspace(0, (1 - loss) / 2, 301)
    brute = max(
        float(np.sum(multinomial.pmf(as_low, n, [share, share + loss, max(0.0, 1 - 2 * share - loss)])))
        for share in shares
    )
    assert exact_p(n, gained, lost, loss) == pytest.approx(brute, abs=2e-4)


def test_more_items_than_58_without_a_flip_disprove_five_points() -> None:
    # 0.95^58 = 0.0510 and 0.95^59 = 0.0485.
    assert of_counts(58, 0, 0).p_value == pytest.approx(0.95**58)
    assert of_counts(59, 0, 0).p_value == pytest.approx(0.95**59)
    assert of_counts(58, 0, 0).lost_at_most > MARGIN > of_counts(59, 0, 0).lost_at_most


@pytest.mark.parametrize("n", [1, 20, 60, 100, 164])
def test_nothing_flipped_is_not_certainty(n: int) -> None:
    # (1 - loss)^n = 0.05.
    assert of_counts(n, 0, 0).lost_at_most == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-4)


def test_all_lost_and_all_gained() -> None:
    all_lost, all_gained = of_counts(50, 0, 50), of_counts(50, 50, 0)
    assert (all_lost.lost_at_most, all_lost.p_value) == pytest.approx((1, 1), abs=1e-4)
    assert all_gained.lost_at_most == 0
    assert all_gained.p_value < 1e-9


@given(n=st.integers(1, 60), data=st.data(), margin=st.sampled_from([0.03, 0.05, 0.1]))
@settings(deadline=None, max_examples=40)
def test_the_bound_and_p_say_one_thing(n: int, data: st.DataObject, margin: float) -> None:
    gained = data.draw(st.integers(0, n))
    lost = data.draw(st.integers(0, n - gained))
    result = of_counts(n, gained, lost, margin)
    assert (result.p_value < 0.05) is (result.lost_at_most < margin)
    assert max(0.0, (lost - gained) / n - 1e-4) <= result.lost_at_most <= 1
    assert 0 < result.p_value <= 1
    assert NonInferiority.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(("n", "gained", "lost"), [(20, 2, 3), (60, 0, 2), (100, 4, 4)])
def test_beyond_the_bound_every_loss_is_disproved(n: int, gained: int, lost: int) -> None:
    bound = of_counts(n, gained, lost).lost_at_most
    assert all(exact_p(n, gained, lost, loss) < 0.05 for loss in np.linspace(bound + 1e-4, 0.9, 60))
    assert exact_p(n, gained, lost, bound - 1e-4) >= 0.05


def test_outcomes_are_counted_and_pairs_that_could_not_be_judged_left_out() -> None:
    before, after = table(both=60, gained=5, lost=5, n=164)
    assert non_inferiority([*before, None], [*after, True]) == of_counts(164, 5, 5)
    assert non_inferiority([None], [True]) is None
    assert non_inferiority([], []) is None


@pytest.mark.parametrize("clusters", [None, 60, 3, 1])
@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (4, 6), (0, 12), (30, 0), (0, 120), (120, 0)])
def test_resampled_bounds_are_bounds_and_agree_with_p(gained: int, lost: int, clusters: int | None) -> None:
    before, after = table(both=0, gained=gained, lost=lost, n=120)
    pairs = [(first * 0.9, second * 0.9) for first, second in zip(before, after, strict=True)]
    groups = None if clusters is None else [item % clusters for item in range(120)]
    result = non_inferiority([pair[0] for pair in pairs], [pair[1] for pair in pairs], groups)
    assert result
    assert (result.p_value < 0.05) is (result.lost_at_most < MARGIN)
    assert max(0.0, (lost - gained) * 0.9 / 120) <= result.lost_at_most <= 1
    assert 0 < result.p_value <= 1


def test_scores_without_a_change_are_bounded_as_outcomes_are() -> None:
    # With one item of 101 lost altogether: Poisson(1) is above 3 in 1.9 % of resamples; and half an item: 3.5 / 101.
    result = non_inferiority([0.5] * 100, [0.5] * 100)
    assert result and result.lost_at_most == pytest.approx(3.5 / 101)


def test_few_clusters_show_little() -> None:
    # Nothing lost of 100 items; but of 25 contests, 1 - 0.05^(1 / 25) = 11 % may be unlike those seen.
    before, after = table(both=50, gained=0, lost=0, n=100)
    result = non_inferiority(before, after, clusters=[item // 4 for item in range(100)])
    assert result and 0.11 < result.lost_at_most < 0.13


def test_many_scores_that_hardly_move_are_kept() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.2, 0.9, size=400)
    result = non_inferiority((rng.binomial(8, chance) / 8).tolist(), (rng.binomial(8, chance) / 8).tolist())
    assert result and result.lost_at_most < MARGIN


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        non_inferiority([1.5], [0.5])
    with pytest.raises(ValueError, match="zip"):
        non_inferiority([True], [True, False])
    for margin in (0.0, 1.0, -0.05):
        with pytest.raises(ValueError, match="margin"):
            non_inferiority([True], [True], margin=margin)
