"""Training as a job: a run's folder, its status from queued to its end, and what is said on the way."""

import contextlib
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from qwenlab.data.terminal import funnel
from qwenlab.errors import UserError, outside_told
from qwenlab.evaluation.suites import find_suites
from qwenlab.recipe import Recipe, recipe_toml
from qwenlab.runs import Run, Status
from qwenlab.runs.events import StatusChange
from qwenlab.runs.output import Output
from qwenlab.runs.resolve import Job, choose_job
from qwenlab.runs.stop import Stopper
from qwenlab.training import choose_engine
from qwenlab.training.distributed import ReadOnlyRun, check_shares, joined, receive_task, world

__all__ = ["Stopper", "assist", "choose_job", "tell_plan", "train", "world"]


def train(job: Job, runs: Path, stopper: Stopper, *, force: bool = False) -> Run:
    """Carry the job out in a run's folder; it is finished or stopped when this returns.

    Args:
        runs: the folder of all runs, where the GPU queue is.
        stopper: passes on the wish to stop; KeyboardInterrupt ends the run at once, as stopped.
        force: go on though versions, data or model are not what the run began with.

    Raises:
        UserError: something in the way that the user can fix. A run that was refused before it went on stands as it
            stood; else it is marked as failed.
    """
    check_shares(job.recipe)
    find_suites(job.recipe.evaluate.suites)  # hours before they are asked
    engine = choose_engine(job.recipe.model)
    from qwenlab.jobs.fit import check_trackers, fit_job

    check_trackers(job.recipe)
    run = job.earlier or Run.create(runs, job.recipe, job.name)
    with run.owned(), Output(run.log_file) as output:
        before = run.read()
        run.update(status=Status.queued, started=datetime.now(UTC).astimezone(), finished=None, error=None)
        try:
            with outside_told(), output.heard():
                status = fit_job(job, run, runs, force, engine, stopper, output)
        except KeyboardInterrupt:
            _end(run, Status.stopped)
            output.say(f"Stopped at once. {_how_to_go_on(run)}")
        except BaseException as error:
            with contextlib.suppress(UserError), outside_told():  # a full disk holds no word on it either
                output.log(error.message if isinstance(error, UserError) else traceback.format_exc())
                if job.earlier and run.read().status is Status.queued:
                    run.write(before)  # refused before it went on
                else:
                    _end(run, Status.failed, error=str(error) or type(error).__name__)
            raise
        else:
            _end(run, status)
            _tell_result(run, status, output)
    return run


def tell_plan(recipe: Recipe, runs: Path, file: Path | None) -> None:
    """Print what a training of the recipe would be, and write it to the file as JSON; nothing is loaded.

    Raises:
        UserError: the recipe cannot be carried out here, or its data cannot be read.
    """
    check_shares(recipe)
    find_suites(recipe.evaluate.suites)
    engine = choose_engine(recipe.model)
    from qwenlab.jobs.fit import plan_job, plan_record, plan_table

    plan, report = plan_job(recipe, engine, runs)
    console = Console(highlight=False)
    console.print(funnel(report))
    console.print(Rule("plan", align="left"), plan_table(plan, recipe))
    console.print(Rule("recipe", align="left"))
    console.print(recipe_toml(recipe), markup=False, soft_wrap=True)
    if file:
        plan_record(plan, recipe, report).write(file)


def assist(stopper: Stopper) -> None:
    """What every process but the first does: hear which run it is, and train beside it without a word."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        folder, checkpoint = receive_task()
        run = ReadOnlyRun(folder)
        engine = choose_engine(run.recipe.model)
        from qwenlab.jobs.fit import fit_beside

        with joined(engine):
            fit_beside(run, checkpoint, engine, stopper)


def _end(run: Run, status: Status, error: str | None = None) -> None:
    record = run.update(status=status, finished=datetime.now(UTC).astimezone(), error=error)
    run.log.write(StatusChange(step=record.step, status=status, error=error))


def _tell_result(run: Run, status: Status, output: Output) -> None:
    record = run.read()
    output.say(f"{status} at step {record.step} of {record.total_steps}; the adapter is {run.adapter}")
    if record.best and record.base_eval_loss is not None:
        change = f"validation loss {record.base_eval_loss:.4f} to {record.best.eval_loss:.4f}"
        output.say(f"{change}, best at step {record.best.step}")
        if record.best.eval_loss >= record.base_eval_loss:
            output.say("The training never got below the loss that it began with: it did not help on held-out rows.")
    if status is Status.stopped:
        output.say(_how_to_go_on(run))


def _how_to_go_on(run: Run) -> str:
    if not run.checkpoints:
        return "There is no checkpoint yet."
    return f"Go on with: python -m qwenlab.train --resume {run.name} --runs {run.folder.parent}"
