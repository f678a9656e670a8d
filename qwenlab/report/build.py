"""From answers and verdicts to the report's figures. Pure: the same answers give the same figures."""

from collections.abc import Callable, Mapping, Sequence

from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.programs.scoring import Judged
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.report.advice import TrainingFacts, advise
from qwenlab.report.criteria import criteria, sentence
from qwenlab.report.evidence import cause, count_causes, curve, stability
from qwenlab.report.schema import METRICS, Attempt, Cost, Curve, Metric, Outcome, ProblemRow, ProblemSet, Report
from qwenlab.runs.evaluation import EvaluationRecord
from qwenlab.stats.intervals import rate
from qwenlab.stats.paired import by_stratum, compare, compare_scores, noise_floor, pass_at_k, passed, transitions
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.stats.types import Comparison, NoiseFloor, NotMeasured, Rate, ScoreComparison, Stratum

KS = (1, 5, 10, 100)
"""The k of pass@k that are told, besides the number of answers itself."""


def build_report(
    problems: Sequence[Problem],
    samples: Sequence[Sample],
    judged: Sequence[Judged],
    self_check: SelfCheck | NotMeasured,
    training: TrainingFacts | None,
    run: str,
    record: EvaluationRecord,
) -> Report:
    """The report of one evaluation.

    Args:
        samples: of base and tuned, as many of each problem, and perhaps of the base again.
        judged: what became of each sample, in the same order.
        self_check: of the sandbox that ran the programs, or why none was run.
        training: what the run's events say; None: nothing is known of the training.
        run: the run's name.
        record: what was asked of whom, and what it took.
    """
    attempts = _attempts(samples, judged)
    rows = tuple(_row(problem, attempts) for problem in problems)
    clusters = _clusters(problems)
    metrics = {metric: _compared(metric, rows, clusters, self_check) for metric in METRICS}
    scores = _pass_at_k(rows, clusters) if isinstance(self_check, SelfCheck) else {}
    headline: Comparison | ScoreComparison | NotMeasured = scores[1] if scores else metrics["pass"]
    names = [row.name for row in rows]
    verdicts = [[attempt.shown for attempt in side] for side in _first_attempts(rows)]
    return Report(
        sentence=sentence(headline),
        n=len(rows),
        samples=len(rows[0].base),
        metrics=metrics,
        pass_at_k=scores,
        comparisons=_by_other_rules(rows, clusters) if isinstance(self_check, SelfCheck) else {},
        criteria=criteria(
            generation=_after(metrics["generation"]),
            improvement=headline,
            stability=stability(training.events) if training else NotMeasured(why="the training is not known"),
            syntax=_parsing_share(rows),
        ),
        self_check=self_check,
        detectable=smallest_detectable_gain(len(rows)),
        strata={metric: _strata(metric, rows) for metric in METRICS if isinstance(metrics[metric], Comparison)},
        transitions=transitions(names, *verdicts),
        noise_floor=_noise_floor(problems, attempts, self_check),
        causes=count_causes(rows),
        advice=advise(training, rows, metrics),
        curve=curve(training.events) if training else Curve(),
        problems=rows,
        run=run,
        created=record.created,
        command=record.command,
        stamps=record.stamps,
        problem_set=ProblemSet.model_validate(record.problem_set),
        settings=record.settings.model_dump(),
        thinking=record.thinking,
        all_tests=record.all_tests,
        cost=_cost(samples, record),
        judging_seconds=record.judging_seconds,
    )


def outcome_of(metric: Metric, attempt: Attempt) -> bool | None:
    """Whether the answer has what the metric asks for; None where its program was not run, or the sandbox failed."""
    if metric == "generation":
        return bool(attempt.code)
    if metric == "syntax":
        return bool(attempt.code) and attempt.parses
    return _accepted(attempt, attempt.verdict)


def _accepted(attempt: Attempt, verdict: Verdict | None) -> bool | None:
    """No program is a failure; one that was not run is not known to be."""
    if verdict is None:
        return None if attempt.code else False
    return passed(verdict)


_Attempts = Mapping[tuple[str, Side], tuple[Attempt, ...]]


def _attempts(samples: Sequence[Sample], judged: Sequence[Judged]) -> _Attempts:
    """By problem and side, in the order of the samples' numbers."""
    found: dict[tuple[str, Side], list[tuple[int, Attempt]]] = {}
    for sample, line in zip(samples, judged, strict=True):
        found.setdefault((sample.problem, sample.model), []).append((sample.sample, _attempt(sample, line)))
    return {key: tuple(attempt for _, attempt in sorted(numbered, key=_number)) for key, numbered in found.items()}


def _number(numbered: tuple[int, Attempt]) -> int:
    return numbered[0]


def _attempt(sample: Sample, line: Judged) -> Attempt:
    """What the program's result is called, the attempt calls it too."""
    result = line.result
    judged = {name: value for name, value in result or () if name in Attempt.model_fields}
    return Attempt(
        answer=sample.answer,
        reasoning=sample.reasoning,
        code=line.code,
        rule=line.rule,
        truncated=sample.truncated,
        cut_thinking=sample.cut_thinking,
        parses=line.parses,
        tokens=sample.tokens,
        cause=cause(line.code, line.rule, sample.truncated, line.parses, result, sample.cut_thinking),
        **judged,
    )


