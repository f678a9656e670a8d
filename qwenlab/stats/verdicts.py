"""From the figures of several suites to a verdict on each, with both kinds of error held over all suites together.

Two questions are asked of a run, each a family of tests: did anything change, of every suite, and was anything
forgotten, of those that a run should leave as they were. In each family Holm's step-down keeps the chance of even one
false answer at `ALPHA`, however many suites there are and whichever of them truly changed: Holm, "A simple sequentially
rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979. Not one family for both: a suite that is
asked both would pay twice, and the answers are not the same mistake.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from qwenlab.stats.types import ALPHA, Figures, NonInferiority, NotMeasured, Paired

Verdict = Literal["improved", "worse", "kept", "not shown", "not measured"]


class Measured(NamedTuple):
    """What a suite gave."""

    change: Paired | NotMeasured
    retention: NonInferiority | None = None
    """Of a suite that a run should leave as it was; None of one that it should improve."""


class Judged(Figures):
    """A suite's verdict, and what it was made from."""

    verdict: Verdict
    p_adjusted: float | None
    """Holm's, of "nothing changed", over all suites; None where nothing was measured."""
    retention: NonInferiority | None
    """By itself: its bound holds for this suite alone, and its p is not adjusted."""
    retention_p_adjusted: float | None
    """Holm's, of "the margin or more was lost", over the suites that this was asked of."""


def judge(suites: Mapping[str, Measured]) -> dict[str, Judged]:
    """The verdict on each suite, by its name.

    - improved, worse: the adjusted p is below `ALPHA` and the interval agrees (`beyond_noise`).
    - kept: neither, but a loss of the margin is disproved.
    - not shown: none of these. Few items, or a loss about as large as the margin.

    A small loss that is certain is worse, though it be within the margin: it was shown, and to call it kept would hide
    it. `retention` says beside it how much was lost at most.
    """
    measured = {name: suite for name, suite in suites.items() if isinstance(suite.change, Paired) and suite.change.n}
    changed = _adjusted(
        {name: suite.change.p_value for name, suite in measured.items() if isinstance(suite.change, Paired)}
    )
    kept = _adjusted({name: suite.retention.p_value for name, suite in measured.items() if suite.retention})
    return {
        name: Judged(
            verdict=_verdict(suite.change, changed.get(name), kept.get(name)),
            p_adjusted=changed.get(name),
            retention=suite.retention if name in measured else None,
            retention_p_adjusted=kept.get(name),
        )
        for name, suite in suites.items()
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the i-th smallest of m times m - i + 1, no less than the one before."""
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = least
    return adjusted


def _adjusted(p_values: Mapping[str, float | None]) -> dict[str, float]:
    present = {name: p_value for name, p_value in p_values.items() if p_value is not None}
    return dict(zip(present, holm(list(present.values())), strict=True))


def _verdict(change: Paired | NotMeasured, changed: float | None, kept: float | None) -> Verdict:
    if not isinstance(change, Paired) or changed is None:
        return "not measured"
    if changed < ALPHA and change.beyond_noise:
        return "improved" if change.better else "worse"
    return "kept" if kept is not None and kept < ALPHA else "not shown"
