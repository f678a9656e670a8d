"""What of a report is told first: two figures of the suite that the run was trained for, and a few examples. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from qwenlab.report import tables
from qwenlab.report.schema import Attempt, ItemRow, Outcome, Point, Report, SuiteReport
from qwenlab.stats.types import (
    Comparison,
    Estimate,
    Interval,
    LossComparison,
    NotMeasured,
    Paired,
    Rate,
    ScoreComparison,
)
from qwenlab.stats.verdicts import Verdict
from qwenlab.text import duration

EXAMPLES = 3

COLOURS: dict[Verdict, str] = {
    "improved": "accent",
    "kept": "accent",
    "worse": "red",
    "not shown": "amber",
    "not measured": "amber",
}
"""By the names that the charts give them."""

WORDS: dict[Outcome, str] = {
    "gained": "learned",
    "lost": "forgotten",
    "both": "still right",
    "neither": "still wrong",
    "not judged": "not judged",
}
"""What became of an item that has right and wrong answers."""
OF_LOSSES: dict[Outcome, str] = WORDS | {"gained": "better", "lost": "worse", "neither": "unchanged"}
"""What became of a row whose own answer was found more or less likely."""


class Figure(NamedTuple):
    """One side's figure, and where it stands on a bar from 0 to 1."""

    shown: str
    place: float
    interval: Interval | None
    told: str
    """The interval in words; empty where there is none."""


class Example(NamedTuple):
    """An item before and after."""

    outcome: Outcome
    word: str
    question: str
    base: str
    tuned: str
    code: bool
    """The answers are programs, whose lines matter."""


class Summary(NamedTuple):
    """All that the result card says."""

    name: str
    """The suite's, as it is asked for."""
    title: str
    verdict: Verdict
    sentence: str
    others: tuple[tuple[Verdict, str], ...]
    """Of the other suites that were measured: the verdict and the sentence. What was forgotten is never left out."""
    asked: str
    """What the figures are of."""
    base: Figure | None
    """None: it was not measured."""
    tuned: Figure | None
    why: str
    """It was not measured."""
    gained: str
    lost: str
    """Empty: nothing was lost and nothing is said of it."""
    examples: tuple[Example, ...]
    validation: tuple[Point, ...]
    made: str
    """The model and its data."""
    took: str
    """The time and the machine."""
    when: str


def summarise(report: Report) -> Summary:
    """The report in brief."""
    name, suite = main_suite(report)
    change = suite.change
    base, tuned = _figures(change)
    words = words_of(suite)
    measured = change if isinstance(change, Paired) else None
    return Summary(
        name=name,
        title=suite.title,
        verdict=suite.verdict,
        sentence=suite.sentence,
        others=tuple(
            (other.verdict, other.sentence)
            for other in report.suites.values()
            if other is not suite and other.verdict != "not measured"
        ),
        asked=_asked(suite),
        base=base,
        tuned=tuned,
        why=change.why if isinstance(change, NotMeasured) else "" if base else "No item was judged.",
        gained=f"{measured.gained} {words['gained']}" if measured else "",
        lost=f"{measured.lost} {words['lost']}" if measured else "",
        examples=_examples(suite),
        validation=report.curve.validation,
        made=_made(report),
        took=_took(report),
        when=f"{report.created.day} {report.created:%b %Y}",
    )


def main_suite(report: Report) -> tuple[str, SuiteReport]:
    """The first that the run should improve and that was measured; else the first that was measured; else the first."""
    suites = list(report.suites.items())
    measured = [(name, suite) for name, suite in suites if suite.verdict != "not measured"]
    return next((each for each in measured if each[1].aim == "target"), (measured or suites)[0])


def words_of(suite: SuiteReport) -> dict[Outcome, str]:
    """What an outcome is called where the suite's items are shown."""
    return OF_LOSSES if suite.kind == "reference" else WORDS


