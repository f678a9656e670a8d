"""Paired comparisons: hand-worked cases, equality with scipy and statsmodels, properties, degenerate inputs."""

import itertools
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from qwenlab.stats.paired import (
    by_stratum,
    compare,
    compare_scores,
    mcnemar_p,
    noise_floor,
    pass_at_k,
    passed,
    transitions,
)
from qwenlab.stats.types import Change, Comparison, ScoreComparison, Transitions
from tests.stats.tables import table

Outcome = bool | None
OUTCOMES = st.sampled_from([True, False, None])
PROBLEMS = st.lists(st.tuples(OUTCOMES, OUTCOMES, st.integers(0, 6)), max_size=30)
SCORES = st.lists(
    st.tuples(st.integers(0, 4).map(lambda correct: correct / 4), st.integers(0, 4).map(lambda correct: correct / 4)),
    min_size=1,
    max_size=12,
)


def test_the_worked_example() -> None:
    # 8 gained and 2 lost: P(at most 2 of 10 fair flips) = (1 + 10 + 45) / 1024 = 56 / 1024; two-sided 112 / 1024.
    change = compare(*table(both=10, gained=8, lost=2, n=100))
    assert (change.before.count, change.after.count, change.n) == (12, 18, 100)
    assert (change.both, change.gained, change.lost, change.neither) == (10, 8, 2, 80)
    assert change.p_value == 112 / 1024
    assert not change.beyond_noise
    assert change.difference is not None and change.difference.interval is not None
    assert change.difference.value == 0.06  # (18 - 12) / 100
    # 1.96 standard errors, sqrt((8 + 2) / 100**2 - 0.06**2 / 100) = 0.031 each: about 0 to 12 points.
    assert change.difference.interval == pytest.approx((0.0, 0.12), abs=0.005)
    assert change.relative_gain is not None and change.relative_gain.interval is not None
    assert change.relative_gain.value == 0.5  # (18 - 12) / 12
    assert change.relative_gain.interval == pytest.approx((0.0, 1.5), abs=0.1)


def test_a_clear_gain_and_its_mirror() -> None:
    # 21 gained and 3 lost: 2 * (1 + 24 + 276 + 2024) / 2**24 = 4650 / 16777216 = 0.00028.
    before, after = table(both=9, gained=21, lost=3, n=100)
    gain, loss = compare(before, after), compare(after, before)
    assert gain.p_value == pytest.approx(4650 / 2**24)
    assert gain.beyond_noise and loss.beyond_noise
    assert gain.difference and loss.difference
    assert gain.difference.value == -loss.difference.value == 0.18


def test_mcnemar_equals_statsmodels_and_scipy() -> None:
    for gained, lost in itertools.product(range(12), repeat=2):
        p_value = mcnemar_p(gained, lost)
        assert p_value == pytest.approx(float(mcnemar([[30, lost], [gained, 40]], exact=True).pvalue), rel=1e-12)
        assert gained + lost == 0 or p_value == float(binomtest(gained, gained + lost, 0.5).pvalue)


@given(problems=PROBLEMS, clustered=st.booleans())
@settings(max_examples=60, deadline=None)
def test_exchanging_the_runs_flips_the_sign_and_keeps_p(
    problems: list[tuple[Outcome, Outcome, int]], clustered: bool
) -> None:
    before, after = [row[0] for row in problems], [row[1] for row in problems]
    contests = [row[2] for row in problems] if clustered else None
    forth, back = compare(before, after, contests), compare(after, before, contests)
    assert forth.p_value == back.p_value
    assert (forth.gained, forth.lost, forth.left_out) == (back.lost, back.gained, back.left_out)
    assert (forth.both, forth.neither, forth.clusters) == (back.both, back.neither, back.clusters)
    assert (forth.before, forth.after) == (back.after, back.before)
    if forth.difference and forth.difference.interval and back.difference and back.difference.interval:
        assert forth.difference.value == -back.difference.value
        assert forth.difference.interval.low == pytest.approx(-back.difference.interval.high, abs=1e-12)
        assert forth.difference.interval.high == pytest.approx(-back.difference.interval.low, abs=1e-12)


