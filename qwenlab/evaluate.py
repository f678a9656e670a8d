"""Did the training help? Base and tuned answer the same problems, every program is run, and the difference is weighed.

    python -m qwenlab.evaluate RUN
    python -m qwenlab.evaluate RUN --problems problems.jsonl --limit 100
    python -m qwenlab.evaluate RUN --resume
    python -m qwenlab.evaluate RUN --endpoint http://127.0.0.1:8000/v1

Exit code 0: evaluated, whatever the outcome, or stopped as asked; 2: something that you can mend; 1: a bug.
"""

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.evaluation import Problem
    from qwenlab.evaluation.benchmark import Benchmark
    from qwenlab.evaluation.generation import Batch
    from qwenlab.evaluation.results import NotMeasured
    from qwenlab.evaluation.samples import Sample, Side
    from qwenlab.evaluation.scoring import Judged
    from qwenlab.evaluation.selfcheck.select import FitSandbox
    from qwenlab.recipe import EvaluateSettings
    from qwenlab.report.schema import Report
    from qwenlab.runs import Evaluation, Run
    from qwenlab.runs.output import Output


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, part of its name, or `last`.")],
    problems: Annotated[
        str | None, typer.Option(help="Instead of the recipe's: a .jsonl or .parquet file, a hub data set, `tiny`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="How many problems, drawn by seed; 0: all.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Answers a problem and model, for pass@k.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting of the recipe.")
    ] = None,
    noise_floor: Annotated[
        bool, typer.Option("--noise-floor", help="Let the base answer twice: what flips between the two is noise.")
    ] = False,
    all_tests: Annotated[bool, typer.Option("--all-tests", help="Go on after a test that was not accepted.")] = False,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Let an OpenAI-compatible server answer: http://127.0.0.1:8000/v1")
    ] = None,
    base_model: Annotated[str | None, typer.Option(help="What the server calls the base.")] = None,
    tuned_model: Annotated[str | None, typer.Option(help="What the server calls the tuned model.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the evaluation that was stopped or lost.")
    ] = False,
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Judge the newest evaluation's answers again, without new ones.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Compare base and tuned on problems with hidden tests: programs run, statistics told, a report written."""
    from qwenlab.runs import find_run

    found = find_run(runs, run)
    changed = [*(set_ or []), *_settings_of(problems, limit, samples)]
    if resume or rejudge:
        from qwenlab.runs.evaluation import newest, unfinished

        if changed or endpoint or noise_floor or all_tests:
            raise UserError("It goes on with the settings that it began with.", "Leave the other options out.")
        evaluation = newest(found) if rejudge else unfinished(found)
    else:
        evaluation = _begin(found, changed, noise_floor, all_tests, endpoint, base_model, tuned_model)
    _evaluate(evaluation, found, runs, rejudge)


def _settings_of(problems: str | None, limit: int | None, samples: int | None) -> list[str]:
    given = {"problems": f'"{problems}"' if problems else None, "limit": limit, "samples": samples}
    return [f"evaluate.{key}={value}" for key, value in given.items() if value is not None]


def _begin(
    run: "Run",
    changed: list[str],
    noise_floor: bool,
    all_tests: bool,
    endpoint: str | None,
    base_model: str | None,
    tuned_model: str | None,
) -> "Evaluation":
    from qwenlab.recipe import read_recipe
    from qwenlab.runs import Evaluation

    settings = read_recipe(run.recipe_file, changed).evaluate
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
    )


def _evaluate(evaluation: "Evaluation", run: "Run", runs: Path, rejudge: bool) -> None:
    from qwenlab.runs import Status
    from qwenlab.runs.output import Output
    from qwenlab.runs.progress import StopRequested

    with evaluation.owned(), cli.terminated_as_interrupted(), Output(evaluation.log_file) as output:
        evaluation.update(status=Status.running, finished=None, error=None)
        try:
            with output.heard():
                report = _work(evaluation, run, runs, rejudge, output)
        except (KeyboardInterrupt, StopRequested):
            _end(evaluation, Status.stopped)
            output.say(f"Stopped. Go on with: python -m qwenlab.evaluate {run.name} --resume --runs {runs}")
            return
        except BaseException as error:
            output.log(error.message if isinstance(error, UserError) else traceback.format_exc())
            _end(evaluation, Status.failed, str(error) or type(error).__name__)
            raise
        _end(evaluation, Status.finished)
        _tell(report, evaluation, output)


def _end(evaluation: "Evaluation", status: str, error: str | None = None) -> None:
    evaluation.update(status=status, finished=datetime.now(UTC).astimezone(), error=error, eta_s=None)


