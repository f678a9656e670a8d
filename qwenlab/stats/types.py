"""The figures of a comparison, as they stand in report.json: typed, frozen, read back equal. Light to import."""

from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

ALPHA = 0.05
"""Tests are two-sided at this level, and intervals hold 1 - ALPHA."""

MARGIN = 0.05
"""What a suite may lose and still be kept: 5 points, one constant for all, set before anything is measured.

Not 3: 164 items of which a tenth flip though nothing changed are then called kept in 30 of 100 runs, and at 5 points in
60 (`kept_power` in power.py). Shown how often, when 2, 5 and 10 % of the items flip:

    items            100           164           300           541
    3 points    47  30  21    67  46  30    91  68  46   100  90  68 %
    5 points    79  58  41    97  81  60   100  97  83   100 100  97 %

Not more: a wider margin would pass a loss that its user notices, more than one answer in twenty.
"""

NOISE_OF_FLOATS = 1e-9
"""Sums of pass@k values that should be equal differ by less."""


class Figures(BaseModel):
    """A part of report.json: does not change, and refuses unknown keys when it is read back."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(NamedTuple):
    """From `low` to `high`, at the level `1 - ALPHA`."""

    low: float
    high: float


class Estimate(Figures):
    """A number with its interval; without one where the data cannot carry it."""

    value: float
    interval: Interval | None


class Rate(Figures):
    """`count` of `n`, with the Wilson interval; no value when `n` is 0."""

    count: int
    n: int
    value: float | None
    interval: Interval | None


class Paired(Figures):
    """What any paired comparison of two runs over the same items shows. Without items, the figures are None."""

    higher_is_better: ClassVar[bool] = True

    n: int
    """Pairs compared."""
    left_out: int
    """Pairs with a side that could not be judged."""
    clusters: int | None
    """Contests or families of items that the intervals resample as wholes; None: every item is its own."""
    gained: int
    """Items that only the second run solves, or does better at."""
    lost: int
    difference: Estimate | None
    """After minus before. Of shares and scores, 0.06 is 6 points; of losses, in nats a token, less is better."""
    p_value: float | None
    """Two-sided. Takes items as independent, clusters or not."""

    @property
    def beyond_noise(self) -> bool:
        """Whether there is a difference, either way: p < ALPHA, and the interval leaves zero out.

        Of independent problems p alone decides: exact McNemar is the stricter, and the interval objected to none of
        622 tables with p < 0.05, 6 to 165 problems. With clusters the interval guards against what p does not see: of
        2,000 simulations without an effect, 100 problems in 25 contests with a correlation of 0.3 inside, p alone
        claimed a difference in 11 %, both together in 5 %.
        """
        if self.p_value is None or self.difference is None or self.difference.interval is None:
            return False
        low, high = self.difference.interval
        return self.p_value < ALPHA and (low > NOISE_OF_FLOATS or high < -NOISE_OF_FLOATS)

    @property
    def better(self) -> bool:
        """Whether the second run is ahead, by however little."""
        if self.difference is None:
            return False
        return self.difference.value > 0 if self.higher_is_better else self.difference.value < 0


class Change(Paired):
    """A comparison of outcomes or of scores, each in [0, 1]."""

    relative_gain: Estimate | None
    """(after - before) / before; None with a baseline of zero, no interval with a very small one."""


class Comparison(Change):
    """One outcome a problem. `p_value` is the exact McNemar test."""

    before: Rate
    after: Rate
    both: int
    neither: int


class ScoreComparison(Change):
    """One score in [0, 1] a problem, such as its pass@k. `p_value` is the paired permutation test of the mean."""

    before: Estimate | None
    after: Estimate | None


class LossComparison(Paired):
    """One loss an item, in nats a token: less is better. `p_value` is the paired permutation test of the mean."""

    higher_is_better: ClassVar[bool] = False

    before: Estimate | None
    after: Estimate | None


class NonInferiority(Figures):
    """What of a suite was lost at most, and whether that is less than the margin."""

    margin: float
    """The loss that is not put up with, in shares."""
    lost_at_most: float
    """The one-sided upper bound of the loss at 1 - ALPHA, in shares: 0.024 is 2.4 points; 0 where none is left."""
    p_value: float
    """One-sided, of "the margin or more was lost"; below ALPHA exactly when `lost_at_most` is below the margin."""


class NotMeasured(Figures):
    """Stands where a figure would, and says why there is none."""

    why: str


class Stratum(Figures):
    """A difficulty, before and after. Exploratory: it has intervals and, there being many strata, no p."""

    name: str
    before: Rate
    after: Rate


class Transition(NamedTuple):
    """That many problems went from one verdict to another."""

    before: str
    after: str
    problems: int


class Transitions(Figures):
    """Where verdicts went, most frequent first, and by name the problems gained and lost."""

    counts: tuple[Transition, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def matrix(self) -> dict[tuple[str, str], int]:
        return {(row.before, row.after): row.problems for row in self.counts}


class NoiseFloor(Figures):
    """A/A: what flips between two runs of the same model is noise, so a change of that size shows nothing."""

    n: int
    left_out: int
    gained: int
    lost: int
    flipped: Rate


class DetectableGain(Figures):
    """What a comparison of `n` problems can show, known before it runs."""

    n: int
    lost: float
    """The assumed share of problems that the second run breaks."""
    alpha: float
    power: float
    gain: int | None
    """The smallest net gain, in problems, that is shown with that power; None when none is."""
    minimum_flips: int
    """Fewer flips, even all one way, never reach p < alpha."""


class ToleratedLoss(Figures):
    """What a suite of `n` items may lose and still be shown as kept, known before it runs."""

    n: int
    flips: int
    """The assumed number of items that flip, either way."""
    net_lost: int | None
    """With so many flips: the most that may be lost, less those gained. Negative where it takes a gain; None where
    nothing shows it."""
    margin: float
    alpha: float
    power: float
    """The probability that kept is shown when nothing changed, and that share flips by chance."""


class DetectableDifference(Figures):
    """What a comparison of `n` scores can show, as far as the spread of their differences says."""

    n: int
    alpha: float
    power: float
    difference: float | None
    """In shares: 0.06 is 6 points. None: nothing varies, or there are too few to say."""
