"""Evaluating as a job: the items of each suite, what they can show, the answers, the verdicts, the report."""

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from qwenlab.credentials import shown
from qwenlab.errors import UserError, outside_told
from qwenlab.evaluation.item import Program
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.selfcheck.select import FitSandbox, NoSandbox, fit_sandbox
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.evaluation.scoring import Runner, score
from qwenlab.evaluation.suites import find_suites
from qwenlab.jobs.evaluate.answers import Answers, answer
from qwenlab.jobs.evaluate.first_edition import move_into_suites
from qwenlab.jobs.evaluate.items import Suites, choose_items
from qwenlab.jobs.evaluate.pace import judging_seconds
from qwenlab.recipe import EvaluateSettings, read_recipe
from qwenlab.report.advice import TrainingFacts
from qwenlab.report.build import build_report
from qwenlab.report.drift import sentence as drift_sentence
from qwenlab.report.render import write
from qwenlab.report.schema import Report, Trained
from qwenlab.report.suite import Results
from qwenlab.runs import Evaluation, Run, Status, find_run
from qwenlab.runs.drift import Drift
from qwenlab.runs.evaluation import newest, unfinished
from qwenlab.runs.mode import check_mode, said
from qwenlab.runs.output import Output
from qwenlab.runs.progress import PhaseProgress, StopRequested
from qwenlab.stats.types import NotMeasured

__all__ = ["begin", "evaluate", "find_run", "newest", "read_recipe", "unfinished"]


def begin(
    run: Run,
    settings: EvaluateSettings,
    *,
    noise_floor: bool = False,
    all_tests: bool = False,
    answers: bool = False,
    endpoint: str | None = None,
    base_model: str | None = None,
    tuned_model: str | None = None,
) -> Evaluation:
    """A new evaluation of the run, not yet worked on.

    Args:
        noise_floor: the base answers twice, to see what flips by itself (an A/A run).
        all_tests: go on after a test that was not accepted.
        answers: generate answers to free text too, where a loss alone is measured.
        endpoint: address of an OpenAI-compatible server that answers in place of a model in memory.
        base_model: what the server calls the base.
        tuned_model: what the server calls the tuned model.

    Raises:
        UserError: there is no adapter, no such suite, several answers would be the same, the server's address has a
            password, or the run's mode of thinking was changed.
    """
    find_suites(settings.suites)
    if not endpoint and not run.adapter.exists():
        raise UserError(f"{run.name} has delivered no adapter yet.", f"python -m qwenlab.train --resume {run.name}")
    if endpoint and shown(endpoint) != endpoint:
        raise UserError(
            f"An evaluation keeps the address of its server, and {shown(endpoint)} is given with a password.",
            "Leave it out, and set OPENAI_API_KEY to what the server asks for.",
        )
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
        answers=answers,
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
        evaluation.update(status=Status.running, finished=None, error=None, share=None, eta_s=None)
        try:
            with outside_told(), output.heard():
                report = _work(evaluation, run, runs, rejudge, output)
        except (KeyboardInterrupt, StopRequested):
            _end(evaluation, Status.stopped)
            output.say(f"Stopped. Go on with: python -m qwenlab.evaluate {run.name} --resume --runs {runs}")
            return None
        except BaseException as error:
            with suppress(UserError), outside_told():  # a full disk holds no word on it either
                output.log(error.message if isinstance(error, UserError) else traceback.format_exc())
                _end(evaluation, Status.failed, str(error) or type(error).__name__)
            raise
        _end(evaluation, Status.finished)
        _tell(report, evaluation, output)
        return report


def _end(evaluation: Evaluation, status: str, error: str | None = None) -> None:
    evaluation.update(status=status, finished=datetime.now(UTC).astimezone(), error=error, eta_s=None)


def _work(evaluation: Evaluation, run: Run, runs: Path, rejudge: bool, output: Output) -> Report:
    """The items, what they can show, the answers, the verdicts, the report."""
    if not rejudge:
        _check_same_mode(evaluation, run)
    move_into_suites(evaluation)
    suites = choose_items(evaluation, run, output, begun_alone=rejudge)
    programs = any(isinstance(items[0].task, Program) for items in suites.values())
    private = _private(evaluation, runs)
    if programs and not rejudge:
        with fit_sandbox(private=private) as found:
            _tell_sandbox(found, output)  # now, and not after hours of generating
    answers = answer(evaluation, run, runs, suites, output, judging_seconds(run, suites, evaluation.read()))
    if rejudge:
        for name in suites:
            evaluation.suite(name).judged_file.unlink(missing_ok=True)
    with fit_sandbox(private=private) if programs else nullcontext() as found:
        if found and rejudge:
            _tell_sandbox(found, output)
        results = _judged(evaluation, run, suites, answers, found, output)
        evaluation.update(phase="reporting", eta_s=None)
        return _report(evaluation, run, results, found)


