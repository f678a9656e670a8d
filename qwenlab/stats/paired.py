"""Did it help? Paired comparisons over per-problem outcomes; pure functions with typed results.

A problem is the unit: position i is the same problem in every argument. An outcome is True, False, or None where it
could not be judged; a pair with a None on either side is left out and counted. Error bars, pairing, clusters and the
look at power before the run (power.py) follow Miller, "Adding Error Bars to Evals", arXiv 2411.00640.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its parts load as they are named
from numpy.typing import NDArray

from qwenlab.stats.intervals import (
    RESAMPLES,
    Floats,
    difference,
    loss_difference,
    mean,
    mean_loss,
    rate,
    relative_gain,
    sum_clusters,
)
from qwenlab.stats.types import (
    NOISE_OF_FLOATS,
    Comparison,
    LossComparison,
    NoiseFloor,
    ScoreComparison,
    Stratum,
    Transition,
    Transitions,
)

SEED = 42
"""The document's."""

SOLVED = ("AC", "right")
"""What is said of a program, and of any other answer."""
SANDBOX_ERROR = "SE"


def compare(
    before: Sequence[bool | None],
    after: Sequence[bool | None],
    clusters: Sequence[Hashable] | None = None,
    seed: int = SEED,
) -> Comparison:
    """Compare two runs by one outcome a problem.

    Args:
        clusters: the contest or family of each problem.

    Raises:
        ValueError: the lengths differ.
    """
    pairs = pair_up(before, after, clusters)
    sums = sum_clusters(pairs.before, pairs.after, pairs.groups)
    n = len(pairs.before)
    both = int(np.sum((pairs.before == 1) & (pairs.after == 1)))
    gained = int(np.sum(pairs.before < pairs.after))
    lost = int(np.sum(pairs.before > pairs.after))
    return Comparison(
        n=n,
        left_out=len(before) - n,
        clusters=None if clusters is None else len(sums.size),
        before=rate(both + lost, n),
        after=rate(both + gained, n),
        both=both,
        gained=gained,
        lost=lost,
        neither=n - both - gained - lost,
        difference=difference(sums, seed),
        relative_gain=relative_gain(sums, seed),
        p_value=mcnemar_p(gained, lost) if n else None,
    )


