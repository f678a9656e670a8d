"""Paired losses: hand-worked cases, and Student's interval and p beside the bootstrap and the permutations."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from qwenlab.stats.paired import compare_losses
from qwenlab.stats.types import LossComparison


def test_losses_by_hand() -> None:
    # Five rows fall by 0.1 to 0.5 nats a token, one rises by 0.1; mean -1.4 / 6. Of 2^6 exchanges, those whose sum is
    # 1.4 or more from zero: all fall (1.6), and the row of 0.1, or the one that rises, the other way: 3 of 64, twice.
    before = [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    after = [1.9, 1.8, 1.7, 1.6, 1.5, 2.1]
    change = compare_losses([*before, None], [*after, 1.0])
    assert (change.n, change.left_out, change.gained, change.lost) == (6, 1, 5, 1)
    assert change.before and change.after and change.difference
    assert (change.before.value, change.after.value) == pytest.approx((2.0, 10.6 / 6))
    assert change.difference.value == pytest.approx(-1.4 / 6)
    assert change.p_value == 6 / 64
    assert change.better and not change.beyond_noise
    assert LossComparison.model_validate_json(change.model_dump_json()) == change


def test_a_loss_interval_is_students() -> None:
    rng = np.random.default_rng(0)
    before = rng.gamma(4, 0.4, size=120)
    after = np.maximum(0, before + rng.normal(-0.05, 0.2, size=120))
    change = compare_losses(before.tolist(), after.tolist())
    expected = ttest_rel(after, before).confidence_interval()
    assert change.difference and change.difference.interval == pytest.approx((expected.low, expected.high), abs=0.004)
    assert change.p_value == pytest.approx(ttest_rel(after, before).pvalue, abs=0.01)


def test_fewer_nats_are_better_and_more_are_worse() -> None:
    before = [1.0 + item / 10 for item in range(20)]
    after = [loss - 0.05 - item / 1000 for item, loss in enumerate(before)]
    better, worse = compare_losses(before, after), compare_losses(after, before)
    assert better.beyond_noise and better.better
    assert worse.beyond_noise and not worse.better
    assert (better.gained, better.lost, worse.gained, worse.lost) == (20, 0, 0, 20)


def test_a_row_counts_once_and_rows_of_a_document_are_resampled_together() -> None:
    # Ten documents; the five rows of one move together, so that all fifty say no more than ten would.
    moves = [document / 10 - 0.3 for document in range(10) for _ in range(5)]
    before, after = [2.0] * 50, [2.0 + move for move in moves]
    alone = compare_losses(before, after)
    together = compare_losses(before, after, clusters=[row // 5 for row in range(50)])
    assert alone.difference and together.difference and alone.difference.interval and together.difference.interval
    assert (alone.difference.value, together.difference.value) == pytest.approx((0.15, 0.15))
    assert (alone.clusters, together.clusters) == (None, 10)
    assert together.difference.interval.low < 0 < alone.difference.interval.low


def test_losses_that_all_move_alike_have_no_interval() -> None:
    change = compare_losses([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert change.difference and (change.difference.value, change.difference.interval) == (0, None)
    assert (change.p_value, change.beyond_noise, change.better) == (1, False, False)
    assert compare_losses([], []).difference is None


@pytest.mark.parametrize("loss", [-0.1, math.inf, math.nan])
def test_a_loss_is_a_finite_number_of_nats(loss: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        compare_losses([1.0], [loss])
