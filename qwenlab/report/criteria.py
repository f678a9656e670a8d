"""The training decisions' four success criteria.

Whether a criterion is met, and whether chance alone could have decided that, are two questions with two answers.
"""

from typing import Literal, NamedTuple

from qwenlab.report.sentences import change_in_words, from_to, p_in_words, percent, signed
from qwenlab.stats.intervals import rate
from qwenlab.stats.types import (
    ALPHA,
    NOISE_OF_FLOATS,
    Change,
    Estimate,
    Figures,
    Interval,
    NotMeasured,
    Paired,
    Rate,
)

Status = Literal["met", "not met", "not measured"]

COLOURS: dict[Status, str] = {"met": "accent", "not met": "red", "not measured": "amber"}
"""By the names that the charts give them."""

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
    status: Status
    figures: str
    """What the status rests on, or why there is none."""
    told_from_noise: bool | None
    """Whether the status (for the improvement: the difference) would stand against chance; None: no such question."""
    noise: str


def criteria(
    generation: Rate | NotMeasured,
    improvement: Paired | NotMeasured,
    stability: Stability | NotMeasured,
    syntax: Rate | NotMeasured,
    base_syntax: Rate | NotMeasured,
) -> tuple[Criterion, Criterion, Criterion, Criterion]:
    """The document's success criteria in its order.

    Args:
        generation: problems for which the tuned model wrote a program.
        improvement: of the metric that matters: tests passed, where they were run.
        syntax: programs that parse, of all programs that the tuned model wrote.
        base_syntax: the same of the base.
    """
    return _generation(generation), _improvement(improvement), _stability(stability), _code_quality(syntax, base_syntax)


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
        noise=f"at {'least' if met else 'most'} {percent(bound)} with 95 % confidence",
    )


def _improvement(measured: Paired | NotMeasured) -> Criterion:
    """A gain from a baseline of zero is more than 10 % of it, though it has no relative figure."""
    name, wanted = "Improvement", "more than 10 % relative improvement over the baseline"
    if isinstance(measured, NotMeasured) or measured.difference is None or measured.p_value is None:
        return _not_measured(name, wanted, measured, "no problem was judged")
    relative = measured.relative_gain if isinstance(measured, Change) else None
    met = measured.difference.value > 0 if relative is None else relative.value > IMPROVEMENT_BAR + NOISE_OF_FLOATS
    told = "statistically significant" if measured.beyond_noise else "not statistically significant"
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if met else "not met",
        figures=", ".join([from_to(measured), *change_in_words(measured), *_relative_interval(relative)]),
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


def _code_quality(measured: Rate | NotMeasured, base: Rate | NotMeasured) -> Criterion:
    """The document names no share, so all programs must parse: one that does not settles it, and none proves it."""
    name, wanted = "Code quality", "syntactically correct Python output"
    if isinstance(measured, NotMeasured) or measured.value is None:
        return _not_measured(name, wanted, measured, "no program was written")
    met = measured.count == measured.n
    return Criterion(
        name=name,
        wanted=wanted,
        status="met" if met else "not met",
        figures=_parsing(measured) + _beside(measured, base),
        told_from_noise=None if met else True,
        noise=f"at least {percent(_one_sided(measured).low)} with 95 % confidence" if met else "",
    )


def _parsing(measured: Rate) -> str:
    failed = measured.n - measured.count
    if not failed:
        return f"all {measured.n} programs parse" if measured.n > 1 else "the one program parses"
    return f"{failed} of {measured.n} programs {'does' if failed == 1 else 'do'} not parse"


def _beside(measured: Rate, base: Rate | NotMeasured) -> str:
    """How many of the base's do not."""
    if isinstance(base, NotMeasured) or not base.n:
        return ""
    failed = base.n - base.count
    if not failed and measured.count == measured.n:
        return ""
    also = "also " if failed and failed == measured.n - measured.count else ""
    return f" (the base: {also}{failed or 'none'}{'' if base.n == measured.n else f' of {base.n}'})"


def _not_measured(name: str, wanted: str, measured: object, empty: str) -> Criterion:
    why = measured.why if isinstance(measured, NotMeasured) else empty
    return Criterion(name=name, wanted=wanted, status="not measured", figures=why, told_from_noise=None, noise="")


def _one_sided(measured: Rate) -> Interval:
    """Bounds that each hold with 1 - ALPHA alone. 87 of 100 is the first that shows more than 80 %."""
    interval = rate(measured.count, measured.n, level=1 - 2 * ALPHA).interval
    assert interval is not None, "the rate has a value"
    return interval


def _relative_interval(relative: Estimate | None) -> list[str]:
    if relative is None:
        return ["no relative figure with a baseline of zero"]
    if relative.interval is None:
        return ["no interval with so small a baseline"]
    return [f"95 % interval {signed(relative.interval.low)} to {signed(relative.interval.high)}"]


def _rate_in_words(measured: Rate) -> str:
    assert measured.value is not None and measured.interval is not None, "the rate has a value"
    low, high = measured.interval
    share = f"{measured.count} of {measured.n} ({percent(measured.value)}"
    return f"{share}, 95 % interval {percent(low)} to {percent(high)})"