def share(value: float) -> str:
    """Whole percents; with a decimal where they would read as none or all."""
    percents = 100 * value
    rounded = f"{percents:.0f}"
    hidden = (rounded == "0" and percents > 0) or (rounded == "100" and percents < 100)
    return f"{percents:.1f} %" if hidden else f"{rounded} %"


def _figures(change: Paired | NotMeasured) -> tuple[Figure | None, Figure | None]:
    if isinstance(change, Comparison):
        return _share(change.before), _share(change.after)
    if isinstance(change, ScoreComparison):
        return _score(change.before), _score(change.after)
    if isinstance(change, LossComparison) and change.before and change.after:
        sides = (change.before, change.after)
        most = max(bound for side in sides for bound in (side.value, *(side.interval or ()))) or 1.0
        first, second = (_loss(side, most) for side in sides)
        return first, second
    return None, None


def _share(rate: Rate) -> Figure | None:
    if rate.value is None:
        return None
    return Figure(share(rate.value), rate.value, rate.interval, _between(rate.interval))


def _score(score: Estimate | None) -> Figure | None:
    return Figure(share(score.value), score.value, score.interval, _between(score.interval)) if score else None


def _between(interval: Interval | None) -> str:
    return f"95 % interval {share(interval.low).removesuffix(' %')} to {share(interval.high)}" if interval else ""


def _loss(loss: Estimate, most: float) -> Figure:
    between = loss.interval
    return Figure(
        f"{loss.value:.3f}",
        loss.value / most,
        Interval(max(between.low / most, 0.0), between.high / most) if between else None,
        f"95 % interval {between.low:.3f} to {between.high:.3f}" if between else "",
    )


def _asked(suite: SuiteReport) -> str:
    counted = f"{suite.n:,} {tables.noun(suite, suite.n)}"
    if suite.kind == "reference":
        return f"{suite.title}: loss of their answers over {counted}, less is better"
    if not suite.n:
        return suite.title
    return f"{suite.title}: {'share solved' if suite.kind == 'program' else 'share right'} of {counted}"


def _examples(suite: SuiteReport) -> tuple[Example, ...]:
    """Of what was gained those that are read fastest; of what was lost one, so that no loss is hidden."""
    gained, lost = (_shortest(suite.rows, outcome) for outcome in ("gained", "lost"))
    chosen = [*gained[: EXAMPLES - len(lost[:1])], *lost[:1]]
    rest = [*lost[1:], *_shortest(suite.rows, "both"), *_shortest(suite.rows, "neither")]
    words = words_of(suite)
    return tuple(
        Example(
            outcome=row.outcome,
            word=words[row.outcome],
            question=row.question,
            base=_said(row.base[0], suite),
            tuned=_said(row.tuned[0], suite),
            code=suite.kind == "program",
        )
        for row in [*chosen, *rest][:EXAMPLES]
    )


def _shortest(rows: Sequence[ItemRow], outcome: Outcome) -> list[ItemRow]:
    found = [row for row in rows if row.outcome == outcome]
    return sorted(found, key=lambda row: len(row.question) + len(row.base[0].found) + len(row.tuned[0].found))


def _said(attempt: Attempt, suite: SuiteReport) -> str:
    """What the answer comes down to."""
    if suite.kind == "reference":
        return attempt.shown
    return attempt.found or attempt.answer or "(nothing)"


def _made(report: Report) -> str:
    trained = report.trained
    return f"{trained.model}, trained on {trained.data}" if trained else report.run


def _took(report: Report) -> str:
    trained, asked = report.trained, sum(side.seconds for side in report.cost.values()) + report.judging_seconds
    parts = []
    if trained and trained.seconds is not None:
        parts.append(f"trained in {duration(trained.seconds)}")
    parts.append(f"evaluated in {duration(asked)}")
    where = f" on {trained.machine}" if trained and trained.machine else ""
    told = " and ".join(parts) + where
    return told[0].upper() + told[1:]
