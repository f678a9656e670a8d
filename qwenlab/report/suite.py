"""From one suite's answers to its figures. Pure: the same answers give the same figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from qwenlab.evaluation.item import Choice, Constrained, Item, Program, Reference, ShortAnswer
from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.samples import Sample, Side, same_throughout
from qwenlab.evaluation.scored import Scored
from qwenlab.evaluation.suites import Aim
from qwenlab.report.evidence import cause, count_causes
from qwenlab.report.schema import (
    NO_ANSWER,
    NO_PROGRAM,
    NOT_RUN,
    RIGHT,
    WRONG,
    Attempt,
    ItemRow,
    ItemSet,
    Kind,
    Metric,
    Outcome,
    SuiteReport,
)
from qwenlab.stats.intervals import rate
from qwenlab.stats.non_inferiority import non_inferiority
from qwenlab.stats.paired import (
    by_stratum,
    compare,
    compare_losses,
    compare_scores,
    noise_floor,
    pass_at_k,
    passed,
    transitions,
)
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.stats.types import (
    Comparison,
    LossComparison,
    NoiseFloor,
    NotMeasured,
    Rate,
    ScoreComparison,
    Stratum,
    Transitions,
)

KS = (1, 5, 10, 100)
"""The k of pass@k that are told, besides the number of answers itself."""

METRICS_OF: dict[Kind, tuple[Metric, ...]] = {
    "program": ("generation", "syntax", "pass"),
    "short_answer": ("answered", "right"),
    "constrained": ("right",),
    "choice": ("right",),
    "reference": (),
}

_Clusters = list[str] | None
_Attempts = Mapping[tuple[str, Side], tuple[Attempt, ...]]


class Results(NamedTuple):
    """What came of a suite's items."""

    items: Sequence[Item]
    """Of one kind."""
    samples: Sequence[Sample]
    """Of base and tuned, as many of each item, and perhaps of the base again; none where nothing was generated."""
    scored: Sequence[Scored]
    """What became of each sample, or of each side where there are none."""


def unmeasured(title: str, aim: Aim, asked: ItemSet, why: str) -> SuiteReport:
    """Of a suite that could not be asked."""
    return SuiteReport(
        title=title, aim=aim, kind=None, sentence="", verdict="not measured", why=why, n=0, samples=0, asked=asked
    )


def measured(
    title: str, aim: Aim, asked: ItemSet, results: Results, self_check: SelfCheck | NotMeasured | None
) -> SuiteReport:
    """All of a suite's figures. Its sentence and its verdict depend on the other suites and are still to be given.

    Args:
        self_check: of the sandbox that ran the programs, or why none was run; None: no suite asks for programs.
    """
    kind = results.items[0].task.kind
    attempts = _attempts(results)
    rows = tuple(_row(item, attempts) for item in results.items)
    clusters = _clusters(results.items)
    unjudged = self_check if isinstance(self_check, NotMeasured) else None
    metrics = {metric: _compared(metric, rows, clusters, unjudged) for metric in METRICS_OF[kind]}
    counted = kind != "reference"
    draft = SuiteReport(
        title=title,
        aim=aim,
        kind=kind,
        sentence="",
        verdict="not measured",
        n=len(rows),
        samples=len(rows[0].base),
        asked=asked,
        metrics=metrics,
        losses=None if counted else _losses(rows, clusters),
        detectable=smallest_detectable_gain(len(rows)) if counted else None,
        strata={metric: _strata(metric, rows) for metric, found in metrics.items() if isinstance(found, Comparison)},
        transitions=_transitions(rows) if counted else None,
        causes=count_causes(rows),
        notes=_same_answers(results.samples),
        rows=rows,
    )
    if not counted or (kind == "program" and unjudged):
        return draft.model_copy(update={"noise_floor": _noise_floor("generation", results.items, attempts)})
    before, after = _outcomes(draft.main, rows)
    return draft.model_copy(
        update={
            "pass_at_k": _pass_at_k(rows, clusters),
            "comparisons": _by_other_rules(rows, clusters) if _compares_outputs(results.items) else {},
            "retention": non_inferiority(before, after, clusters) if aim == "retention" else None,
            "noise_floor": _noise_floor(draft.main, results.items, attempts),
        }
    )