@given(problems=PROBLEMS, clustered=st.booleans())
@settings(max_examples=60, deadline=None)
def test_figures_are_within_their_bounds(problems: list[tuple[Outcome, Outcome, int]], clustered: bool) -> None:
    contests = [row[2] for row in problems] if clustered else None
    change = compare([row[0] for row in problems], [row[1] for row in problems], contests)
    assert change.both + change.gained + change.lost + change.neither == change.n == len(problems) - change.left_out
    check(change)
    assert Comparison.model_validate_json(change.model_dump_json()) == change


@given(scores=SCORES)
@settings(max_examples=40, deadline=None)
def test_figures_of_scores_are_within_their_bounds(scores: list[tuple[float, float]]) -> None:
    change = compare_scores([row[0] for row in scores], [row[1] for row in scores])
    check(change)
    for estimate in (change.before, change.after):
        assert estimate and estimate.interval
        assert -1e-12 <= estimate.interval.low <= estimate.value + 1e-12
        assert estimate.value - 1e-12 <= estimate.interval.high <= 1 + 1e-12
    assert ScoreComparison.model_validate_json(change.model_dump_json()) == change


def check(change: Change) -> None:
    """Numbers or None, never nan; intervals around their estimates."""
    if change.n == 0:
        assert (change.difference, change.relative_gain, change.p_value) == (None, None, None)
        return
    assert change.p_value is not None and 0 < change.p_value <= 1
    assert change.difference and change.difference.interval
    low, high = change.difference.interval
    assert -1 - 1e-12 <= low <= change.difference.value + 1e-12
    assert change.difference.value - 1e-12 <= high <= 1 + 1e-12
    if change.relative_gain:
        assert change.relative_gain.value >= -1
        if change.relative_gain.interval:
            low, high = change.relative_gain.interval
            assert -1 <= low <= change.relative_gain.value + 1e-12
            assert change.relative_gain.value - 1e-12 <= high < math.inf


@pytest.mark.parametrize(("gained", "lost", "n"), [(6, 0, 6), (6, 0, 100), (9, 1, 100), (12, 3, 50), (0, 7, 165)])
def test_without_clusters_p_alone_decides(gained: int, lost: int, n: int) -> None:
    change = compare(*table(both=0, gained=gained, lost=lost, n=n))
    assert change.p_value is not None and change.p_value < 0.05
    assert change.beyond_noise


def test_five_flips_one_way_show_nothing() -> None:
    change = compare(*table(both=0, gained=5, lost=0, n=100))
    assert change.p_value == 0.0625  # 2 / 2**5
    assert not change.beyond_noise


def test_nothing_flipped_is_not_certainty() -> None:
    change = compare(*table(both=12, gained=0, lost=0, n=100))
    assert change.p_value == 1
    # Wilson's upper bound of 0 of 100 is 1.96**2 / (100 + 1.96**2) = 3.8415 / 103.8415 = 0.037.
    assert change.difference and change.difference.interval == pytest.approx((-0.037, 0.037), abs=1e-4)
    # Over a baseline of 0.12: 0.037 / 0.12 = 0.308.
    assert change.relative_gain and change.relative_gain.interval == pytest.approx((-0.308, 0.308), abs=1e-3)


def test_everything_lost_and_everything_gained() -> None:
    lost = compare(*table(both=0, gained=0, lost=12, n=100))
    assert lost.relative_gain and lost.relative_gain.value == -1
    # No less than all is left; at most 0.037 of all problems, over the baseline of 0.12, come back.
    assert lost.relative_gain.interval == pytest.approx((-1, -1 + 0.308), abs=1e-3)
    gained = compare(*table(both=0, gained=10, lost=0, n=10))
    # Wilson's upper bound of 0 of 10 is 3.8415 / 13.8415 = 0.2775; these could be lost instead: 1 - 2 * 0.2775.
    assert gained.difference and gained.difference.interval == pytest.approx((0.445, 1), abs=1e-3)


