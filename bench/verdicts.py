"""How often the verdicts of an evaluation are wrong: simulated runs of five suites, and exact sizes of the tests.

    python -m bench.verdicts [--runs 2000]

Every rate should be at or below 5 %, but for "without Holm", which is there to show what Holm is for. The simulation
errs by 1 point (two standard errors of 5 % in 2,000 runs). Takes some ten minutes on one core.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, NamedTuple

import numpy as np
import scipy
import typer

from qwenlab import cli
from qwenlab.stats.intervals import difference, sum_clusters
from qwenlab.stats.non_inferiority import (
    GRID,
    exact_p,
    fewest_gained,
    non_inferiority,
    probability,
    worst_case,
)
from qwenlab.stats.paired import SEED, mcnemar_p
from qwenlab.stats.types import ALPHA, MARGIN, NonInferiority, Paired
from qwenlab.stats.verdicts import Measured, Verdict, judge

Generator = np.random.Generator


class Truth(NamedTuple):
    """A suite of `n` items, of which these shares are truly gained and lost."""

    n: int
    gained: float
    lost: float
    retention: bool = False

    @property
    def false(self) -> set[Verdict]:
        """Verdicts that are not true of it; of a loss below the margin, worse and kept both are."""
        net = round(self.gained - self.lost, 9)
        wrong: set[Verdict] = set()
        if net <= 0:
            wrong.add("improved")
        if net >= 0:
            wrong.add("worse")
        if net <= -MARGIN:
            wrong.add("kept")
        return wrong


Suites = dict[str, Truth]

NOTHING: Suites = {
    "own rows": Truth(120, 0.08, 0.08),
    "maths": Truth(300, 0.05, 0.05),
    "HumanEval": Truth(164, 0.03, 0.03, True),
    "instructions": Truth(100, 0.06, 0.06, True),
    "choices": Truth(150, 0.02, 0.02, True),
}
"""Nothing changed: items flip both ways alike."""


def lost_the_margin(gained: float) -> Suites:
    """Each retention suite truly lost the margin, no more."""
    return {
        name: truth._replace(gained=gained, lost=gained + MARGIN) if truth.retention else truth
        for name, truth in NOTHING.items()
    }


MIXED: Suites = NOTHING | {
    "own rows": Truth(120, 0.25, 0.05),
    "instructions": Truth(100, 0.03, 0.03 + MARGIN, True),
    "choices": Truth(150, 0.01, 0.11, True),
}
"""One target improved, one not; of what was to be kept, one is, one lost the margin, one twice that."""


class Rates(NamedTuple):
    """Shares of runs with at least one false verdict of that kind, and the counts of all verdicts by suite."""

    change: float
    """A false improved or worse."""
    kept: float
    change_alone: float
    """The same without Holm, each suite judged alone."""
    kept_alone: float
    verdicts: dict[str, dict[Verdict, int]]


def simulate(suites: Suites, runs: int, seed: int) -> Rates:
    """Draw that many runs and judge each."""
    rng = np.random.default_rng(seed)
    false = np.zeros((runs, 4), dtype=bool)
    verdicts: dict[str, dict[Verdict, int]] = {name: {} for name in suites}
    for run in range(runs):
        measured = {name: draw(truth, rng) for name, truth in suites.items()}
        together = {name: judged.verdict for name, judged in judge(measured).items()}
        alone = {name: judge({name: suite})[name].verdict for name, suite in measured.items()}
        for name, verdict in together.items():
            verdicts[name][verdict] = verdicts[name].get(verdict, 0) + 1
        for column, given in ((0, together), (2, alone)):
            wrong = {verdict for name, verdict in given.items() if verdict in suites[name].false}
            false[run, column] = bool(wrong - {"kept"})
            false[run, column + 1] = "kept" in wrong
    change, kept, change_alone, kept_alone = false.mean(axis=0).tolist()
    return Rates(change, kept, change_alone, kept_alone, verdicts)


def draw(truth: Truth, rng: Generator) -> Measured:
    """A run of a suite."""
    gained, lost, _ = rng.multinomial(truth.n, [truth.gained, truth.lost, 1 - truth.gained - truth.lost]).tolist()
    return Measured(_change(truth.n, gained, lost), _retention(truth.n, gained, lost) if truth.retention else None)


@cache
def _change(n: int, gained: int, lost: int) -> Paired:
    """`compare` of such a table; without its interval where p alone says that nothing is shown, which saves hours."""
    p_value = mcnemar_p(gained, lost)
    same = [0.0] * (n - gained - lost)
    before, after = ([*([0.0] * gained), *([1.0] * lost), *same], [*([1.0] * gained), *([0.0] * lost), *same])
    sums = sum_clusters(np.array(before), np.array(after), None)
    return Paired(
        n=n,
        left_out=0,
        clusters=None,
        gained=gained,
        lost=lost,
        difference=difference(sums, SEED) if p_value < ALPHA else None,
        p_value=p_value,
    )


@cache
def _retention(n: int, gained: int, lost: int) -> NonInferiority:
    """`of_counts` of such a table, but for its bound, which no verdict is made from."""
    return NonInferiority(margin=MARGIN, lost_at_most=1.0, p_value=exact_p(n, gained, lost, MARGIN))


class Size(NamedTuple):
    """The exact probability that a suite of `n` items that lost the margin is called kept, by the share gained."""

    n: int
    none: float
    """Nothing gained, as where all was solved before."""
    few: float
    """1 % gained, as where nearly nothing was solved before: who solves 6 % and loses 5 can break no more."""
    worst: float
    worst_tango: float
    """With p from the normal distribution in place of the exact one."""


def size_of_kept(n: int) -> Size:
    """By the sum over all tables."""
    tango = float(scipy.stats.norm.ppf(ALPHA))
    low, high = -3.0, 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if worst_case(n, middle, MARGIN) < ALPHA else (low, middle)
    gained = np.concatenate([[0.0, 0.01], (1 - MARGIN) / 2 * np.sin(np.linspace(0, np.pi / 2, 7 * GRID)) ** 2])
    exact, normal = (
        probability(n, fewest_gained(n, score, MARGIN), gained, gained + MARGIN) for score in (low, tango - 1e-6)
    )
    return Size(n, float(exact[0]), float(exact[1]), float(exact.max()), float(normal.max()))


def size_of_mcnemar(n: int) -> float:
    """The largest probability, over the share of flips, that an unchanged suite is called improved or worse."""
    flips = np.arange(n + 1)
    most = scipy.stats.binom.ppf(ALPHA / 2, flips, 0.5) - 1
    rejected = 2 * scipy.stats.binom.cdf(most, flips, 0.5)
    shares = np.linspace(0, 1, GRID + 1)[:, None]
    return float(np.max(np.sum(scipy.stats.binom.pmf(flips, n, shares) * rejected, axis=1)))


Sample = tuple[list[float], list[float], list[int] | None]
"""Before, after, clusters."""
Draw = Callable[[Generator], Sample]


def contests(clusters: int, each: int, correlation: float) -> Draw:
    """Outcomes in clusters, none gained and the margin lost, with that correlation of losses inside a cluster."""
    weight = (1 - correlation) / correlation

    def drawn(rng: Generator) -> Sample:
        chances = np.repeat(rng.beta(MARGIN * weight, (1 - MARGIN) * weight, size=clusters), each)
        kept = (rng.random(len(chances)) >= chances).astype(float)
        return [1.0] * len(kept), kept.tolist(), [item // each for item in range(clusters * each)]

    return drawn


def scores(n: int, spread: str) -> Draw:
    """Scores of four samples an item, the margin lost: by every item a little, by a tenth half, by a twentieth all."""

    def drawn(rng: Generator) -> Sample:
        if spread == "every item a little":
            chance = rng.uniform(MARGIN, 1, size=n)
            return (rng.binomial(4, chance) / 4).tolist(), (rng.binomial(4, chance - MARGIN) / 4).tolist(), None
        share = {"a tenth half": 2 * MARGIN, "a twentieth all": MARGIN}[spread]
        chance = np.where(rng.random(n) < share, 1 - MARGIN / share, 1.0)
        after = (rng.binomial(4, chance) / 4).tolist()
        return [0.5, *[1.0] * (n - 1)], [0.5, *after[1:]], None  # the first makes them scores, and not outcomes

    return drawn


def false_kept(drawn: Draw, runs: int, seed: int) -> float:
    """The share of runs in which what lost the margin is said to have lost less."""
    rng = np.random.default_rng(seed)
    results = [non_inferiority(*drawn(rng)) for _ in range(runs)]
    return float(np.mean([result is not None and result.p_value < ALPHA for result in results]))


def lines(runs: int) -> Iterator[str]:
    """The tables, a line as it is known."""
    yield f"{runs} runs of five suites, % with a false verdict   improved or worse   without Holm   kept   without Holm"
    for title, suites in (
        ("nothing changed", NOTHING),
        ("retention lost the margin, none gained", lost_the_margin(0.0)),
        ("retention lost the margin, 5 % gained", lost_the_margin(0.05)),
        ("mixed", MIXED),
    ):
        rates = simulate(suites, runs, seed=17)
        yield (
            f"{title:48}{100 * rates.change:20.1f}{100 * rates.change_alone:15.1f}"
            f"{100 * rates.kept:7.1f}{100 * rates.kept_alone:15.1f}"
        )
        if suites in (NOTHING, MIXED):
            for name, counts in rates.verdicts.items():
                shown = ", ".join(f"{verdict} {100 * count / runs:.1f}" for verdict, count in sorted(counts.items()))
                yield f"    {name}: {shown} %"
    yield ""
    yield "Exact, one suite, %   false kept: none gained   1 % gained   worst   worst by Tango's p   McNemar, worst"
    for n in (20, 30, 40, 52, 60, 80, 100, 120, 150, 164, 257, 300, 541):
        size = size_of_kept(n)
        yield (
            f"{n:19}{100 * size.none:27.1f}{100 * size.few:13.1f}{100 * size.worst:8.1f}"
            f"{100 * size.worst_tango:21.1f}{100 * size_of_mcnemar(n):17.1f}"
        )
    yield ""
    yield "False kept in clusters and of scores, %"
    for title, drawn in (
        ("25 contests of 4, correlation 0.3", contests(25, 4, 0.3)),
        ("82 families of 2, correlation 0.1", contests(82, 2, 0.1)),
        ("82 families of 2, correlation 0.5", contests(82, 2, 0.5)),
        ("120 scores, every item a little", scores(120, "every item a little")),
        ("52 scores, a tenth half", scores(52, "a tenth half")),
        ("120 scores, a tenth half", scores(120, "a tenth half")),
        ("80 scores, a twentieth all", scores(80, "a twentieth all")),
        ("301 scores, a twentieth all", scores(301, "a twentieth all")),
    ):
        yield f"{title:48}{100 * false_kept(drawn, runs, seed=17):6.1f}"


def main(runs: Annotated[int, typer.Option(help="Simulated runs of each kind.")] = 2000) -> None:
    """Print the tables."""
    for line in lines(runs):
        print(line, flush=True)


if __name__ == "__main__":
    cli.run(main, "python -m bench.verdicts")