def outcome_of(metric: Metric, attempt: Attempt) -> bool | None:
    """Whether the answer has what the metric asks for; None where its program was not run, or the sandbox failed."""
    if metric in ("generation", "answered"):
        return bool(attempt.found)
    if metric == "syntax":
        return bool(attempt.found) and attempt.parses
    return attempt.right


def parsing_share(first_answers: Sequence[Attempt]) -> Rate:
    """Of the programs that were written."""
    written = [attempt.parses for attempt in first_answers if attempt.found]
    return rate(sum(written), len(written))


def _attempts(results: Results) -> _Attempts:
    """By item and side, in the order of the samples' numbers."""
    samples = {(one.item, one.model, one.sample): one for one in results.samples}
    kind = results.items[0].task.kind
    found: dict[tuple[str, Side], list[tuple[int, Attempt]]] = {}
    for line in results.scored:
        attempt = _attempt(samples.get((line.item, line.model, line.sample)), line, kind)
        found.setdefault((line.item, line.model), []).append((line.sample, attempt))
    return {key: tuple(attempt for _, attempt in sorted(numbered, key=_number)) for key, numbered in found.items()}


def _number(numbered: tuple[int, Attempt]) -> int:
    return numbered[0]


def _attempt(sample: Sample | None, line: Scored, kind: Kind) -> Attempt:
    """What the program's result is called, the attempt calls it too."""
    answered = {} if sample is None else sample.model_dump(exclude={"item", "model", "sample"})
    judged = {name: value for name, value in line.result or () if name in Attempt.model_fields}
    return Attempt(
        **{"answer": ""} | answered,
        found=line.found,
        rule=line.rule,
        parses=line.parses,
        right=line.right,
        shown=_shown(line, kind),
        loss=line.loss,
        cause=_cause(sample, line, kind),
        **judged,
    )


def _shown(line: Scored, kind: Kind) -> str:
    if kind == "program":
        return str(line.result.verdict) if line.result else (NOT_RUN if line.found else NO_PROGRAM)
    if kind == "reference":
        return "" if line.loss is None else f"loss {line.loss:.3f}"
    if line.right:
        return RIGHT
    return NO_ANSWER if kind == "short_answer" and not line.found else WRONG


def _cause(sample: Sample | None, line: Scored, kind: Kind) -> str | None:
    if kind == "program" and sample:
        return cause(line.found, line.rule, sample.truncated, line.parses, line.result, sample.cut_thinking)
    return None if line.right in (True, None) else line.fault or "another answer"


def _row(item: Item, attempts: _Attempts) -> ItemRow:
    base, tuned = attempts[item.name, "base"], attempts[item.name, "tuned"]
    return ItemRow(
        name=item.name,
        group=item.group,
        cluster=item.cluster,
        question=item.shown,
        wanted=_wanted(item),
        outcome=_outcome(base, tuned),
        base=base,
        tuned=tuned,
    )


def _wanted(item: Item) -> str:
    match item.task:
        case ShortAnswer(gold=gold):
            return gold
        case Choice(right=right):
            return right
        case Reference(answer=answer):
            return answer
        case Constrained(constraints=constraints):
            return ", ".join(one.name for one in constraints)
    return ""


def _outcome(base: Sequence[Attempt], tuned: Sequence[Attempt]) -> Outcome:
    """Whether any answer was right, before and after; of losses, which is lower."""
    first, second = base[0].loss, tuned[0].loss
    if first is not None and second is not None:
        return "neither" if first == second else "gained" if second < first else "lost"
    sides = [[attempt.right for attempt in side] for side in (base, tuned)]
    if any(set(side) == {None} for side in sides):
        return "not judged"
    before, after = (any(side) for side in sides)
    if before == after:
        return "both" if before else "neither"
    return "gained" if after else "lost"