def test_a_baseline_of_zero_has_no_relative_gain_and_a_tiny_one_no_interval() -> None:
    assert compare(*table(both=0, gained=8, lost=0, n=100)).relative_gain is None
    tiny = compare(*table(both=4, gained=8, lost=0, n=100)).relative_gain
    assert tiny and tiny.value == 2 and tiny.interval is None
    enough = compare(*table(both=5, gained=8, lost=0, n=100)).relative_gain
    assert enough and enough.interval and enough.interval.low > 0


def test_one_more_than_ten_is_a_tenth_and_no_more() -> None:
    gain = compare(*table(both=10, gained=1, lost=0, n=100)).relative_gain
    assert gain and gain.value == 0.1  # 11 / 10 - 1 would be 0.10000000000000009


def test_without_problems_there_are_no_figures() -> None:
    for change in (compare([], []), compare([None], [True]), compare_scores([None], [0.5])):
        assert change.n == 0
        assert (change.difference, change.relative_gain, change.p_value) == (None, None, None)
        assert not change.beyond_noise
    assert compare([None], [True]).left_out == 1


def test_what_could_not_be_judged_is_left_out_as_a_pair() -> None:
    before, after = table(both=10, gained=8, lost=2, n=100)
    contests = [index % 25 for index in range(100)]
    whole = compare(before, after, contests)
    holed = compare([*before, None, True, None], [*after, True, None, None], [*contests, 25, 3, 26])
    assert holed == whole.model_copy(update={"left_out": 3})


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare([True, False], [True])
    with pytest.raises(ValueError, match="zip"):
        compare([True, False], [True, True], clusters=["a"])
    with pytest.raises(ValueError, match="zip"):
        by_stratum([True], [True], [])
    with pytest.raises(ValueError, match="zip"):
        transitions(["a"], ["AC"], [])


def test_the_same_seed_gives_the_same_figures() -> None:
    runs = table(both=10, gained=12, lost=4, n=60)
    assert compare(*runs, seed=1) == compare(*runs, seed=1)
    assert compare(*runs, seed=1) != compare(*runs, seed=2)


def test_what_a_contest_does_together_counts_once() -> None:
    # All 8 gains in one contest of 25: p, which takes problems as independent, is 2 / 2**8; the contests disagree.
    before, after = table(both=0, gained=8, lost=0, n=100)
    contests = [0] * 8 + [1 + index % 24 for index in range(92)]
    change = compare(before, after, contests)
    assert change.clusters == 25
    assert change.p_value == 2 / 2**8
    assert not change.beyond_noise
    assert compare(before, after).beyond_noise


def test_a_cluster_a_problem_is_no_clustering() -> None:
    runs = table(both=10, gained=8, lost=2, n=100)
    assert compare(*runs, clusters=range(100)) == compare(*runs).model_copy(update={"clusters": 100})


# pass@k


def test_pass_at_k_by_hand() -> None:
    assert pass_at_k(n=5, correct=2, k=3) == 0.9  # of C(5, 3) = 10 draws, C(3, 3) = 1 holds no correct sample
    assert pass_at_k(n=10, correct=3, k=1) == pytest.approx(0.3)
    assert pass_at_k(n=4, correct=0, k=4) == 0
    assert pass_at_k(n=4, correct=1, k=4) == 1


def test_pass_at_k_is_the_mean_over_all_draws() -> None:
    for n, k in itertools.product(range(1, 8), (1, 2, 3)):
        for correct in range(n + 1):
            draws = list(itertools.combinations([True] * correct + [False] * (n - correct), k))
            mean = sum(any(draw) for draw in draws) / len(draws) if draws else None
            assert pass_at_k(n, correct, k) == (mean if mean is None else pytest.approx(mean))