def _work(evaluation: "Evaluation", run: "Run", runs: Path, rejudge: bool, output: "Output") -> "Report":
    """The problems, what they can show, the answers, the verdicts, the report."""
    from qwenlab.evaluation.selfcheck.select import fit_sandbox
    from qwenlab.report.criteria import detectable_sentence
    from qwenlab.stats.power import smallest_detectable_gain

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


def _problems(evaluation: "Evaluation", output: "Output") -> "tuple[Problem, ...]":
    """As they were frozen when the evaluation began; else from their source."""
    from qwenlab.evaluation import Problem
    from qwenlab.evaluation.benchmark import load_benchmark
    from qwenlab.files import read_lines, rewrite_lines

    settings = evaluation.read().settings
    if not evaluation.problems_file.exists():
        benchmark = (
            _bundled(settings)
            if settings.problems == "tiny"
            else load_benchmark(settings.problems, settings.limit, settings.max_tests, settings.seed)
        )
        evaluation.update(problem_set=benchmark.facts())
        rewrite_lines(evaluation.problems_file, benchmark.problems)
    problems = tuple(read_lines(evaluation.problems_file, Problem))
    facts = evaluation.read().problem_set
    left_out = "".join(f", {len(names)} left out: {reason}" for reason, names in facts["left_out"].items())
    output.say(f"{len(problems)} of {facts['available']} problems of {facts['source']}{left_out}")
    return problems


def _bundled(settings: "EvaluateSettings") -> "Benchmark":
    """The mini contest has as many problems as are asked for."""
    from qwenlab.evaluation.benchmark import Benchmark
    from qwenlab.tiny import problems

    count = settings.limit or 200
    return Benchmark(
        problems=tuple(problems("test", count, settings.seed)),
        source="tiny",
        version="",
        available=count,
        left_out={},
        tests_cut=0,
        contamination="The mini contest's test split shares no program and no sentence with what the tiny Qwen saw.",
    )


def _tell_sandbox(found: "FitSandbox | NotMeasured", output: "Output") -> None:
    from qwenlab.evaluation.results import NotMeasured

    if isinstance(found, NotMeasured):
        output.say(f'No program will be run, and pass@k will read "not measured". {found.reason}')
        output.say(f"What mends it: {found.mend}")
        return
    check = found.self_check
    output.say(
        f"Judge verified: {len(check.checks)} of {len(check.checks)} checks in {check.seconds:.1f} s. "
        f"{check.backend} {check.version}, {check.interpreter}."
    )


def _answers(
    evaluation: "Evaluation", run: "Run", runs: Path, problems: "tuple[Problem, ...]", output: "Output"
) -> "list[Sample]":
    """Of base and tuned; what an earlier process has answered is not asked again."""
    from qwenlab.evaluation.generation import TooLargeError, generate_samples, in_order, plan, unanswered
    from qwenlab.runs.progress import PhaseProgress

    record, path = evaluation.read(), evaluation.samples_file
    batches = plan(problems, record.settings.samples, record.settings.batch_size, record.noise_floor)
    todo = unanswered(batches, path)
    total, left = (sum(len(batch.units) for batch in part) for part in (batches, todo))
    if left:
        with (
            _answerer(evaluation, run, runs, output) as answer,
            PhaseProgress(evaluation, output, "generating", total, total - left) as following,
        ):

            def progress(side: "Side", samples: "list[Sample]", seconds: float) -> None:
                tokens = sum(sample.tokens for sample in samples)
                _spend(evaluation, side, tokens, seconds)
                following.more(len(samples), tokens)

            try:
                generate_samples(todo, answer, path, progress)
            except TooLargeError as error:
                raise UserError(
                    f"The GPU's memory is too small even for one answer at a time ({error}).",
                    "Set model.load_in_4bit = true in the recipe, or a smaller evaluate.max_new_tokens.",
                ) from None
    return in_order(batches, path)


