"""Fit the adapter: attempts, each by less memory or fewer promises than the one before, until one comes to its end."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs.checkpoint import choose
from qwenlab.runs.events import Note, StatusChange
from qwenlab.runs.mode import trained_mode
from qwenlab.runs.progress import Progress
from qwenlab.runs.record import Status
from qwenlab.runs.run import Run
from qwenlab.runs.stop import Stopper
from qwenlab.training.callback import RunCallback
from qwenlab.training.distributed import world
from qwenlab.training.engine import Engine
from qwenlab.training.execution import Execution
from qwenlab.training.load import LoadedModel, load, replace_folder, restore_folder
from qwenlab.training.memory import first_line, forget_attempt, forget_peak, is_out_of_memory
from qwenlab.training.rows import Rows
from qwenlab.training.samples import Samples
from qwenlab.training.trainer import make_trainer

NOT_DETERMINISTIC = re.compile(
    r"(\S+) does not have a deterministic implementation|not deterministic because it uses CuBLAS"
)
"""What torch says of an operation that it cannot make deterministic, with the operation's name."""


class _Attempt(NamedTuple):
    """How the training is tried: with so many rows at once, by these means."""

    micro_batch: int
    execution: Execution


class _Change(NamedTuple):
    """The next attempt, and what the run's note says of it."""

    attempt: _Attempt
    about: str
    text: str


def fit(
    run: Run,
    recipe: Recipe,
    engine: Engine,
    rows: Rows,
    execution: Execution,
    progress: Progress,
    stopper: Stopper,
    checkpoint: Path | None,
    delivered: Callable[[LoadedModel], None] | None = None,
) -> Status:
    """Train `run` from `checkpoint` or from the start, and deliver its adapter.

    When the GPU's memory runs out, the micro-batch is halved and the accumulation doubled, so that the effective
    batch stays what the recipe says, and training goes on from the last checkpoint. So it does where an operation has
    no deterministic implementation, no longer deterministic. Of several processes one cannot go back alone: there both
    are errors.

    Args:
        delivered: gets the model, in the first process alone, once the adapter is delivered and nobody trains any more.

    Returns:
        finished, or stopped where that was asked for.

    Raises:
        UserError: the model does not fit, or not even one row at a time, or the loss became NaN.
    """
    attempt = _Attempt(recipe.train.per_device_train_batch_size, execution)
    samples = Samples(run, recipe, progress)
    if world().is_first:
        restore_folder(run.best)
    while True:
        try:
            return _fit_once(run, recipe, engine, rows, progress, samples, stopper, checkpoint, attempt, delivered)
        except Exception as error:
            change = _change(recipe, attempt, error)
            if change is None:
                raise
        # Outside the handler, where the error's traceback no longer holds the tensors.
        progress.end()
        forget_attempt()
        attempt, chosen = change.attempt, choose(run.folder)
        checkpoint = chosen.checkpoint
        run.log.write(Note(step=chosen.step, about=change.about, micro_batch=attempt.micro_batch, text=change.text))
        run.log.write(StatusChange(step=chosen.step, status=Status.running, resumed_from=chosen.step))
        progress.note(change.text)


def _change(recipe: Recipe, attempt: _Attempt, error: Exception) -> _Change | None:
    """What to try after this error; None where it is another kind of error.

    Raises:
        UserError: there is nothing left to try.
    """
    if attempt.execution.deterministic and (undetermined := NOT_DETERMINISTIC.search(str(error))):
        if world().size > 1:
            raise UserError(f"Not deterministic: {first_line(error)}", "Set train.deterministic = false.") from None
        text = f"no longer deterministic: {undetermined[1] or 'cuBLAS'} has no deterministic implementation here"
        return _Change(attempt._replace(execution=attempt.execution._replace(deterministic=False)), "determinism", text)
    if not is_out_of_memory(error):
        return None
    smaller = next_micro_batch(recipe.train.effective_batch_size, attempt.micro_batch)
    if smaller is None:
        raise UserError(
            f"The GPU's memory is too small even for one row at a time ({first_line(error)}).",
            "Set model.load_in_4bit = true, a smaller data.max_length, or a smaller model.",
        ) from None
    if world().size > 1:
        raise UserError(
            f"The GPU of process {world().rank} has too little memory for {attempt.micro_batch} rows at once.",
            f"Begin again with train.per_device_train_batch_size = {smaller} and train.gradient_accumulation_"
            f"steps = {recipe.train.effective_batch_size // smaller}: the same step.",
        ) from None
    text = f"out of GPU memory: micro-batch {attempt.micro_batch} to {smaller}, the effective batch stays"
    return _Change(attempt._replace(micro_batch=smaller), "memory", text)


def next_micro_batch(effective_batch: int, micro_batch: int) -> int | None:
    """The largest divisor of the effective batch that is at most half the micro-batch; None if it is 1 already."""
    return max((d for d in range(1, micro_batch // 2 + 1) if effective_batch % d == 0), default=None)


def _fit_once(
    run: Run,
    recipe: Recipe,
    engine: Engine,
    rows: Rows,
    progress: Progress,
    samples: Samples,
    stopper: Stopper,
    checkpoint: Path | None,
    attempt: _Attempt,
    delivered: Callable[[LoadedModel], None] | None,
) -> Status:
    forget_peak()
    loaded = load(recipe, engine, attempt.execution)
    run.update(engine=loaded.engine_record(), model=loaded.model_record(trained_mode(run)))
    callback = RunCallback(run, loaded, progress, samples)
    trainer = make_trainer(run.folder, recipe, loaded, rows, callback, attempt.micro_batch, fresh=checkpoint is None)
    stopper.callback = callback
    try:
        with _determinism(recipe.train.deterministic, attempt.execution.deterministic):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        stopper.callback = None
    _check_learned(trainer.state.global_step, callback, checkpoint)
    if world().is_first:
        _deliver(run, loaded)
        if delivered:
            delivered(loaded)
    ended = trainer.state.global_step >= trainer.state.max_steps
    return Status.stopped if callback.stop_requested and not ended else Status.finished


def _check_learned(steps: int, callback: RunCallback, checkpoint: Path | None) -> None:
    """Raises:
    UserError: no step has changed the adapter, and nobody has stopped the training.
    """
    if checkpoint is None and not callback.has_learned and not callback.stop_requested:
        raise UserError(
            f"The learning rate was above zero in none of the {steps} steps: the adapter is as it began.",
            "Train for more steps, or set train.warmup_ratio = 0.",
        )


@contextmanager
def _determinism(wanted: bool, strict: bool) -> Iterator[None]:
    """Inside the block torch computes by deterministic algorithms where it has them; strictly: or raises.

    With its `warn_only` PyTorch's attention would keep its other algorithms.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(wanted, warn_only=not strict)
    # It would write NaN into every new buffer first, to show reads of what was never written.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = fill


def _deliver(run: Run, loaded: LoadedModel) -> None:
    """adapter/ is the best one where validation chose one, and else the last."""
    run.drift_file.unlink(missing_ok=True)  # it is the earlier adapter's
    if not run.best.exists():
        loaded.save_adapter(run.adapter)
        return
    copied = run.folder / ".adapter.tmp"
    shutil.rmtree(copied, ignore_errors=True)  # of a process that was killed
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, copied, ignore_errors=True)
        shutil.copytree(run.best, copied)
        replace_folder(copied, run.adapter)
