"""From the answers to all suites to the report. Pure: the same answers give the same figures."""

from collections.abc import Mapping, Sequence

from qwenlab.evaluation.programs.results import SelfCheck
from qwenlab.evaluation.samples import Sample
from qwenlab.report.advice import TrainingFacts, advise
from qwenlab.report.criteria import Criterion, criteria
from qwenlab.report.evidence import curve, stability
from qwenlab.report.schema import Cost, Curve, ItemSet, Report, SuiteReport, Trained
from qwenlab.report.sentences import headline, suite_sentence
from qwenlab.report.suite import Results, measured, parsing_share, unmeasured
from qwenlab.runs.drift import Drift
from qwenlab.runs.evaluation import EvaluationRecord
from qwenlab.stats.types import Comparison, NotMeasured, Rate
from qwenlab.stats.verdicts import Measured, judge

CONTESTS = ("code_contests", "tiny")
"""The suites that the training decisions' success criteria are about."""


def build_report(
    results: Mapping[str, Results],
    self_check: SelfCheck | NotMeasured | None,
    training: TrainingFacts | None,
    run: str,
    record: EvaluationRecord,
    drift: Drift | None = None,
    trained: Trained | None = None,
) -> Report:
    """The report of one evaluation.

    Args:
        results: by suite; those of `record.suites` that could not be asked are not there.
        self_check: of the sandbox that ran the programs, or why none was run; None: no suite asks for programs.
        training: what the run's events say; None: nothing is known of the training.
        run: the run's name.
        record: what was asked of whom, and what it took.
        drift: how far the adapter has moved the model; None: it is not known.
        trained: what was trained on what; None: it is not known.
    """
    suites = _judged({name: _draft(facts, results.get(name), self_check) for name, facts in record.suites.items()})
    return Report(
        sentence=headline([suite.sentence for suite in suites.values()]),
        suites=suites,
        criteria=_criteria(suites, training),
        self_check=self_check,
        drift=drift,
        trained=trained,
        advice=advise(training, suites),
        curve=curve(training.events) if training else Curve(),
        run=run,
        created=record.created,
        command=record.command,
        stamps=record.stamps,
        settings=record.settings.model_dump(mode="json"),
        thinking=record.thinking,
        all_tests=record.all_tests,
        cost=_cost([sample for found in results.values() for sample in found.samples], record),
        judging_seconds=record.judging_seconds,
    )


def _draft(
    facts: Mapping[str, object], results: Results | None, self_check: SelfCheck | NotMeasured | None
) -> SuiteReport:
    known = dict(facts)
    title, aim, why = (known.pop(key, "") for key in ("title", "aim", "why"))
    asked = ItemSet.model_validate(known)
    named = {"title": title, "aim": aim, "asked": asked}
    return measured(**named, results=results, self_check=self_check) if results else unmeasured(**named, why=why)  # type: ignore[arg-type]


def _judged(drafts: Mapping[str, SuiteReport]) -> dict[str, SuiteReport]:
    """With their verdicts, which hold for all of them together, and their sentences."""
    verdicts = judge({name: Measured(suite.change, suite.retention) for name, suite in drafts.items()})
    alone = len(drafts) == 1
    return {
        name: suite.model_copy(
            update={
                "verdict": verdicts[name].verdict,
                "p_adjusted": verdicts[name].p_adjusted,
                "retention_p_adjusted": verdicts[name].retention_p_adjusted,
                "sentence": suite_sentence(None if alone else suite.title, suite.change, verdicts[name]),
            }
        )
        for name, suite in drafts.items()
    }


def _criteria(suites: Mapping[str, SuiteReport], training: TrainingFacts | None) -> tuple[Criterion, ...]:
    contest = next((suites[name] for name in CONTESTS if name in suites and suites[name].rows), None)
    if contest is None:
        return ()
    return criteria(
        generation=_after(contest.metrics["generation"]),
        improvement=contest.change,
        stability=stability(training.events) if training else NotMeasured(why="the training is not known"),
        syntax=parsing_share([row.tuned[0] for row in contest.rows]),
        base_syntax=parsing_share([row.base[0] for row in contest.rows]),
    )


def _after(compared: Comparison | NotMeasured) -> Rate | NotMeasured:
    return compared.after if isinstance(compared, Comparison) else compared


def _cost(samples: Sequence[Sample], record: EvaluationRecord) -> dict[str, Cost]:
    """Tokens are counted from the answers: a kill may lose what was noted beside them."""
    return {
        side: Cost(tokens=sum(one.tokens for one in samples if one.model == side), seconds=spent.seconds)
        for side, spent in record.spent.items()
    }