@contextmanager
def _answerer(
    evaluation: "Evaluation", run: "Run", runs: Path, output: "Output"
) -> "Iterator[Callable[[Batch], list[Sample]]]":
    """One loaded model with the adapter on and off, which has its turn at the GPU; or a server."""
    record = evaluation.read()
    if record.endpoint:
        from qwenlab.answering.endpoint import Endpoint
        from qwenlab.evaluation.remote import EndpointAnswerer

        with Endpoint(record.endpoint) as server:
            names = (record.base_model, record.tuned_model, run.name, run.recipe.model.name)
            answerer = EndpointAnswerer.find(server, *names, record.settings)
            evaluation.update(stamps=answerer.stamps())
            output.say(f"answering: {answerer.base.id} and {answerer.tuned.id} at {server.url}")
            yield answerer
        return
    from qwenlab.runs import gpu_lock
    from qwenlab.runs.shared_base import shared_base

    settings, base = shared_base({run.name: run})

    def waiting(ahead: list[str]) -> None:
        evaluation.update(phase="waiting for the GPU")
        output.say(f"waiting for the GPU: {', then '.join(ahead)}")

    with gpu_lock(runs, f"evaluate-{run.name}", waiting):
        from qwenlab.inference.runs import load_runs

        loaded = load_runs({"tuned": run}, settings, base)
        from qwenlab.inference.local import ModelAnswerer

        stamps = {side: loaded.stamp(side)._asdict() for side in ("base", "tuned")}
        _check_same(evaluation.read().stamps, stamps)
        evaluation.update(stamps=stamps)
        yield ModelAnswerer(loaded, record.settings)


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """A resumed evaluation must be answered by what began it."""
    for side, stamp in before.items():
        for key in ("weights_sha256", "adapter_sha256", "template_sha256", "dtype"):
            if stamp[key] != now[side][key]:
                raise UserError(
                    f"The {side} model is not what began this evaluation: its {key} is another.",
                    "Begin a new one: leave --resume out.",
                )


def _spend(evaluation: "Evaluation", side: "Side", tokens: int, seconds: float) -> None:
    spent = {name: part.model_dump() for name, part in evaluation.read().spent.items()}
    earlier = spent.get(side, {"tokens": 0, "seconds": 0.0})
    spent[side] = {"tokens": earlier["tokens"] + tokens, "seconds": earlier["seconds"] + seconds}
    evaluation.update(spent=spent)


def _verdicts(
    evaluation: "Evaluation",
    problems: "tuple[Problem, ...]",
    samples: "list[Sample]",
    found: "FitSandbox | NotMeasured",
    output: "Output",
) -> "list[Judged]":
    from qwenlab.evaluation.results import JudgeSettings, NotMeasured
    from qwenlab.evaluation.sandbox.interpreter import judging_interpreter
    from qwenlab.evaluation.scoring import score_samples
    from qwenlab.evaluation.syntax import Parser
    from qwenlab.runs.progress import PhaseProgress

    record = evaluation.read()
    sandbox = None if isinstance(found, NotMeasured) else found.sandbox
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
    evaluation: "Evaluation",
    run: "Run",
    problems: "tuple[Problem, ...]",
    samples: "list[Sample]",
    judged: "list[Judged]",
    found: "FitSandbox | NotMeasured",
) -> "Report":
    """Build it and write it, as JSON, as Markdown and as a page."""
    from qwenlab.evaluation.results import NotMeasured
    from qwenlab.files import write_atomically
    from qwenlab.report.advice import TrainingFacts
    from qwenlab.report.build import About, build_report
    from qwenlab.report.pages import texts
    from qwenlab.report.schema import Cost, ProblemSet
    from qwenlab.stats.types import NotMeasured as Missing

    record = evaluation.read()
    report = build_report(
        problems,
        samples,
        judged,
        self_check=Missing(why=f"{found.reason} What mends it: {found.mend}")
        if isinstance(found, NotMeasured)
        else found.self_check,
        training=TrainingFacts(run.events, run.recipe) if run.events else None,
        about=About(
            run=run.name,
            created=record.created,
            command=record.command,
            stamps=record.stamps,
            problem_set=ProblemSet.model_validate(record.problem_set),
            settings=record.settings.model_dump(),
            all_tests=record.all_tests,
            cost={
                # Counted from the answers: a kill may lose what was noted beside them.
                side: Cost(tokens=sum(one.tokens for one in samples if one.model == side), seconds=spent.seconds)
                for side, spent in record.spent.items()
            },
            judging_seconds=record.judging_seconds,
        ),
    )
    for name, text in texts(report).items():
        write_atomically(evaluation.folder / name, text)
    return report


def _tell(report: "Report", evaluation: "Evaluation", output: "Output") -> None:
    """The criteria, where the report is, and at last the answer."""
    for criterion in report.criteria:
        noise = f"; {criterion.noise}" if criterion.noise else ""
        output.say(f"{criterion.name}: {criterion.status}. {criterion.figures}{noise}")
    for advice in report.advice:
        output.say(f"{advice.about}: {advice.text} ({advice.evidence})")
    output.say(f"report {evaluation.page_file}")
    output.say(report.sentence)


if __name__ == "__main__":
    cli.run(main, "qwenlab.evaluate")
