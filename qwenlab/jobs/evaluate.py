"""Evaluating as a job: the problems, what they can show, the answers, the verdicts, the report."""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qwenlab.answering.answerer import Answerer
from qwenlab.errors import UserError
from qwenlab.evaluation.generation import generate_samples, in_order, plan, unanswered
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.scoring import Judged, score_samples
from qwenlab.evaluation.programs.selfcheck.select import FitSandbox, NoSandbox, fit_sandbox
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.files import read_lines, rewrite_lines
from qwenlab.inference.runs import local_answerer
from qwenlab.recipe import EvaluateSettings, read_recipe
from qwenlab.report.advice import TrainingFacts
from qwenlab.report.build import build_report
from qwenlab.report.criteria import detectable_sentence
from qwenlab.report.render import write
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status, find_run
from qwenlab.runs.evaluation import newest, unfinished
from qwenlab.runs.mode import check_mode, said
from qwenlab.runs.output import Output
from qwenlab.runs.progress import PhaseProgress, StopRequested
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.stats.types import NotMeasured

__all__ = ["begin", "evaluate", "find_run", "newest", "read_recipe", "unfinished"]


def begin(
    run: Run,
    settings: EvaluateSettings,
    *,
    noise_floor: bool = False,
    all_tests: bool = False,
    endpoint: str | None = None,
    base_model: str | None = None,
    tuned_model: str | None = None,
) -> Evaluation:
    """A new evaluation of the run, not yet worked on.

    Args:
        noise_floor: the base answers twice, to see what flips by itself (an A/A run).
        all_tests: go on after a test that was not accepted.
        endpoint: address of an OpenAI-compatible server that answers in place of a model in memory.
        base_model: what the server calls the base.
        tuned_model: what the server calls the tuned model.

    Raises:
        UserError: there is no adapter, several answers would be the same, or the run's mode of thinking was changed.
    """
    if not endpoint and not run.adapter.exists():
        raise UserError(f"{run.name} has delivered no adapter yet.", f"python -m qwenlab.train --resume {run.name}")
    if settings.samples > 1 and settings.temperature == 0:
        raise UserError(
            f"{settings.samples} answers a problem at temperature 0 would be {settings.samples} times the same.",
            "Add --set evaluate.temperature=0.8, or ask for one answer.",
        )
    return Evaluation.create(
        run,
        settings,
        noise_floor=noise_floor,
        all_tests=all_tests,
        endpoint=endpoint,
        base_model=base_model,
        tuned_model=tuned_model,
        thinking=check_mode(run),
    )


def evaluate(evaluation: Evaluation, run: Run, runs: Path, *, rejudge: bool = False) -> Report | None:
    """Work on the evaluation to its report; None where it was stopped.

    Args:
        runs: the folder of all runs, where the GPU queue is.
        rejudge: judge the answers again that are there.

    Raises:
        UserError: something in the way that the user can fix; the evaluation is marked as failed, and can be resumed.
    """
    with evaluation.owned(), Output(evaluation.log_file) as output:
        evaluation.update(status=Status.running, finished=None, error=None)
        try:
            with output.heard():
                report = _work(evaluation, run, runs, rejudge, output)
        except (KeyboardInterrupt, StopRequested):
            _end(evaluation, Status.stopped)
            output.say(f"Stopped. Go on with: python -m qwenlab.evaluate {run.name} --resume --runs {runs}")
            return None
        except BaseException as error:
            output.log(error.message if isinstance(error, UserError) else traceback.format_exc())
            _end(evaluation, Status.failed, str(error) or type(error).__name__)
            raise
        _end(evaluation, Status.finished)
        _tell(report, evaluation, output)
        return report


def _end(evaluation: Evaluation, status: str, error: str | None = None) -> None:
    evaluation.update(status=status, finished=datetime.now(UTC).astimezone(), error=error, eta_s=None)


