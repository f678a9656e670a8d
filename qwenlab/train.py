"""Fine-tune a LoRA adapter by a recipe.

    python -m qwenlab.train recipes/default.toml
    python -m qwenlab.train recipes/tiny.toml --set data.source=my.jsonl --dry-run
    accelerate launch --multi_gpu --num_processes 2 -m qwenlab.train recipes/default.toml

Exit code 0: finished, or stopped as asked; 2: something that you can mend; 1: a bug.
"""

import contextlib
import os
import signal
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.recipe import Recipe
    from qwenlab.runs import Run, Status
    from qwenlab.runs.output import Output
    from qwenlab.runs.resolve import Job
    from qwenlab.training import Engine
    from qwenlab.training.rows import Rows
    from qwenlab.training.trainer import Stopper

TOLD_EVERY = 20_000
"""Rows between two words on how far the tokenising is: some ten seconds."""


def main(
    recipe: Annotated[Path | None, typer.Argument(help="A recipe, for instance recipes/default.toml.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting of the recipe.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen: rows, steps, memory, engine. Nothing is loaded.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --dry-run: write the plan here as well, as JSON.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped or lost. RUN may be `last`.")
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on from a run's end with more epochs or steps: --set train.max_steps=..."),
    ] = None,
    start_from: Annotated[
        str | None, typer.Option(metavar="RUN", help="A new run that begins with another run's adapter.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    force: Annotated[
        bool, typer.Option("--force", help="Go on though versions, data or model are not what the run began with.")
    ] = False,
) -> None:
    """Fine-tune a LoRA adapter by a recipe: on the GPU with Unsloth, or on any CPU."""
    from qwenlab.runs.resolve import choose_job
    from qwenlab.training.distributed import check_shares, world

    if not world().is_first:
        if not dry_run:
            _assist()
        return
    if plan and not dry_run:
        raise UserError("--plan says what a dry run found.", "Add --dry-run.")
    job = choose_job(runs, recipe, set_ or [], resume=resume, extend=extend, start_from=start_from)
    check_shares(job.recipe)
    if dry_run:
        _tell_plan(job.recipe, plan, runs)
    else:
        _train(job, runs, force)


def _tell_plan(recipe: "Recipe", file: Path | None, runs: Path) -> None:
    from rich.console import Console
    from rich.rule import Rule

    from qwenlab.training import choose_engine

    engine = choose_engine(recipe.model)
    from qwenlab import data
    from qwenlab.data.terminal import funnel
    from qwenlab.recipe import recipe_toml
    from qwenlab.runs import gpu_waiting
    from qwenlab.training.environment import hardware
    from qwenlab.training.plan import make_plan, plan_record, plan_table
    from qwenlab.training.preflight import check_recipe
    from qwenlab.training.rows import lengths, make_rows
    from qwenlab.training.source import find_model, load_tokenizer

    source, machine = find_model(recipe.model, weights=False), hardware()
    check_recipe(recipe, engine, source, machine)
    if gpu_waiting(runs):  # what a run of ours holds will be free when this one's turn comes
        machine = machine.model_copy(update={"gpu_free_gb": None})
    rows, report = make_rows(data.load(recipe.data, recipe.train.seed), load_tokenizer(source), recipe.data.max_length)
    validation = rows.validation.num_rows if rows.validation else 0
    plan = make_plan(recipe, engine, machine, source, lengths(rows.train).to_list(), validation)
    console = Console(highlight=False)
    console.print(funnel(report))
    console.print(Rule("plan", align="left"), plan_table(plan, recipe))
    console.print(Rule("recipe", align="left"))
    console.print(recipe_toml(recipe), markup=False, soft_wrap=True)
    if file:
        plan_record(plan, recipe, report).write(file)


def _train(job: "Job", runs: Path, force: bool) -> None:
    from qwenlab.training import choose_engine

    engine = choose_engine(job.recipe.model)
    from qwenlab.runs import Run, Status
    from qwenlab.runs.output import Output
    from qwenlab.training.trainer import Stopper, check_trackers

    check_trackers(job.recipe)
    run = job.earlier or Run.create(runs, job.recipe, job.name)
    stopper = Stopper()
    with run.owned(), _interruptible(stopper), Output(run.log_file) as output:
        before = run.read()
        run.update(status=Status.queued, started=datetime.now(UTC).astimezone(), finished=None, error=None)
        try:
            with output.heard():
                status = _work(job, run, runs, force, engine, stopper, output)
        except KeyboardInterrupt:
            status = Status.stopped
            _end(run, status)
            output.say(f"Stopped at once. {_how_to_go_on(run)}")
        except BaseException as error:
            output.log(error.message if isinstance(error, UserError) else traceback.format_exc())
            if job.earlier and run.read().status is Status.queued:
                run.write(before)  # refused before it went on: it stands as it stood
            else:
                _end(run, Status.failed, error=str(error) or type(error).__name__)
            raise
        else:
            _end(run, status)
            _tell_result(run, status, output)


def _work(
    job: "Job", run: "Run", runs: Path, force: bool, engine: "Engine", stopper: "Stopper", output: "Output"
) -> "Status":
    """Data, then the turn at the GPU, then the training."""
    from qwenlab import data
    from qwenlab.data.terminal import funnel
    from qwenlab.runs import Status, gpu_lock
    from qwenlab.runs.events import StatusChange
    from qwenlab.runs.progress import Progress
    from qwenlab.training.distributed import world
    from qwenlab.training.environment import hardware, versions
    from qwenlab.training.manifest import Manifest, check_unchanged
    from qwenlab.training.plan import make_plan, plan_table
    from qwenlab.training.preflight import check_recipe, check_room
    from qwenlab.training.rows import lengths, make_rows
    from qwenlab.training.source import find_model, load_tokenizer
    from qwenlab.training.trainer import fit

    output.say(f"run {run.folder}")
    recipe, machine = job.recipe, hardware()
    check_recipe(recipe, engine, find_model(recipe.model, weights=False), machine)
    source = find_model(recipe.model)
    tokenizer = load_tokenizer(source)
    dataset = data.load(recipe.data, recipe.train.seed)

    def tokenised(done: int) -> None:
        if done % TOLD_EVERY == 0:
            output.say(f"tokenised {done:,} of {dataset.train.height:,} rows")

    rows, report = make_rows(dataset, tokenizer, recipe.data.max_length, tokenised)
    manifest = Manifest.of(engine, source, tokenizer, report)
    if job.earlier:
        check_unchanged(run.read(), manifest, force)
        run.write_recipe(recipe)
    report.write(run.data_file)
    run.update(hardware=machine, versions=versions(engine), data_sha256=report.sha256, rows=rows.train.num_rows)
    run.update(processes=world().size)
    output.show(funnel(report))
    validation = rows.validation.num_rows if rows.validation else 0
    plan = make_plan(recipe, engine, machine, source, lengths(rows.train).to_list(), validation)
    output.show(plan_table(plan, recipe))
    output.say("")

    def waiting(ahead: list[str]) -> None:
        output.say(f"waiting for the GPU: {', then '.join(ahead)}")
        run.log.write(StatusChange(step=0, status=Status.queued, ahead=ahead))

    with gpu_lock(runs, run.name, waiting):
        check_room(recipe, engine, source, hardware())
        checkpoint = run.checkpoints[-1] if job.earlier and run.checkpoints else None
        step = int(checkpoint.name.partition("-")[2]) if checkpoint else 0
        run.update(status=Status.running, early_stopped=False)
        run.log.write(StatusChange(step=step, status=Status.running, resumed_from=step if job.earlier else None))
        if job.earlier:
            output.say(f"going on from {checkpoint.name if checkpoint else 'the start: there is no checkpoint yet'}")
        with _assisted(run, rows, checkpoint, engine):
            return fit(run, recipe, engine, rows, Progress(output), stopper, checkpoint)


@contextlib.contextmanager
def _assisted(run: "Run", rows: "Rows", checkpoint: Path | None, engine: "Engine") -> Iterator[None]:
    """Inside the block the other processes, where the launcher has started some, train beside this one."""
    from qwenlab.training.distributed import Task, announce, joined, world
    from qwenlab.training.rows import write_rows

    files = write_rows(rows, run.folder) if world().size > 1 else []
    try:
        announce(Task(run.folder, checkpoint))
        with joined(engine):
            yield
    finally:
        for file in files:
            file.unlink()


def _assist() -> None:
    """What every process but the first does: hear which run it is, and train beside it without a word."""
    from qwenlab.training.distributed import ReadOnlyRun, hear, joined

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        folder, checkpoint = hear()
        run = ReadOnlyRun(folder)
        recipe = run.recipe
        from qwenlab.training import choose_engine

        engine = choose_engine(recipe.model)
        from qwenlab.runs.output import Output
        from qwenlab.runs.progress import Progress
        from qwenlab.training.rows import read_rows
        from qwenlab.training.trainer import Stopper, fit

        stopper = Stopper()
        with _interruptible(stopper), joined(engine):
            fit(run, recipe, engine, read_rows(folder), Progress(Output()), stopper, checkpoint)


def _end(run: "Run", status: "Status", error: str | None = None) -> None:
    from qwenlab.runs.events import StatusChange

    record = run.update(status=status, finished=datetime.now(UTC).astimezone(), error=error)
    run.log.write(StatusChange(step=record.step, status=status, error=error))


def _tell_result(run: "Run", status: "Status", output: "Output") -> None:
    record = run.read()
    output.say(f"{status} at step {record.step} of {record.total_steps}; the adapter is {run.adapter}")
    if record.best and record.base_eval_loss is not None:
        change = f"validation loss {record.base_eval_loss:.4f} to {record.best.eval_loss:.4f}"
        output.say(f"{change}, best at step {record.best.step}")
        if record.best.eval_loss >= record.base_eval_loss:
            output.say("The training never got below the loss that it began with: it did not help on held-out rows.")
    if status == "stopped":
        output.say(_how_to_go_on(run))


def _how_to_go_on(run: "Run") -> str:
    if not run.checkpoints:
        return "There is no checkpoint yet."
    return f"Go on with: python -m qwenlab.train --resume {run.name} --runs {run.folder.parent}"


class _interruptible:  # noqa: N801
    """Ctrl-C, or SIGTERM, once: save and stop after the step at hand. Again, or before training: end at once.

    One of several processes hears a Ctrl-C twice, from the terminal and from the launcher, and stops in peace; the
    launcher itself ends it where that takes longer than half a minute.
    """

    def __init__(self, stopper: "Stopper") -> None:
        self._stopper = stopper

    def __enter__(self) -> None:
        self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        from qwenlab.training.distributed import world

        if not self._stopper.request() and not (self._stopper.is_stopping and world().size > 1):
            raise KeyboardInterrupt


if __name__ == "__main__":
    cli.run(main, "qwenlab.train")