@pytest.mark.parametrize(("n", "correct", "k"), [(5, 6, 1), (5, -1, 1), (5, 2, 0)])
def test_pass_at_k_refuses_the_impossible(n: int, correct: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass@k needs"):
        pass_at_k(n, correct, k)


def test_scores_are_compared_by_problem() -> None:
    # Six problems rise by 0.2, one stays: 2 of the 2**6 exchanges are as far from zero. Mean rise 6 * 0.2 / 7.
    before = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    after = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.5]
    change = compare_scores([*before, None], [*after, 0.9])
    assert (change.n, change.left_out, change.gained, change.lost) == (7, 1, 6, 0)
    assert change.p_value == 2 / 2**6
    assert change.difference and change.difference.value == pytest.approx(1.2 / 7)
    assert change.before and change.before.value == pytest.approx(2.0 / 7)
    assert change.relative_gain and change.relative_gain.value == pytest.approx(0.6)  # 1.2 / 2.0


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 1), (8, 2), (6, 6)])
def test_outcomes_as_scores_give_the_same_answer(gained: int, lost: int) -> None:
    before, after = table(both=10, gained=gained, lost=lost, n=60)
    outcomes, scores = compare(before, after), compare_scores(before, after)
    assert scores.p_value == pytest.approx(outcomes.p_value)
    assert scores.difference == outcomes.difference
    assert scores.relative_gain == outcomes.relative_gain


def test_many_flips_are_permuted_at_random_and_agree() -> None:
    before, after = table(both=0, gained=24, lost=10, n=60)
    exact = compare(before, after).p_value
    assert exact is not None
    # 9,999 exchanges: a standard error of sqrt(0.024 * 0.976 / 9999) = 0.0015.
    assert compare_scores(before, after).p_value == pytest.approx(exact, abs=0.006)


def test_scores_are_within_0_and_1() -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        compare_scores([0.5], [1.5])


# Strata, transitions, noise


def test_strata_have_rates_and_intervals_in_the_order_given() -> None:
    easy, hard = by_stratum(
        [True, False, False, None, True], [True, True, False, True, True], ["easy", "easy", "hard", "hard", "easy"]
    )
    assert (easy.name, easy.before.count, easy.after.count, easy.after.n) == ("easy", 2, 3, 3)
    assert (hard.name, hard.before.count, hard.after.count, hard.after.n) == ("hard", 0, 0, 1)
    # Wilson, 0 of 1: 1.96**2 / (1 + 1.96**2) = 3.8415 / 4.8415.
    assert hard.after.interval == pytest.approx((0, 0.7935), abs=1e-4)


def test_a_stratum_without_judged_problems_stays_with_nothing_in_it() -> None:
    (stratum,) = by_stratum([None], [True], ["easy"])
    assert (stratum.after.n, stratum.after.value, stratum.after.interval) == (0, None, None)


def test_verdicts_and_where_they_went() -> None:
    names = ["a", "b", "c", "d", "e", "f", "g"]
    before = ["WA", "WA", "AC", "AC", "SE", "TLE", "AC"]
    after = ["AC", "AC", "WA", "AC", "AC", "RE", "SE"]
    moved = transitions(names, before, after)
    assert moved.matrix() == {
        ("WA", "AC"): 2,
        ("AC", "AC"): 1,
        ("AC", "SE"): 1,
        ("AC", "WA"): 1,
        ("SE", "AC"): 1,
        ("TLE", "RE"): 1,
    }
    assert moved.counts[0] == ("WA", "AC", 2)
    assert moved.gained == ("a", "b")
    assert moved.lost == ("c",)
    assert Transitions.model_validate_json(moved.model_dump_json()) == moved
    flips = compare([passed(verdict) for verdict in before], [passed(verdict) for verdict in after])
    assert (flips.gained, flips.lost, flips.left_out) == (len(moved.gained), len(moved.lost), 2)


def test_two_runs_of_one_model_give_the_noise_floor() -> None:
    noise = noise_floor(*table(both=10, gained=2, lost=1, n=100))
    assert (noise.n, noise.gained, noise.lost, noise.flipped.count) == (100, 2, 1, 3)
    assert noise.flipped.value == 0.03
    assert noise_floor([None, True], [True, True]).left_out == 1
    assert noise_floor([], []).flipped.value is None


def test_importing_the_results_types_stays_light() -> None:
    modules = [
        "qwenlab.evaluation",
        "qwenlab.stats.paired",
        "qwenlab.stats.power",
        "qwenlab.stats.verdicts",
        "qwenlab.report.criteria",
    ]
    heavy = {"scipy.stats", "statsmodels", "pandas"}
    code = f"import sys, {', '.join(modules)}; print(*({heavy!r} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
    code = "import sys, qwenlab.stats.types; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
