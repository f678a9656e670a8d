"""The figures of a comparison, as they stand in report.json: typed, frozen, read back equal. Light to import."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

ALPHA = 0.05
"""Tests are two-sided at this level, and intervals hold 1 - ALPHA."""

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


class Change(Figures):
    """What a paired comparison of two runs over the same problems shows. Without problems, the figures are None."""

    n: int
    """Pairs compared."""
    left_out: int
    """Pairs with a side that could not be judged."""
    clusters: int | None
    """Contests or families of problems that the intervals resample as wholes; None: every problem is its own."""
    gained: int
    """Problems that only the second run solves, or whose score rose."""
    lost: int
    difference: Estimate | None
    """After minus before, in shares: 0.06 is 6 points."""
    relative_gain: Estimate | None
    """(after - before) / before; None with a baseline of zero, no interval with a very small one."""
    p_value: float | None
    """Takes problems as independent, clusters or not."""

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
