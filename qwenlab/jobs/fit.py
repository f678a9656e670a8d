"""The part of a training that stands on torch: data, the turn at the GPU, the fit. Imported after `choose_engine`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from qwenlab import data
from qwenlab.data.report import DatasetReport
from qwenlab.data.terminal import funnel
from qwenlab.jobs.drift import tell_drift
from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status, gpu_lock, gpu_waiting
from qwenlab.runs.checkpoint import choose, drop_later
from qwenlab.runs.events import Note, StatusChange
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.runs.resolve import Job
from qwenlab.runs.stop import Stopper
from qwenlab.training.distributed import Task, broadcast_task, joined, world
from qwenlab.training.engine import Engine
from qwenlab.training.environment import hardware, versions
from qwenlab.training.execution import plan_execution
from qwenlab.training.fit import fit
from qwenlab.training.manifest import Manifest, check_unchanged
from qwenlab.training.plan import Plan, make_plan, plan_record, plan_table
from qwenlab.training.preflight import check_recipe, check_room
from qwenlab.training.rows import Rows, make_rows, read_rows, write_rows
from qwenlab.training.samples import choose_prompts
from qwenlab.training.shape import Shape
from qwenlab.training.source import find_model, load_tokenizer
from qwenlab.training.trainer import check_trackers

__all__ = ["check_trackers", "fit_beside", "fit_job", "plan_job", "plan_record", "plan_table"]

TOLD_EVERY = 20_000
"""Rows between two words on how far the tokenising is: some ten seconds."""


def plan_job(recipe: Recipe, engine: Engine, runs: Path) -> tuple[Plan, DatasetReport]:
    """What a training would be, from the data and the model's configuration alone.

    Raises:
        UserError: the recipe cannot be carried out here, or its data cannot be read.
    """
    source, machine = find_model(recipe.model, weights=False), hardware()
    check_recipe(recipe, engine, source, machine)
    if gpu_waiting(runs):  # what a run of ours holds will be free when this one's turn comes
        machine = machine.model_copy(update={"gpu_free_gb": None})
    tokenizer = load_tokenizer(source)
    rows, report = make_rows(data.load(recipe.data, recipe.train.seed), tokenizer, recipe)
    return make_plan(recipe, engine, machine, source, tokenizer, rows, report), report


def fit_job(job: Job, run: Run, runs: Path, force: bool, engine: Engine, stopper: Stopper, output: Output) -> Status:
    """Data, then the turn at the GPU, then the training; how it ended.

    Raises:
        UserError: as `plan_job`; a run that goes on has changed and `force` is not given; or it does not fit.
    """
    output.say(f"run {run.folder}")
    recipe, machine = job.recipe, hardware()
    check_recipe(recipe, engine, find_model(recipe.model, weights=False), machine)
    source = find_model(recipe.model)
    tokenizer = load_tokenizer(source)
    dataset = data.load(recipe.data, recipe.train.seed)

    def tokenised(done: int) -> None:
        if done % TOLD_EVERY == 0:
            output.say(f"tokenised {done:,} of {dataset.train.height:,} rows")

    rows, report = make_rows(dataset, tokenizer, recipe, tokenised)
    manifest = Manifest.of(engine, source, tokenizer, report)
    if job.earlier:
        check_unchanged(run.read(), manifest, force)
        run.write_recipe(recipe)
    report.write(run.data_file)
    if recipe.train.sample_prompts and dataset.validation.height and not run.sample_prompts_file.exists():
        choose_prompts(dataset.validation, tokenizer, recipe, report.thinking).write(run.sample_prompts_file)
    run.update(hardware=machine, versions=versions(engine), data_sha256=report.sha256, rows=rows.train.num_rows)
    run.update(processes=world().size)
    output.show(funnel(report))
    plan = make_plan(recipe, engine, machine, source, tokenizer, rows, report)
    output.show(plan_table(plan, recipe))
    output.say("")

    def waiting(ahead: list[str]) -> None:
        output.say(f"waiting for the GPU: {', then '.join(ahead)}")
        run.log.write(StatusChange(step=0, status=Status.queued, ahead=ahead))

    with gpu_lock(runs, run.name, waiting):
        check_room(recipe, engine, source, hardware())
        run.update(status=Status.running, early_stopped=run.read().early_stopped and not job.extended)
        checkpoint = _going_on(run, output) if job.earlier else None
        if not job.earlier:
            run.log.write(StatusChange(step=0, status=Status.running))
        with _assisted(run, rows, checkpoint, engine):
            return fit(
                run, recipe, engine, rows, plan.execution, Progress(output), stopper, checkpoint,
                delivered=lambda trained: tell_drift(run, trained, output),
            )  # fmt: skip


def _going_on(run: Run, output: Output) -> Path | None:
    """The checkpoint that an earlier run goes on from, told; None: from the start."""
    chosen = choose(run.folder)
    drop_later(run.folder, chosen.step)
    for fault in chosen.faults:
        output.say(fault)
        run.log.write(Note(step=chosen.step, about="checkpoint", text=fault))
    run.log.write(StatusChange(step=chosen.step, status=Status.running, resumed_from=chosen.step))
    start = f"the start: {'no checkpoint is whole' if chosen.faults else 'there is no checkpoint yet'}"
    output.say(f"going on from {chosen.checkpoint.name if chosen.checkpoint else start}")
    return chosen.checkpoint


def fit_beside(run: Run, checkpoint: Path | None, engine: Engine, stopper: Stopper) -> None:
    """Train the same run as the first process, from the rows that it wrote."""
    recipe = run.recipe
    shape = Shape.of(find_model(recipe.model, weights=False).text_config)
    execution = plan_execution(recipe, engine, shape.has_linear_attention)
    fit(run, recipe, engine, read_rows(run.folder), execution, Progress(Output()), stopper, checkpoint)


@contextlib.contextmanager
def _assisted(run: Run, rows: Rows, checkpoint: Path | None, engine: Engine) -> Iterator[None]:
    """Inside the block the other processes, where the launcher has started some, train beside this one."""
    files = write_rows(rows, run.folder) if world().size > 1 else []
    try:
        broadcast_task(Task(run.folder, checkpoint))
        with joined(engine):
            yield
    finally:
        for file in files:
            file.unlink()