def _private(evaluation: Evaluation, runs: Path) -> list[Path]:
    """What no program may read: the runs, and the files that the items are from."""
    settings = evaluation.read().settings
    sources = (settings.problems, *(suite.partition("=")[2] for suite in settings.suites))
    return [runs, *(Path(source).expanduser() for source in sources if source)]


def _check_same_mode(evaluation: Evaluation, run: Run) -> None:
    """All answers of an evaluation must be asked for in one mode, which is the run's own."""
    before, now = evaluation.read().thinking, check_mode(run)
    if now != before:
        raise UserError(
            f"This evaluation began with {said(before)}, and {run.record_file} now says {said(now)}.",
            "Undo the change there, or begin a new one: leave --resume out.",
        )


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


def _judged(
    evaluation: Evaluation,
    run: Run,
    suites: Suites,
    answers: Mapping[str, Answers],
    found: FitSandbox | NoSandbox | None,
    output: Output,
) -> dict[str, Results]:
    """What became of every answer, suite by suite."""
    record = evaluation.read()
    total = sum(len(each.samples) + 2 * len(each.readings) for each in answers.values())
    began, done = time.monotonic(), 0
    results = {}
    asking, judging = sum(record.suite_seconds.values()), judging_seconds(run, suites, record)
    with (
        PhaseProgress(evaluation, output, "judging", total, 0, before_s=asking, expected_s=judging) as following,
        _runner(found, record.all_tests) as runner,
    ):
        for name, items in suites.items():
            samples, readings = answers[name]
            path = evaluation.suite(name).judged_file
            scored = score(items, samples, readings, runner, path, partial(_reach, following, done))
            done += len(scored)
            results[name] = Results(items, samples, scored)
    evaluation.update(judging_seconds=record.judging_seconds + time.monotonic() - began)
    return results


@contextmanager
def _runner(found: FitSandbox | NoSandbox | None, all_tests: bool) -> Iterator[Runner | None]:
    """What runs programs; None where no suite asks for any."""
    if found is None:
        yield None
        return
    sandbox = found.sandbox if isinstance(found, FitSandbox) else None
    with Parser(sandbox.interpreter if sandbox else judging_interpreter()) as parser:
        yield Runner(parser, sandbox, JudgeSettings(all_tests=all_tests))


def _reach(following: PhaseProgress, before: int, done: int) -> None:
    following.reach(before + done)


def _report(
    evaluation: Evaluation, run: Run, results: Mapping[str, Results], found: FitSandbox | NoSandbox | None
) -> Report:
    """Build it and write it, as JSON, as Markdown and as a page."""
    unfit = NotMeasured(why=f"{found.reason} To fix this: {found.mend}") if isinstance(found, NoSandbox) else None
    report = build_report(
        results,
        self_check=found.self_check if isinstance(found, FitSandbox) else unfit,
        training=TrainingFacts(run.events, run.recipe) if run.events else None,
        run=run.name,
        record=evaluation.read(),
        drift=_drift(evaluation, run),
        trained=_trained(run),
    )
    write(report, evaluation.folder)
    return report


def _drift(evaluation: Evaluation, run: Run) -> Drift | None:
    """That of the adapter that answered, where it has been measured."""
    adapter = evaluation.read().stamps.get("tuned", {}).get("adapter_sha256")
    found = run.drift
    return found if found and found.adapter_sha256 == adapter else None


def _trained(run: Run) -> Trained:
    """The training in a few words, from its recipe and its record."""
    recipe, record = run.recipe, run.read()
    machine = record.hardware
    return Trained(
        model=Path(recipe.model.name).name,
        data=Path(recipe.data.source).name,
        machine=(machine.gpu or machine.cpu) if machine else "",
        seconds=(record.finished - record.started).total_seconds() if record.started and record.finished else None,
    )


def _tell(report: Report, evaluation: Evaluation, output: Output) -> None:
    """The criteria, where the report is, and at last the answer."""
    for criterion in report.criteria:
        noise = f"; {criterion.noise}" if criterion.noise else ""
        output.say(f"{criterion.name}: {criterion.status}. {criterion.figures}{noise}")
    for advice in report.advice:
        output.say(f"{advice.about}: {advice.text} ({advice.evidence})")
    if report.drift:
        output.say(drift_sentence(report.drift))
    output.say(f"report {evaluation.page_file}")
    for suite in report.suites.values():
        output.say(suite.sentence)
