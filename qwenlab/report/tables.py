"""The tables of a report as texts, the same for the page and for Markdown."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.verdict import MEANING
from qwenlab.report.schema import METRICS, NO_ANSWER, RIGHT, WRONG, Metric, Report, SuiteReport
from qwenlab.report.sentences import detectable_sentence, detectable_shift_sentence, p_in_words
from qwenlab.runs.mode import said
from qwenlab.stats.types import Comparison, Estimate, Interval, LossComparison, NotMeasured, Rate, ScoreComparison
from qwenlab.text import duration

RULES = {"strict": "the strict comparison of outputs", "deepmind": "DeepMind's comparison of outputs"}

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Keeps a number and what belongs to it on one line."""

Row = tuple[str, ...]


class Table(NamedTuple):
    """Texts in rows. The first column names what the row is about."""

    title: str
    columns: Row
    rows: tuple[Row, ...]
    note: str = ""


def criteria(report: Report) -> Table:
    """The document's success criteria, each beside what chance could have done."""
    return Table(
        title="Success criteria",
        columns=("criterion", "wanted", "", "figures", "beside noise"),
        rows=tuple((one.name, one.wanted, one.status, one.figures, one.noise) for one in report.criteria),
    )


def metrics(suite: SuiteReport) -> Table:
    """Base and tuned by every measure, and how sure the difference is."""
    if suite.losses:
        return _losses(suite.losses)
    answers = "" if suite.samples == 1 else f" Of the first answer to each {noun(suite, 1)}, but for pass@k."
    clusters = {compared.clusters for compared in suite.metrics.values() if isinstance(compared, Comparison)}
    resampled = next((f", whole contests ({count}) resampled" for count in clusters if count), "")
    rows = [_metric(_named(name, suite), compared) for name, compared in suite.metrics.items()]
    rows += [_metric(f"pass@{k}", scores) for k, scores in suite.pass_at_k.items()]
    rows += [_metric(f"pass, by {RULES[rule]}", compared) for rule, compared in suite.comparisons.items()]
    return Table(
        title="Base and tuned",
        columns=("measure", "base", "tuned", "difference", "relative gain", "gained / lost", "p"),
        rows=tuple(rows),
        note=f"In brackets 95 % intervals: Wilson for rates, paired bootstrap for differences{resampled}. p: exact "
        f"McNemar{', paired permutation for pass@k' if suite.pass_at_k else ''}.{answers}",
    )


def _named(metric: Metric, suite: SuiteReport) -> str:
    """The metric with what it asks for, which follows on the one before it."""
    alone = len(suite.metrics) == 1
    return f"{metric}: {METRICS[metric].removeprefix('and ') if alone else METRICS[metric]}"


def _losses(change: LossComparison) -> Table:
    before, after = (f"{side.value:.4f}" if side else "" for side in (change.before, change.after))
    difference, between = change.difference, ""
    if difference and difference.interval:
        between = f" ({difference.interval.low:+.4f} to {difference.interval.high:+.4f})"
    row = (
        "loss of the rows' own answers, nats/token",
        before,
        after,
        f"{difference.value:+.4f}{between}" if difference else "none",
        f"{change.gained} / {change.lost}",
        "" if change.p_value is None else _together(p_in_words(change.p_value).removeprefix("p = ").removeprefix("p ")),
    )
    return Table(
        title="Base and tuned",
        columns=("measure", "base", "tuned", "difference", "lower / higher", "p"),
        rows=(row,),
        note="Less is better: how likely a model finds the answer that the data has. It says nothing of what the model "
        "would write itself. In brackets the 95 % interval, paired bootstrap. p: paired permutation.",
    )


def retention(suite: SuiteReport) -> str:
    """What of a suite that must not lose was lost at most; empty of others, and where a change was shown."""
    found = suite.retention
    if found is None or suite.verdict in ("improved", "worse"):
        return ""
    shown = "is ruled out" if found.lost_at_most < found.margin else "is not ruled out"
    adjusted = "" if suite.retention_p_adjusted is None else f", {p_in_words(suite.retention_p_adjusted)} (Holm)"
    return (
        f"At most {100 * found.lost_at_most:.1f} points were lost, with 95 % confidence: a loss of "
        f"{100 * found.margin:g} points or more {shown} by this suite alone{adjusted}."
    )


