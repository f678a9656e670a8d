"""The answer in words: one sentence for a comparison, one for all suites, and what may be expected of them."""

import re
from collections.abc import Sequence

from qwenlab.stats.power import smallest_detectable_shift
from qwenlab.stats.types import (
    ALPHA,
    NOISE_OF_FLOATS,
    Change,
    Comparison,
    DetectableGain,
    LossComparison,
    NotMeasured,
    Paired,
    ScoreComparison,
)
from qwenlab.stats.verdicts import Judged, Measured, judge


def sentence(change: Paired | NotMeasured) -> str:
    """The answer in one sentence, such as "Improved: 12 to 30 of 100, +150 % relative, p = 0.0003".

    It begins with Improved or Worse when the difference is beyond noise, else with Not shown or Not measured.
    """
    return suite_sentence(None, change, judge({"": Measured(change)})[""])


def suite_sentence(title: str | None, change: Paired | NotMeasured, judged: Judged) -> str:
    """What is said of a suite: in full where it is alone, else in brief and behind its title.

    "Improved: 12 to 30 of 100, +150 % relative, p = 0.0003"; "Maths: improved, 262 to 275 of 300, p = 0.004". p is
    Holm's among several.
    """
    if isinstance(change, NotMeasured):
        why = change.why if title is None else _first_sentence(change.why)
        return _said(title, "not measured", [why])
    if change.difference is None or change.p_value is None or judged.p_adjusted is None:
        return _said(title, "not measured", ["no item was judged"])
    clauses = [from_to(change)]
    if title is None:
        clauses += change_in_words(change)
    retention = judged.retention
    if retention and judged.verdict == "kept":
        clauses.append(f"lost at most {_points(retention.lost_at_most)}")
    else:
        clauses.append(p_in_words(judged.p_adjusted))
    if change.p_value < ALPHA and not change.beyond_noise:
        over = f" over {change.clusters} clusters" if change.clusters else ""
        clauses.append(f"but its interval{over} includes no change")
    if retention and judged.verdict == "not shown":
        clauses.append(f"and up to {_points(retention.lost_at_most)} may be lost")
    return _said(title, judged.verdict, clauses)


def headline(sentences: Sequence[str]) -> str:
    """The suites' sentences as one answer."""
    return sentences[0] if len(sentences) == 1 else " ".join(f"{sentence.removesuffix('.')}." for sentence in sentences)


def detectable_sentence(gain: DetectableGain, items: str = "problems") -> str:
    """What to expect of a comparison, told before it runs."""
    floor = f"fewer than {gain.minimum_flips} flips one way never reach p < {gain.alpha:g}"
    if gain.gain is None:
        return f"{gain.n} {items} are too few to show any gain: {floor}"
    return (
        f"{gain.n} {items}: {detectable_in_brief(gain)} at {100 * gain.power:.0f} % power, assuming "
        f"{100 * gain.lost:g} % regressions; {floor}"
    )


def detectable_in_brief(gain: DetectableGain) -> str:
    """Such as "minimum detectable effect +11 (11 points)"."""
    if gain.gain is None:
        return "too few to show any gain"
    return f"minimum detectable effect +{gain.gain} ({100 * gain.gain / gain.n:.0f} points)"


def detectable_shift_sentence(n: int) -> str:
    """The same of losses, whose spread is not known before they are measured."""
    shift = smallest_detectable_shift(n)
    if shift is None:
        return f"{n} rows are too few to show any change of the loss"
    return (
        f"{n} rows: minimum detectable effect {shift:.2f} standard deviations of a row's change of loss, at 80 % power"
    )


def from_to(change: Paired) -> str:
    if isinstance(change, Comparison):
        return f"{change.before.count} to {change.after.count} of {change.n}"
    assert isinstance(change, ScoreComparison | LossComparison) and change.before and change.after, "there are items"
    if isinstance(change, LossComparison):
        return f"loss {change.before.value:.3f} to {change.after.value:.3f} nats/token over {change.n} rows"
    return f"{percent(change.before.value)} to {percent(change.after.value)} over {change.n} problems"


def change_in_words(change: Paired) -> list[str]:
    """The relative change where it says something: not without a change, nor with a baseline of zero."""
    if isinstance(change, LossComparison):
        return [f"{change.gained} rows lower and {change.lost} higher"]
    if change.gained == change.lost == 0:
        return ["no problem changed"]
    if change.difference is not None and abs(change.difference.value) < NOISE_OF_FLOATS:
        return [f"{change.gained} gained and {change.lost} lost"]
    relative = change.relative_gain if isinstance(change, Change) else None
    return [f"{signed(relative.value)} relative"] if relative else []


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def signed(share: float) -> str:
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


def _said(title: str | None, verdict: str, clauses: Sequence[str]) -> str:
    opening = f"{title}: {verdict}, " if title else f"{verdict[0].upper()}{verdict[1:]}: "
    return opening + ", ".join(clauses)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].removesuffix(".")


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