def mcnemar_p(gained: int, lost: int) -> float:
    """Two-sided p of the exact McNemar test: the binomial test that a flip goes either way alike; 1 without flips."""
    return float(scipy.stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def pass_at_k(n: int, correct: int, k: int) -> float | None:
    """The unbiased estimate that one of `k` samples passes, from `n` of which `correct` did; None when n < k.

    1 - C(n - correct, k) / C(n, k): Chen et al., "Evaluating Large Language Models Trained on Code", arXiv 2107.03374.

    Raises:
        ValueError: `k` is below 1, or `correct` not within 0 and `n`.
    """
    if k < 1 or not 0 <= correct <= n:
        raise ValueError(f"pass@k needs k >= 1 and 0 <= correct <= n, got n={n}, correct={correct}, k={k}")
    return 1 - math.comb(n - correct, k) / math.comb(n, k) if n >= k else None


def compare_scores(
    before: Sequence[float | None],
    after: Sequence[float | None],
    clusters: Sequence[Hashable] | None = None,
    seed: int = SEED,
) -> ScoreComparison:
    """Compare two runs by one score in [0, 1] a problem: its samples are not independent, so they are never pooled.

    Args:
        clusters: the contest or family of each problem.

    Raises:
        ValueError: the lengths differ, or a score is not within 0 and 1.
    """
    pairs = pair_up(before, after, clusters)
    if not all(0 <= score <= 1 for score in (*pairs.before, *pairs.after)):
        raise ValueError("scores must be within 0 and 1")
    sums = sum_clusters(pairs.before, pairs.after, pairs.groups)
    n = len(pairs.before)
    changes = pairs.after - pairs.before
    return ScoreComparison(
        n=n,
        left_out=len(before) - n,
        clusters=None if clusters is None else len(sums.size),
        before=mean(pairs.before, pairs.groups, seed),
        after=mean(pairs.after, pairs.groups, seed),
        gained=int(np.sum(changes > NOISE_OF_FLOATS)),
        lost=int(np.sum(changes < -NOISE_OF_FLOATS)),
        difference=difference(sums, seed),
        relative_gain=relative_gain(sums, seed),
        p_value=_permutation_p(changes, seed) if n else None,
    )


def compare_losses(
    before: Sequence[float | None],
    after: Sequence[float | None],
    clusters: Sequence[Hashable] | None = None,
    seed: int = SEED,
) -> LossComparison:
    """Compare two runs by the loss of each item's reference text, in nats a token; less is better.

    Each item counts once, however long its text: items are what is drawn from the user's data and what is independent,
    so they are what the interval resamples. Were each token to count once, a few long texts would be most of the mean,
    and the interval would be about them.

    Args:
        before: the mean loss over an item's learned tokens.
        clusters: the family of each item, such as the document that it is from.

    Raises:
        ValueError: the lengths differ, or a loss is negative or not finite.
    """
    pairs = pair_up(before, after, clusters)
    if not all(0 <= loss < math.inf for loss in (*pairs.before, *pairs.after)):
        raise ValueError("losses must be finite and not negative")
    sums = sum_clusters(pairs.before, pairs.after, pairs.groups)
    n = len(pairs.before)
    changes = pairs.after - pairs.before
    return LossComparison(
        n=n,
        left_out=len(before) - n,
        clusters=None if clusters is None else len(sums.size),
        before=mean_loss(pairs.before, pairs.groups, seed),
        after=mean_loss(pairs.after, pairs.groups, seed),
        gained=int(np.sum(changes < -NOISE_OF_FLOATS)),
        lost=int(np.sum(changes > NOISE_OF_FLOATS)),
        difference=loss_difference(sums, seed),
        p_value=_permutation_p(changes, seed) if n else None,
    )


def by_stratum(
    before: Sequence[bool | None], after: Sequence[bool | None], strata: Sequence[str]
) -> tuple[Stratum, ...]:
    """Rates of the compared pairs by difficulty, in the order in which the difficulties first appear in `strata`.

    Raises:
        ValueError: the lengths differ.
    """
    outcomes: dict[str, list[tuple[bool, bool]]] = {name: [] for name in strata}
    for first, second, name in zip(before, after, strata, strict=True):
        if first is not None and second is not None:
            outcomes[name].append((first, second))
    return tuple(
        Stratum(
            name=name,
            before=rate(sum(first for first, _ in pairs), len(pairs)),
            after=rate(sum(second for _, second in pairs), len(pairs)),
        )
        for name, pairs in outcomes.items()
    )


def transitions(names: Iterable[str], before: Iterable[str], after: Iterable[str]) -> Transitions:
    """Count the problems by verdict before and after. A sandbox error is neither gained nor lost.

    Raises:
        ValueError: the lengths differ.
    """
    rows = list(zip(names, before, after, strict=True))
    counts = Counter((first, second) for _, first, second in rows)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Transitions(
        counts=tuple(Transition(first, second, number) for (first, second), number in ordered),
        gained=tuple(name for name, first, second in rows if passed(first) is False and passed(second)),
        lost=tuple(name for name, first, second in rows if passed(first) and passed(second) is False),
    )


def noise_floor(first: Sequence[bool | None], second: Sequence[bool | None]) -> NoiseFloor:
    """How many problems flip between two runs of the same model, and the share with its Wilson interval.

    Raises:
        ValueError: the lengths differ.
    """
    pairs = pair_up(first, second, None)
    n = len(pairs.before)
    gained, lost = int(np.sum(pairs.before < pairs.after)), int(np.sum(pairs.before > pairs.after))
    return NoiseFloor(n=n, left_out=len(first) - n, gained=gained, lost=lost, flipped=rate(gained + lost, n))


def passed(verdict: str) -> bool | None:
    """The outcome that a verdict stands for: None for a sandbox error, which is no fault of the program."""
    return None if verdict == SANDBOX_ERROR else verdict in SOLVED


class Pairs(NamedTuple):
    """Values before and after where there are both, shape (n,), and the clusters of these, numbered from 0."""

    before: Floats
    after: Floats
    groups: NDArray[np.intp] | None


def pair_up(
    before: Sequence[float | None], after: Sequence[float | None], clusters: Sequence[Hashable] | None
) -> Pairs:
    """Leave out pairs with a None on either side.

    Raises:
        ValueError: the lengths differ.
    """
    labels = range(len(before)) if clusters is None else clusters
    kept = [
        (first, second, label)
        for first, second, label in zip(before, after, labels, strict=True)
        if first is not None and second is not None
    ]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(label for _, _, label in kept))}
    return Pairs(
        before=np.array([first for first, _, _ in kept], dtype=float),
        after=np.array([second for _, second, _ in kept], dtype=float),
        groups=None if clusters is None else np.array([numbers[label] for _, _, label in kept], dtype=np.intp),
    )


def _permutation_p(differences: Floats, seed: int) -> float:
    """Two-sided p that the mean difference is zero, by exchanging before and after within problems.

    Exact up to 13 problems that differ (8,192 exchanges), else from `RESAMPLES` of them. For outcomes it is McNemar's.
    """
    moved = differences[np.abs(differences) > NOISE_OF_FLOATS]
    if len(moved) < 2:
        return 1.0
    result = scipy.stats.permutation_test(
        (moved, np.zeros_like(moved)),
        lambda first, second, axis: np.mean(first - second, axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)