def strata(suite: SuiteReport) -> Table:
    """Rates by difficulty or kind, exploratory."""
    rows = [
        (stratum.name, metric, _rate(stratum.before), _rate(stratum.after))
        for metric, strata in suite.strata.items()
        for stratum in strata
    ]
    by = grouping(suite)
    return Table(
        title=f"By {by}",
        columns=(by, "measure", "base", "tuned"),
        rows=tuple(rows),
        note="Exploratory: among so many small groups some differ by chance alone, so there is no p.",
    )


def grouping(suite: SuiteReport) -> str:
    """What the groups of the suite's items are."""
    return "difficulty" if suite.kind == "program" and suite.aim == "target" else "kind"


def transitions(suite: SuiteReport) -> Table:
    """From which verdict to which: a row for each of the base's verdicts, a column for each of the tuned model's."""
    counts = suite.transitions.matrix() if suite.transitions else {}
    before, after = (_in_order({pair[side] for pair in counts}) for side in (0, 1))
    rows = [(first, *(str(counts.get((first, second), "")) for second in after)) for first in before]
    meanings = [f"{name}: {MEANING[name]}" for name in MEANING if name in {*before, *after}]
    return Table(
        title="Verdicts, base to tuned",
        columns=("base ↓ tuned →", *after),
        rows=tuple(rows),
        note="; ".join(meanings),
    )


def causes(suite: SuiteReport) -> Table:
    """Why answers failed."""
    rows = [(one.cause, one.verdict, str(one.base), str(one.tuned)) for one in suite.causes]
    return Table(title="Why answers failed", columns=("cause", "verdict", "base", "tuned"), rows=tuple(rows))


def cost(report: Report) -> Table:
    """Tokens and time."""
    rows = [
        (side.replace("_", " "), f"{spent.tokens:,}", duration(spent.seconds), _rounded(spent.tokens / spent.seconds))
        for side, spent in report.cost.items()
        if spent.seconds
    ]
    return Table(
        title="Cost",
        columns=("side", "tokens", "time", "tokens per second"),
        rows=tuple(rows),
        note=f"Judging took {duration(report.judging_seconds)}.",
    )


def noun(suite: SuiteReport, count: int = 2) -> str:
    """What the suite's items are called."""
    word = "problem" if suite.kind == "program" else "row" if suite.kind == "reference" else "question"
    return word if count == 1 else f"{word}s"


def asked(suite: SuiteReport) -> str:
    """Which items, which not, and of programs which of their tests."""
    found = suite.asked
    left_out = ", ".join(f"{len(names)} {reason}" for reason, names in found.left_out.items())
    cut = f" The cap on a problem's tests left {found.tests_cut:,} tests away." if found.tests_cut else ""
    licence = f" Licence: {found.licence.removesuffix('.')}." if found.licence else ""
    return (
        f"{suite.n} of {found.available} {noun(suite)} of {found.source}. Left out: {left_out or 'none'}.{cut}{licence}"
    )


def provenance(report: Report) -> Table:
    """What was asked, of which models, with which settings."""
    rows = [
        ("run", report.run),
        ("evaluated", f"{report.created:%Y-%m-%d %H:%M %Z}"),
        ("command", " ".join(report.command)),
        *((name, asked(suite)) for name, suite in report.suites.items()),
        *((f"version of {name}", suite.asked.version) for name, suite in report.suites.items() if suite.asked.version),
        *([("asked with", said(report.thinking))] if report.thinking is not None else []),
        ("after a failed test", "goes on" if report.all_tests else "stops"),
        *((f"evaluate.{name}", _value(value)) for name, value in report.settings.items()),
        *(
            (f"{side}: {name}", _value(value))
            for side, stamp in report.stamps.items()
            for name, value in stamp.items()
            if value is not None
        ),
    ]
    return Table(title="Settings", columns=("", ""), rows=tuple(rows))


