"""TRL's SFTTrainer with the recipe's settings, every one of them given explicitly.

Unsloth's rewritten trainer has other defaults than TRL's, so a setting that is left out would make the two engines
different jobs.
"""

import dataclasses
import importlib.util
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import torch
from datasets import Dataset
from transformers import EarlyStoppingCallback, PrinterCallback
from trl import SFTConfig, SFTTrainer

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.training.callback import RunCallback
from qwenlab.training.distributed import world
from qwenlab.training.engine import Engine
from qwenlab.training.execution import Execution
from qwenlab.training.load import LoadedModel
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