def _work(evaluation: Evaluation, run: Run, runs: Path, rejudge: bool, output: Output) -> Report:
    """The problems, what they can show, the answers, the verdicts, the report."""
    if not rejudge:
        _check_same_mode(evaluation, run)
    problems = _problems(evaluation, output)
    output.say(detectable_sentence(smallest_detectable_gain(len(problems))))
    if not rejudge:
        with fit_sandbox() as found:
            _tell_sandbox(found, output)  # now, and not after hours of generating
    samples = _answers(evaluation, run, runs, problems, output)
    if rejudge:
        evaluation.judged_file.unlink(missing_ok=True)
    evaluation.update(phase="judging", done=0, total=len(samples), tokens_per_second=None, eta_s=None)
    with fit_sandbox() as found:
        if rejudge:
            _tell_sandbox(found, output)
        judged = _verdicts(evaluation, problems, samples, found, output)
        evaluation.update(phase="reporting")
        return _report(evaluation, run, problems, samples, judged, found)


def _check_same_mode(evaluation: Evaluation, run: Run) -> None:
    """All answers of an evaluation must be asked for in one mode, which is the run's own."""
    before, now = evaluation.read().thinking, check_mode(run)
    if now != before:
        raise UserError(
            f"This evaluation began with {said(before)}, and {run.record_file} now says {said(now)}.",
            "Undo the change there, or begin a new one: leave --resume out.",
        )


def _problems(evaluation: Evaluation, output: Output) -> tuple[Problem, ...]:
    """As they were frozen when the evaluation began; else from their source."""
    settings = evaluation.read().settings
    if not evaluation.problems_file.exists():
        benchmark = load_benchmark(settings.problems, settings.limit, settings.max_tests, settings.seed)
        evaluation.update(problem_set=benchmark.facts())
        rewrite_lines(evaluation.problems_file, benchmark.problems)
    problems = tuple(read_lines(evaluation.problems_file, Problem))
    facts = evaluation.read().problem_set
    left_out = "".join(f", {len(names)} left out: {reason}" for reason, names in facts["left_out"].items())
    output.say(f"{len(problems)} of {facts['available']} problems of {facts['source']}{left_out}")
    return problems


def _tell_sandbox(found: FitSandbox | NoSandbox, output: Output) -> None:
    if isinstance(found, NoSandbox):
        output.say(f'No program will be run, and pass@k will read "not measured". {found.reason}')
        output.say(f"To fix this: {found.mend}")
        return
    check = found.self_check
    output.say(
        f"Judge verified: {len(check.checks)} of {len(check.checks)} checks in {check.seconds:.1f} s. "
        f"{check.backend} {check.version}, {check.interpreter}."
    )


def _answers(
    evaluation: Evaluation, run: Run, runs: Path, problems: tuple[Problem, ...], output: Output
) -> list[Sample]:
    """Of base and tuned; what an earlier process has answered is not asked again."""
    record, path = evaluation.read(), evaluation.samples_file
    batches = plan(problems, record.settings.samples, record.settings.batch_size, record.noise_floor)
    served = record.endpoint is not None
    todo = unanswered(batches, path, parts=served)
    total, left = (sum(len(batch.units) for batch in part) for part in (batches, todo))
    if left:
        if record.thinking is not None:
            output.say(f"base and tuned are asked with {said(record.thinking)}")
        with (
            _answerer(evaluation, run, runs, output) as answerer,
            PhaseProgress(evaluation, output, "generating", total, total - left) as following,
        ):

            def progress(side: Side, samples: list[Sample], seconds: float) -> None:
                tokens = sum(sample.tokens for sample in samples)
                _spend(evaluation, side, tokens, seconds)
                following.more(len(samples), tokens)

            generate_samples(todo, answerer, record.settings, path, progress, record.thinking, parts=served)
    return in_order(batches, path)


