"""Before the run: what a comparison of so many problems can show. Exact sums, no normal approximation."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import count

import numpy as np
import scipy  # its parts load as they are named

from qwenlab.stats.non_inferiority import exact_p, fewest_gained, probability, worst_case
from qwenlab.stats.types import ALPHA, MARGIN, NOISE_OF_FLOATS, DetectableDifference, DetectableGain, ToleratedLoss

SCORE_PRECISION = 1e-6


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


def smallest_detectable_shift(n: int, wanted_power: float = 0.8, alpha: float = ALPHA) -> float | None:
    """The smallest mean change of losses or scores that `n` items show, in standard deviations of an item's change.

    That of the paired t test, about 2.8 / sqrt(n): a change of a quarter of it in 126 items, of a tenth in 787. How far
    an item's change spreads is not known before the run. None below two items.
    """
    if n < 2:
        return None
    critical = scipy.stats.t.isf(alpha / 2, n - 1)

    def missing(shift: float) -> float:
        return float(scipy.stats.nct.sf(critical, n - 1, shift * math.sqrt(n))) - wanted_power

    return float(scipy.optimize.brentq(missing, 0.0, 10.0 + critical))


def kept_power(n: int, flipped: float, margin: float = MARGIN, alpha: float = ALPHA) -> float:
    """The probability that a suite is shown to be kept when nothing changed, and a share `flipped` flips by chance.

    Exact: the tables with p < alpha are those with a `tango_score` up to a critical one, which bisection finds.

    Raises:
        ValueError: `flipped` is not a share.
    """
    if n < 0 or not 0 <= flipped <= 1:
        raise ValueError(f"a comparison needs n >= 0 and 0 <= flipped <= 1, got n={n}, flipped={flipped}")
    if n == 0:
        return 0.0
    low, high = -math.sqrt(n * (1 + margin) / (1 - margin)) - 1, 0.0  # lower than when every item was gained
    while high - low > SCORE_PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if worst_case(n, middle, margin) < alpha else (low, middle)
    one_way = np.array([flipped / 2])
    return float(probability(n, fewest_gained(n, low, margin), one_way, one_way)[0])


def tolerated_loss(n: int, flipped: float = 0.05, margin: float = MARGIN, alpha: float = ALPHA) -> ToleratedLoss:
    """How many of `n` items may be lost on balance, when a share `flipped` flips, with the suite still shown as kept.

    Raises:
        ValueError: `flipped` is not a share.
    """
    power_of_none_lost = kept_power(n, flipped, margin, alpha)
    flips = round(n * flipped)
    lost = range(flips + 1)
    too_many = bisect_left(lost, True, key=lambda some: exact_p(n, flips - some, some, margin) >= alpha) if n else 0
    return ToleratedLoss(
        n=n,
        flips=flips,
        net_lost=2 * (too_many - 1) - flips if too_many else None,
        margin=margin,
        alpha=alpha,
        power=power_of_none_lost,
    )


def detectable_difference(
    differences: Sequence[float], wanted_power: float = 0.8, alpha: float = ALPHA
) -> DetectableDifference:
    """The smallest mean difference of scores that so many items show with `wanted_power`, as these differences vary.

    (z(1 - alpha/2) + z(power)) * sd / sqrt(n): Miller, "Adding Error Bars to Evals", arXiv 2411.00640, section 5. An
    approximation by the normal distribution, and from data that is in already: for the next comparison of this kind.
    """
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) if n > 1 else 0.0
    z = float(scipy.stats.norm.ppf(1 - alpha / 2) + scipy.stats.norm.ppf(wanted_power))
    difference = z * spread / math.sqrt(n) if spread > NOISE_OF_FLOATS else None
    return DetectableDifference(n=n, alpha=alpha, power=wanted_power, difference=difference)
