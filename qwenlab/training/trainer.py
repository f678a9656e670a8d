"""Fit the adapter: TRL's SFTTrainer with the recipe's settings, every one of them given explicitly.

Unsloth's rewritten trainer has other defaults than TRL's, so a setting that is left out would make the two engines
different jobs.
"""

import dataclasses
import importlib.util
import logging
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute
import torch
from datasets import Dataset
from transformers import EarlyStoppingCallback, PrinterCallback
from trl import SFTConfig, SFTTrainer

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

FIXED: dict[str, Any] = {
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-8,
    "ddp_find_unused_parameters": False,  # every adapter is used in every step
    "gradient_checkpointing_kwargs": {"use_reentrant": False},
    "packing_strategy": "bfd",
    "padding_free": False,
    "completion_only_loss": False,
    "assistant_only_loss": False,
    "shuffle_dataset": False,
    "prediction_loss_only": True,
    "greater_is_better": False,
    "load_best_model_at_end": False,  # ours is saved at the evaluation that found it
    "save_strategy": "steps",
    "save_total_limit": 2,
    "restore_callback_states_from_checkpoint": True,
    "logging_strategy": "steps",
    "logging_nan_inf_filter": False,  # it would hide them in an average
    "include_num_input_tokens_seen": "non_padding",
    "disable_tqdm": True,
    "full_determinism": False,
}
"""The trainer's settings that are the same in every training, unless a recipe has a key of that name."""

SFT_FIELDS = frozenset(field.name for field in dataclasses.fields(SFTConfig))

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
    if world().is_first:
        restore_folder(run.best)
    while True:
        try:
            return _fit_once(run, recipe, engine, rows, progress, stopper, checkpoint, attempt, delivered)
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
    stopper: Stopper,
    checkpoint: Path | None,
    attempt: _Attempt,
    delivered: Callable[[LoadedModel], None] | None,
) -> Status:
    forget_peak()
    loaded = load(recipe, engine, attempt.execution)
    run.update(engine=loaded.engine_record(), model=loaded.model_record(trained_mode(run)))
    callback = RunCallback(run, loaded, progress)
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


def make_trainer(
    folder: Path,
    recipe: Recipe,
    loaded: LoadedModel,
    rows: Rows,
    callback: RunCallback,
    micro_batch: int,
    fresh: bool,
) -> Any:
    """An SFTTrainer for the loaded model; a fresh run is validated once before its first step."""
    validate = rows.validation is not None
    config = sft_config(folder, recipe, loaded.engine, loaded.execution, micro_batch, validate=validate, fresh=fresh)
    callbacks: list[Any] = []
    if rows.validation is not None and recipe.train.early_stopping_patience:
        patience = recipe.train.early_stopping_patience
        callbacks.append(_EarlyStopping(patience, recipe.train.early_stopping_threshold))
    with _no_word_on_flash_attention():
        trainer = _Trainer(
            model=loaded.model,
            args=config,
            train_dataset=Dataset(rows.train),
            eval_dataset=_sampled(rows.validation, recipe) if rows.validation is not None else None,
            processing_class=loaded.tokenizer,
            callbacks=[*callbacks, callback],  # ours last: it sees what early stopping decided
        )
    trainer.remove_callback(PrinterCallback)
    trainer.create_model_card = lambda **_: None  # TRL would write a README beside each checkpoint
    # TRL turns a quantised model's adapter to bfloat16, which neither fp16's gradient scaler nor older cards can take.
    for parameter in loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


@contextmanager
def _no_word_on_flash_attention() -> Iterator[None]:
    """Inside the block TRL does not warn that packed samples may see each other without flash attention: here they do
    not, since PyTorch's attention is masked by their positions, and models with other layers are not packed."""

    def hushed(record: logging.LogRecord) -> bool:
        return "Flash Attention" not in record.getMessage()

    logger = logging.getLogger(SFTTrainer.__module__)
    logger.addFilter(hushed)
    try:
        yield
    finally:
        logger.removeFilter(hushed)