@contextmanager
def _answerer(evaluation: Evaluation, run: Run, runs: Path, output: Output) -> Iterator[Answerer]:
    """One loaded model with the adapter on and off, which has its turn at the GPU; or a server."""
    record = evaluation.read()
    if record.endpoint:
        models = {
            "base": [record.base_model] if record.base_model else ["base", run.recipe.model.name],
            "tuned": [record.tuned_model] if record.tuned_model else [run.name, "adapter"],
        }
        from qwenlab.answering.remote import remote_answerer

        with remote_answerer(record.endpoint, models) as server:
            base, tuned = (model.id for model in server.models.values())
            if base == tuned:
                raise UserError(f"{base} would be compared with itself.", "Name another with --tuned-model.")
            evaluation.update(stamps={side: server.stamp(side) | {"thinking": record.thinking} for side in models})
            output.say(f"answering: {base} and {tuned} at {server.url}")
            yield server
        return

    def waiting(ahead: list[str]) -> None:
        evaluation.update(phase="waiting for the GPU")
        output.say(f"waiting for the GPU: {', then '.join(ahead)}")

    with local_answerer(runs, {"tuned": run}, f"evaluate-{run.name}", waiting) as answerer:
        stamps = {side: answerer.stamp(side) | {"thinking": record.thinking} for side in ("base", "tuned")}
        _check_same(evaluation.read().stamps, stamps)
        evaluation.update(stamps=stamps)
        yield answerer


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """A resumed evaluation must be answered by what began it."""
    for side, stamp in before.items():
        for key in ("weights_sha256", "adapter_sha256", "template_sha256", "dtype"):
            if stamp[key] != now[side][key]:
                raise UserError(
                    f"The {side} model is not what began this evaluation: its {key} is another.",
                    "Begin a new one: leave --resume out.",
                )


def _spend(evaluation: Evaluation, side: Side, tokens: int, seconds: float) -> None:
    spent = {name: part.model_dump() for name, part in evaluation.read().spent.items()}
    earlier = spent.get(side, {"tokens": 0, "seconds": 0.0})
    spent[side] = {"tokens": earlier["tokens"] + tokens, "seconds": earlier["seconds"] + seconds}
    evaluation.update(spent=spent)


def _verdicts(
    evaluation: Evaluation,
    problems: tuple[Problem, ...],
    samples: list[Sample],
    found: FitSandbox | NoSandbox,
    output: Output,
) -> list[Judged]:
    record = evaluation.read()
    sandbox = None if isinstance(found, NoSandbox) else found.sandbox
    began = time.monotonic()
    with (
        Parser(sandbox.interpreter if sandbox else judging_interpreter()) as parser,
        PhaseProgress(evaluation, output, "judging", len(samples), 0) as following,
    ):
        judged = score_samples(
            samples,
            {problem.name: problem for problem in problems},
            parser,
            sandbox,
            JudgeSettings(all_tests=record.all_tests),
            evaluation.judged_file,
            following.reach,
        )
    evaluation.update(judging_seconds=record.judging_seconds + time.monotonic() - began)
    return judged


def _report(
    evaluation: Evaluation,
    run: Run,
    problems: tuple[Problem, ...],
    samples: list[Sample],
    judged: list[Judged],
    found: FitSandbox | NoSandbox,
) -> Report:
    """Build it and write it, as JSON, as Markdown and as a page."""
    report = build_report(
        problems,
        samples,
        judged,
        self_check=NotMeasured(why=f"{found.reason} To fix this: {found.mend}")
        if isinstance(found, NoSandbox)
        else found.self_check,
        training=TrainingFacts(run.events, run.recipe) if run.events else None,
        run=run.name,
        record=evaluation.read(),
    )
    write(report, evaluation.folder)
    return report


def _tell(report: Report, evaluation: Evaluation, output: Output) -> None:
    """The criteria, where the report is, and at last the answer."""
    for criterion in report.criteria:
        noise = f"; {criterion.noise}" if criterion.noise else ""
        output.say(f"{criterion.name}: {criterion.status}. {criterion.figures}{noise}")
    for advice in report.advice:
        output.say(f"{advice.about}: {advice.text} ({advice.evidence})")
    output.say(f"report {evaluation.page_file}")
    output.say(report.sentence)
