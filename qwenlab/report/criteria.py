"""The answer in words: one sentence for a comparison, and the training decisions' four success criteria.

Whether a criterion is met, and whether chance alone could have decided that, are two questions with two answers.
"""

from typing import Literal, NamedTuple

from qwenlab.stats.intervals import rate
from qwenlab.stats.types import (
    ALPHA,
    NOISE_OF_FLOATS,
    Comparison,
    DetectableGain,
    Estimate,
    Figures,
    Interval,
    NotMeasured,
    Rate,
    ScoreComparison,
)

GENERATION_BAR = 0.8
IMPROVEMENT_BAR = 0.1


class Stability(NamedTuple):
    """What the training run's events say: how often the loss spiked, and whether it ended lower than it began."""

    spikes: int
    converged: bool


class Criterion(Figures):
    """One line of the document's success criteria."""

    name: str
    wanted: str
    status: Literal["met", "not met", "not measured"]
    figures: str
    """What the status rests on, or why there is none."""
    told_from_noise: bool | None
    """Whether the status (for the improvement: the difference) would stand against chance; None: no such question."""
    noise: str


def sentence(change: Comparison | ScoreComparison | NotMeasured) -> str:
    """The answer in one sentence, such as "Improved: 12 to 30 of 100, +150 % relative, p = 0.0003".

    It begins with Improved or Worse when the difference is beyond noise, else with Not shown or Not measured.
    """
    if isinstance(change, NotMeasured):
        return f"Not measured: {change.why}"
    if change.difference is None or change.p_value is None:
        return "Not measured: no problem was judged"
    better = "Improved" if change.difference.value > 0 else "Worse"
    answer = better if change.beyond_noise else "Not shown"
    clauses = [_from_to(change), *_change_in_words(change), p_in_words(change.p_value)]
    if change.p_value < ALPHA and not change.beyond_noise:
        clauses.append(f"but its interval over {change.clusters} clusters includes no change")
    return f"{answer}: {', '.join(clauses)}"


def detectable_sentence(gain: DetectableGain) -> str:
    """What to expect of a comparison, told before it runs."""
    floor = f"fewer than {gain.minimum_flips} flips one way never reach p < {gain.alpha:g}"
    if gain.gain is None:
        return f"{gain.n} problems are too few to show any gain: {floor}"
    return (
        f"{gain.n} problems: minimum detectable effect +{gain.gain} ({100 * gain.gain / gain.n:.0f} points) at "
        f"{100 * gain.power:.0f} % power, assuming {100 * gain.lost:g} % regressions; {floor}"
    )


def criteria(
    generation: Rate | NotMeasured,
    improvement: Comparison | ScoreComparison | NotMeasured,
    stability: Stability | NotMeasured,
    syntax: Rate | NotMeasured,
) -> tuple[Criterion, Criterion, Criterion, Criterion]:
    """The document's success criteria in its order.

    Args:
        generation: problems for which the tuned model wrote a program.
        improvement: of the metric that matters: tests passed, where they were run.
        syntax: programs that parse, of all programs that the tuned model wrote.
    """
    return _generation(generation), _improvement(improvement), _stability(stability), _code_quality(syntax)


def _generation(measured: Rate | NotMeasured) -> Criterion:
    name, wanted = "Generation rate", "more than 80 % of the problems get a program"
    if isinstance(measured, NotMeasured) or measured.value is None:
        return _not_measured(name, wanted, measured, "no problem was answered")
    met = measured.value > GENERATION_BAR
    bounds = _one_sided(measured)
    bound = bounds.low if met else bounds.high
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if met else "not met",
        figures=_rate_in_words(measured),
        told_from_noise=bound > GENERATION_BAR if met else bound < GENERATION_BAR,
        noise=f"at {'least' if met else 'most'} {_percent(bound)} with 95 % confidence",
    )


def _improvement(measured: Comparison | ScoreComparison | NotMeasured) -> Criterion:
    """A gain from a baseline of zero is more than 10 % of it, though it has no relative figure."""
    name, wanted = "Improvement", "more than 10 % relative improvement over the baseline"
    if isinstance(measured, NotMeasured) or measured.difference is None or measured.p_value is None:
        return _not_measured(name, wanted, measured, "no problem was judged")
    relative = measured.relative_gain
    met = measured.difference.value > 0 if relative is None else relative.value > IMPROVEMENT_BAR + NOISE_OF_FLOATS
    told = "statistically significant" if measured.beyond_noise else "not statistically significant"
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if met else "not met",
        figures=", ".join([_from_to(measured), *_change_in_words(measured), *_relative_interval(relative)]),
        told_from_noise=measured.beyond_noise,
        noise=f"{measured.gained} gained and {measured.lost} lost, {p_in_words(measured.p_value)}: {told}",
    )


