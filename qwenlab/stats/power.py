"""Before the run: what a comparison of so many problems can show. Exact binomial sums, no normal approximation."""

import math
from bisect import bisect_left
from itertools import count

import numpy as np
import scipy  # its parts load as they are named

from qwenlab.stats.types import ALPHA, DetectableGain


def minimum_flips(alpha: float = ALPHA) -> int:
    """The fewest flips that reach p < alpha, all one way: 6 at 0.05, as 2 / 2**6 = 0.031 and 2 / 2**5 = 0.063.

    Raises:
        ValueError: `alpha` is not within 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be within 0 and 1, got {alpha}")
    return next(flips for flips in count(1) if 2 * 0.5**flips < alpha)


def power(n: int, gained: float, lost: float, alpha: float = ALPHA) -> float:
    """The probability that exact McNemar shows a gain, when a problem is gained and lost with these probabilities.

    Exact: the number of flips m is binomial, and so, given m, is the number lost; the test rejects for a gain when
    P(Binomial(m, 1/2) <= lost) < alpha / 2. Beside it for lost = 0: P(m >= minimum_flips).
    """
    if gained + lost == 0:
        return 0.0
    flips = np.arange(n + 1)
    most_lost = scipy.stats.binom.ppf(alpha / 2, flips, 0.5) - 1
    flip = min(1.0, gained + lost)
    return float(
        np.sum(scipy.stats.binom.pmf(flips, n, flip) * scipy.stats.binom.cdf(most_lost, flips, lost / (gained + lost)))
    )


def smallest_detectable_gain(
    n: int, lost: float = 0.02, wanted_power: float = 0.8, alpha: float = ALPHA
) -> DetectableGain:
    """The smallest net gain that a comparison of `n` problems shows with `wanted_power`, if `lost` of them break.

    Power rises with the gain: turning an unsolved problem into a gained one only lowers p, so bisection is safe.

    Raises:
        ValueError: `n` is negative, or `lost` not a share below one half.
    """
    if n < 0 or not 0 <= lost < 0.5:
        raise ValueError(f"a comparison needs n >= 0 and 0 <= lost < 0.5, got n={n}, lost={lost}")
    gains = range(1, math.floor(n * (1 - 2 * lost)) + 1)
    found = bisect_left(gains, wanted_power, key=lambda gain: power(n, lost + gain / n, lost, alpha))
    return DetectableGain(
        n=n,
        lost=lost,
        alpha=alpha,
        power=wanted_power,
        gain=gains[found] if found < len(gains) else None,
        minimum_flips=minimum_flips(alpha),
    )