def sft_config(
    folder: Path,
    recipe: Recipe,
    engine: Engine,
    execution: Execution,
    micro_batch: int,
    *,
    validate: bool,
    fresh: bool,
) -> SFTConfig:
    """The recipe in the trainer's words: a setting of [train] goes to the trainer's field of the same name, if there
    is one and it is not given otherwise here.
    """
    train, on_gpu = recipe.train, engine.device == "cuda"
    given = {
        "output_dir": str(folder),
        # The batch and the steps
        "per_device_train_batch_size": micro_batch,
        "per_device_eval_batch_size": micro_batch,
        "gradient_accumulation_steps": train.effective_batch_size // (micro_batch * world().size),
        "warmup_steps": train.warmup_ratio,  # below 1 it is a share of the steps
        "optim": execution.optim,
        # Precision and memory
        "use_cpu": not on_gpu,
        "fp16": engine.dtype == "float16",
        "bf16": engine.dtype == "bfloat16",
        "torch_compile": execution.compiled,
        # The chunked loss never holds all logits at once; Unsloth brings its own.
        "loss_type": "chunked_nll" if engine.name == "transformers" else "nll",
        # The data, tokenised and masked before
        "max_length": recipe.data.max_length,
        "dataset_kwargs": None if train.packing else {"skip_prepare_dataset": True},
        "dataloader_pin_memory": train.dataloader_pin_memory and on_gpu,
        # Watching and saving
        "eval_strategy": "steps" if validate else "no",
        "eval_on_start": validate and fresh,
        "metric_for_best_model": "eval_loss" if validate else None,
        "report_to": list(train.report_to),
        "data_seed": train.seed,
    }
    same = {name: value for name, value in train if name in SFT_FIELDS}
    return SFTConfig(**(FIXED | same | given))


def check_trackers(recipe: Recipe) -> None:
    """Raises:
    UserError: a tracker of `report_to` is not installed.
    """
    for name in recipe.train.report_to:
        if importlib.util.find_spec(name) is None:
            raise UserError(
                f"train.report_to names {name}, which is not installed.", f"pip install {name}, or take it out."
            )


class _Trainer(SFTTrainer):  # type: ignore[misc]
    """Whose validation loss is the mean over all learned tokens. The Trainer's own is a mean over batches, and so would
    be another for each size of a micro-batch and each number of processes."""

    def create_scheduler(self, num_training_steps: int, *args: Any, **kwargs: Any) -> Any:
        # Of the warm-up, transformers gives the first step the learning rate 0, and rounds the number of its steps up:
        # where that is one, the step would only be lost, and with it a run of one step.
        if self.args.get_warmup_steps(num_training_steps) == 1:
            self.args.warmup_steps = 0
        return super().create_scheduler(num_training_steps, *args, **kwargs)

    def _load_callback_state(self) -> None:
        # It makes early stopping anew, behind our own callback, which would no longer see what it decides.
        super()._load_callback_state()
        self.callback_handler.callbacks.sort(key=lambda callback: isinstance(callback, RunCallback))

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        # The Trainer would make one more step before it sees that a resumed training is at its end.
        if not self.control.should_training_stop:
            super()._run_epoch(*args, **kwargs)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        self._loss_and_tokens = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        output = super().evaluation_loop(*args, **kwargs)
        loss, tokens = self.accelerator.reduce(self._loss_and_tokens).tolist()
        output.metrics["eval_loss"] = loss / tokens
        return output

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        labels, last = inputs["labels"], self.accelerator.gradient_state
        if world().size > 1 and last.end_of_dataloader and last.remainder > 0:
            # Where the last batches are short, the processes fill them up with rows that were seen already.
            labels[max(last.remainder - world().rank * len(labels), 0) :] = -100
        result = super().prediction_step(model, inputs, *args, **kwargs)
        # The loss of one process is its part of that of all, times their number.
        learned = self.accelerator.reduce((labels[:, 1:] != -100).sum().to(self.args.device))
        self._loss_and_tokens[0] += result[0] * learned / world().size
        self._loss_and_tokens[1] += learned / world().size
        return result


class _EarlyStopping(EarlyStoppingCallback):  # type: ignore[misc]
    """Without its advice to load the best model at the end: the best is on disk already."""

    early_stopping_patience_counter: int

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            # It had ended this training here. If that goes on, as the run's callback will say, then with new patience.
            self.early_stopping_patience_counter = 0
            control.should_training_stop = True


def _sampled(validation: pa.Table, recipe: Recipe) -> Dataset:
    """At most `max_eval_samples` rows, longest first: the first batch is the one that needs the most memory, so a
    validation that does not fit shows before training and not a hundred steps into it."""
    count, limit = validation.num_rows, recipe.train.max_eval_samples
    chosen = range(count)
    if 0 < limit < count:
        chosen = sorted(random.Random(recipe.train.seed).sample(range(count), limit))  # type: ignore[assignment]
    lengths = pa.compute.list_value_length(validation["input_ids"]).to_pylist()
    by_length: Callable[[int], int] = lambda row: -lengths[row]  # noqa: E731
    return Dataset(validation.take(sorted(chosen, key=by_length)))


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