def _stability(measured: Stability | NotMeasured) -> Criterion:
    name, wanted = "Training stability", "loss convergence without major spikes"
    if isinstance(measured, NotMeasured):
        return _not_measured(name, wanted, measured, "")
    spikes = "no spike" if measured.spikes == 0 else "1 spike" if measured.spikes == 1 else f"{measured.spikes} spikes"
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if measured.converged and measured.spikes == 0 else "not met",
        figures=f"the loss {'converged' if measured.converged else 'did not converge'}, {spikes}",
        told_from_noise=None,
        noise="one training run has no error bar",
    )


def _code_quality(measured: Rate | NotMeasured) -> Criterion:
    """The document names no share, so all programs must parse: one that does not settles it, and none proves it."""
    name, wanted = "Code quality", "syntactically correct Python output"
    if isinstance(measured, NotMeasured) or measured.value is None:
        return _not_measured(name, wanted, measured, "no program was written")
    met = measured.count == measured.n
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if met else "not met",
        figures=f"{_rate_in_words(measured)} of the programs parse",
        told_from_noise=None if met else True,
        noise=f"at least {_percent(_one_sided(measured).low)} with 95 % confidence" if met else "one program is enough",
    )


def _not_measured(name: str, wanted: str, measured: object, empty: str) -> Criterion:
    why = measured.why if isinstance(measured, NotMeasured) else empty
    return Criterion(name=name, wanted=wanted, status="not measured", figures=why, told_from_noise=None, noise="")


def _one_sided(measured: Rate) -> Interval:
    """Bounds that each hold with 1 - ALPHA alone. 87 of 100 is the first that shows more than 80 %."""
    interval = rate(measured.count, measured.n, level=1 - 2 * ALPHA).interval
    assert interval is not None, "the rate has a value"
    return interval


def _from_to(change: Comparison | ScoreComparison) -> str:
    if isinstance(change, Comparison):
        return f"{change.before.count} to {change.after.count} of {change.n}"
    assert change.before is not None and change.after is not None, "there are problems"
    return f"{_percent(change.before.value)} to {_percent(change.after.value)} over {change.n} problems"


def _change_in_words(change: Comparison | ScoreComparison) -> list[str]:
    """The relative change where it says something: not without a change, nor with a baseline of zero."""
    if change.gained == change.lost == 0:
        return ["no problem changed"]
    if change.difference is not None and abs(change.difference.value) < NOISE_OF_FLOATS:
        return [f"{change.gained} gained and {change.lost} lost"]
    return [f"{_signed(change.relative_gain.value)} relative"] if change.relative_gain else []


def _relative_interval(relative: Estimate | None) -> list[str]:
    if relative is None:
        return ["no relative figure with a baseline of zero"]
    if relative.interval is None:
        return ["no interval with so small a baseline"]
    return [f"95 % interval {_signed(relative.interval.low)} to {_signed(relative.interval.high)}"]


def _rate_in_words(measured: Rate) -> str:
    assert measured.value is not None and measured.interval is not None, "the rate has a value"
    low, high = measured.interval
    share = f"{measured.count} of {measured.n} ({_percent(measured.value)}"
    return f"{share}, 95 % interval {_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(share: float) -> str:
    """Whole percents, with a decimal below one; zero has no sign."""
    percents = 100 * share
    rounded = round(percents) if abs(percents) >= 1 else round(percents, 1)
    return f"{rounded:+g} %" if rounded else "0 %"


def p_in_words(p_value: float) -> str:
    """Two digits, one below 0.001, and as many more as keep it on its side of `ALPHA`: 0.0498 is 0.0498, not 0.05."""
    if p_value < 0.0001:
        return "p < 0.0001"
    digits = 1 if p_value < 0.001 else 2
    while (float(f"{p_value:.{digits}g}") < ALPHA) != (p_value < ALPHA):
        digits += 1
    return f"p = {p_value:.{digits}g}"