def _row(problem: Problem, attempts: _Attempts) -> ProblemRow:
    base, tuned = attempts[problem.name, "base"], attempts[problem.name, "tuned"]
    return ProblemRow(
        name=problem.name,
        difficulty=problem.difficulty,
        contest=problem.contest,
        description=problem.description,
        outcome=_outcome(base, tuned),
        base=base,
        tuned=tuned,
    )


def _outcome(base: Sequence[Attempt], tuned: Sequence[Attempt]) -> Outcome:
    """Whether any answer passed, before and after."""
    sides = [[outcome_of("pass", attempt) for attempt in side] for side in (base, tuned)]
    if any(set(side) == {None} for side in sides):
        return "not judged"
    before, after = (any(side) for side in sides)
    if before == after:
        return "both" if before else "neither"
    return "gained" if after else "lost"


def _first_attempts(rows: Sequence[ProblemRow]) -> tuple[list[Attempt], list[Attempt]]:
    return [row.base[0] for row in rows], [row.tuned[0] for row in rows]


def _clusters(problems: Sequence[Problem]) -> list[str] | None:
    """Contests, where every problem has one."""
    contests = [problem.contest for problem in problems if problem.contest]
    return contests if len(contests) == len(problems) else None


def _outcomes(metric: Metric, rows: Sequence[ProblemRow]) -> tuple[list[bool | None], list[bool | None]]:
    base, tuned = _first_attempts(rows)
    return [outcome_of(metric, one) for one in base], [outcome_of(metric, one) for one in tuned]


def _compared(
    metric: Metric, rows: Sequence[ProblemRow], clusters: list[str] | None, self_check: SelfCheck | NotMeasured
) -> Comparison | NotMeasured:
    if metric == "pass" and isinstance(self_check, NotMeasured):
        return self_check
    return compare(*_outcomes(metric, rows), clusters)


def _by_other_rules(rows: Sequence[ProblemRow], clusters: list[str] | None) -> dict[str, Comparison]:
    """`pass`, had outputs been compared otherwise."""
    base, tuned = _first_attempts(rows)
    by_rule: dict[str, Callable[[Attempt], bool | None]] = {
        "strict": lambda one: _accepted(one, one.strict),
        "deepmind": lambda one: _accepted(one, one.deepmind),
    }
    return {
        rule: compare([*map(accepted, base)], [*map(accepted, tuned)], clusters) for rule, accepted in by_rule.items()
    }


def _pass_at_k(rows: Sequence[ProblemRow], clusters: list[str] | None) -> dict[int, ScoreComparison]:
    """By k; nothing where there is one answer a problem, of which `metrics` tells."""
    answers = len(rows[0].base)
    if answers == 1:
        return {}
    return {
        k: compare_scores([_estimate(row.base, k) for row in rows], [_estimate(row.tuned, k) for row in rows], clusters)
        for k in sorted({answers, *(k for k in KS if k <= answers)})
    }


def _estimate(attempts: Sequence[Attempt], k: int) -> float | None:
    judged = [one for one in (outcome_of("pass", attempt) for attempt in attempts) if one is not None]
    return pass_at_k(len(judged), sum(judged), k)


def _after(compared: Comparison | NotMeasured) -> Rate | NotMeasured:
    return compared.after if isinstance(compared, Comparison) else compared


def _parsing_share(rows: Sequence[ProblemRow]) -> Rate:
    """Of the programs that the tuned model wrote."""
    written = [attempt.parses for attempt in _first_attempts(rows)[1] if attempt.code]
    return rate(sum(written), len(written))


def _strata(metric: Metric, rows: Sequence[ProblemRow]) -> tuple[Stratum, ...]:
    ordered = sorted(rows, key=lambda row: _how_difficult(row.difficulty))
    return by_stratum(*_outcomes(metric, ordered), [row.difficulty for row in ordered])


def _how_difficult(name: str) -> tuple[int, str]:
    """The easiest first: words by what they mean, letters and ratings (of which one is "below 1200") as they stand."""
    listed = ("easy", "medium", "hard")
    return (listed.index(name) if name in listed else -name.startswith("below"), name)


def _noise_floor(
    problems: Sequence[Problem], attempts: _Attempts, self_check: SelfCheck | NotMeasured
) -> NoiseFloor | None:
    """Base against base: of `pass` where programs were run, else of `generation`."""
    if not any(side == "base_again" for _, side in attempts):
        return None
    metric: Metric = "pass" if isinstance(self_check, SelfCheck) else "generation"
    first, second = (
        [outcome_of(metric, attempts[problem.name, side][0]) for problem in problems] for side in ("base", "base_again")
    )
    return noise_floor(first, second)


def _cost(samples: Sequence[Sample], record: EvaluationRecord) -> dict[str, Cost]:
    """Tokens are counted from the answers: a kill may lose what was noted beside them."""
    return {
        side: Cost(tokens=sum(one.tokens for one in samples if one.model == side), seconds=spent.seconds)
        for side, spent in record.spent.items()
    }