def checks(check: SelfCheck | NotMeasured) -> Table:
    """What the sandbox was made to prove."""
    if isinstance(check, NotMeasured):
        return Table(title="Judge not verified", columns=(), rows=(), note=f"No program was run. {check.why}")
    passed = sum(one.passed for one in check.checks)
    return Table(
        title="Judge verified" if check.fit else "Judge not verified",
        columns=("check", "expected", "found"),
        rows=tuple((one.name, one.expected, one.found) for one in check.checks),
        note=f"{passed} of {len(check.checks)} checks passed just before the programs were run: {check.backend} "
        f"{check.version}, {check.interpreter}, as {check.user}, Linux {check.kernel}, {check.machine}.",
    )


def mode(report: Report) -> str:
    """How both were asked; empty where there is one way alone."""
    return f"Base and tuned were asked with {said(report.thinking)}." if report.thinking is not None else ""


def noise(suite: SuiteReport) -> Iterator[str]:
    """What the comparison could show, what the base differs from itself, and what else has to be known."""
    yield from suite.notes
    yield from suite.asked.notes
    if suite.kind == "reference":
        yield f"{detectable_shift_sentence(suite.n)}."
    elif suite.detectable:
        yield f"{detectable_sentence(suite.detectable, noun(suite))}."
    floor = suite.noise_floor
    if floor and floor.flipped.value is not None:
        yield (
            f"The base against itself: {floor.gained} gained and {floor.lost} lost of {floor.n} "
            f"({_rate(floor.flipped)} flipped). A change of that size shows nothing."
        )


def first_answers(suite: SuiteReport) -> str:
    """What a title adds where only the first of several answers to an item counts."""
    return ", first answers" if suite.samples > 1 else ""


def _metric(name: str, compared: Comparison | ScoreComparison | NotMeasured) -> Row:
    if isinstance(compared, NotMeasured):
        return name, f"not measured: {compared.why}", "", "", "", "", ""
    return (
        name,
        _side(compared.before),
        _side(compared.after),
        _estimate(compared.difference, "points"),
        _estimate(compared.relative_gain, "%"),
        f"{compared.gained} / {compared.lost}",
        ""
        if compared.p_value is None
        else _together(p_in_words(compared.p_value).removeprefix("p = ").removeprefix("p ")),
    )


def _side(side: Rate | Estimate | None) -> str:
    if isinstance(side, Rate):
        return _together(f"{side.count} of {side.n}:") + f" {_rate(side)}"
    return "" if side is None else _together(f"{100 * side.value:.1f} %") + _shares(side.interval)


def _rate(rate: Rate) -> str:
    return "" if rate.value is None else _together(f"{100 * rate.value:.1f} %") + _shares(rate.interval)


def _shares(interval: Interval | None) -> str:
    return " " + _together(f"({100 * interval.low:.0f} to {100 * interval.high:.0f} %)") if interval else ""


def _estimate(estimate: Estimate | None, unit: str) -> str:
    """A change, in percents or points, with its sign."""
    if estimate is None:
        return "none"
    between = " to ".join(map(_signed, estimate.interval)) if estimate.interval else ""
    return _together(f"{_signed(estimate.value)} {unit}") + (" " + _together(f"({between})") if between else "")


def _together(text: str) -> str:
    return text.replace(" ", NO_BREAK)


def _signed(share: float) -> str:
    """Hundredths with a sign; zero has none."""
    text = f"{100 * share:+.1f}".removesuffix(".0")
    return text if text not in ("+0", "-0") else "0"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _in_order(verdicts: set[str]) -> list[str]:
    """As they are listed; what is no verdict stands last."""
    listed = [*map(str, MEANING), RIGHT, WRONG, NO_ANSWER]
    return sorted(verdicts, key=lambda name: (listed.index(name) if name in listed else len(listed), name))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