def _clusters(items: Sequence[Item]) -> _Clusters:
    """Contests, or other families, where every item has one."""
    clusters = [item.cluster for item in items if item.cluster]
    return clusters if len(clusters) == len(items) else None


def _outcomes(metric: Metric, rows: Sequence[ItemRow]) -> tuple[list[bool | None], list[bool | None]]:
    return [outcome_of(metric, row.base[0]) for row in rows], [outcome_of(metric, row.tuned[0]) for row in rows]


def _compared(
    metric: Metric, rows: Sequence[ItemRow], clusters: _Clusters, unjudged: NotMeasured | None
) -> Comparison | NotMeasured:
    if metric == "pass" and unjudged:
        return unjudged
    return compare(*_outcomes(metric, rows), clusters)


def _losses(rows: Sequence[ItemRow], clusters: _Clusters) -> LossComparison:
    return compare_losses([row.base[0].loss for row in rows], [row.tuned[0].loss for row in rows], clusters)


def _transitions(rows: Sequence[ItemRow]) -> Transitions:
    before, after = ([getattr(row, side)[0].shown for row in rows] for side in ("base", "tuned"))
    return transitions([row.name for row in rows], before, after)


def _compares_outputs(items: Sequence[Item]) -> bool:
    """Functions are judged by assertions, which no rule of comparing outputs changes."""
    return any(isinstance(item.task, Program) and not item.task.problem.harness for item in items)


def _by_other_rules(rows: Sequence[ItemRow], clusters: _Clusters) -> dict[str, Comparison]:
    """`pass`, had outputs been compared otherwise."""
    by_rule: dict[str, Callable[[Attempt], bool | None]] = {
        "strict": lambda one: _accepted(one, one.strict),
        "deepmind": lambda one: _accepted(one, one.deepmind),
    }
    return {
        rule: compare([accepted(row.base[0]) for row in rows], [accepted(row.tuned[0]) for row in rows], clusters)
        for rule, accepted in by_rule.items()
    }


def _accepted(attempt: Attempt, verdict: Verdict | None) -> bool | None:
    return attempt.right if verdict is None else passed(verdict)


def _pass_at_k(rows: Sequence[ItemRow], clusters: _Clusters) -> dict[int, ScoreComparison]:
    """By k; nothing where there is one answer an item, of which `metrics` tells."""
    answers = len(rows[0].base)
    if answers == 1:
        return {}
    return {
        k: compare_scores([_estimate(row.base, k) for row in rows], [_estimate(row.tuned, k) for row in rows], clusters)
        for k in sorted({answers, *(k for k in KS if k <= answers)})
    }


def _estimate(attempts: Sequence[Attempt], k: int) -> float | None:
    judged = [attempt.right for attempt in attempts if attempt.right is not None]
    return pass_at_k(len(judged), sum(judged), k)


def _strata(metric: Metric, rows: Sequence[ItemRow]) -> tuple[Stratum, ...]:
    ordered = sorted(rows, key=lambda row: _how_difficult(row.group))
    return by_stratum(*_outcomes(metric, ordered), [row.group for row in ordered])


def _how_difficult(name: str) -> tuple[int, str]:
    """The easiest first: words by what they mean, letters and ratings (of which one is "below 1200") as they stand."""
    listed = ("easy", "medium", "hard")
    return (listed.index(name) if name in listed else -name.startswith("below"), name)


def _noise_floor(metric: Metric, items: Sequence[Item], attempts: _Attempts) -> NoiseFloor | None:
    """Base against base."""
    if not any(side == "base_again" for _, side in attempts):
        return None
    first, second = (
        [outcome_of(metric, attempts[item.name, side][0]) for item in items] for side in ("base", "base_again")
    )
    return noise_floor(first, second)


def _same_answers(samples: Sequence[Sample]) -> tuple[str, ...]:
    same = same_throughout(samples)
    said = "of base and tuned are the same, letter for letter: the training has not changed what the model says here."
    return (f"All {same} answers {said}",) if same else ()
