"""What a training would be: steps, tokens, memory against the card. Nothing is loaded."""

import math
from typing import Any, NamedTuple

from rich.table import Table

from qwenlab.data.report import DatasetReport
from qwenlab.recipe import Recipe
from qwenlab.runs.plan import PlanRecord
from qwenlab.runs.record import Hardware
from qwenlab.text import percent
from qwenlab.training.advice import advise
from qwenlab.training.distributed import world
from qwenlab.training.engine import Engine
from qwenlab.training.estimate import MemoryEstimate, estimate_memory, verdict
from qwenlab.training.execution import Execution, plan_execution
from qwenlab.training.rows import Rows, lengths
from qwenlab.training.samples import MOST_TIME
from qwenlab.training.shape import Shape
from qwenlab.training.source import ModelSource


class Plan(NamedTuple):
    """The training in numbers. Memory is None where no GPU will be used."""

    train_rows: int
    validation_rows: int
    steps: int
    rows_per_step: int
    """Packed ones where samples are packed; the last step of an epoch may have fewer."""
    tokens: int
    """Tokens that pass through the model in training, padding not counted."""
    engine: Engine
    execution: Execution
    hardware: Hardware
    memory: MemoryEstimate | None
    validation_cost: float
    """Rows read in validation for each row trained on: what watching the run costs."""

    advice: tuple[str, ...]
    sample_prompts: int = 0
    """Held-out prompts that are answered at each validation."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each setting that is carried out otherwise, or at a price, for a card that others fill, and
        for what the recipe may come to regret."""
        card, free = self.hardware.gpu_memory_gb, self.hardware.gpu_free_gb
        notes = self.execution.notes
        if self.memory is not None and card is not None and free is not None and free < self.memory.total <= card:
            notes = (*notes, f"other programs hold {card - free:.1f} GB of the card; nvidia-smi lists them")
        if self.sample_prompts:
            asked = f"{self.sample_prompts} held-out prompts are" if self.sample_prompts > 1 else "a held-out prompt is"
            notes = (
                *notes,
                f"{asked} answered at each validation, in about {percent(MOST_TIME, 1)} of the time at most",
            )
        return (*notes, *self.advice)


def make_plan(
    recipe: Recipe,
    engine: Engine,
    hardware: Hardware,
    source: ModelSource,
    tokenizer: Any,
    rows: Rows,
    report: DatasetReport,
) -> Plan:
    """From the tokenised rows, and what the report says of their lengths before the cut."""
    train, taken = recipe.train, lengths(rows.train)
    shape = Shape.of(source.text_config)
    execution = plan_execution(recipe, engine, shape.has_linear_attention)
    count = _packed_rows(taken.to_list(), recipe.data.max_length) if train.packing else len(taken)
    steps = total_steps(recipe, count)
    epochs = steps / steps_per_epoch(recipe, count)
    validated = rows.validation.num_rows if rows.validation else 0
    seen = min(validated, train.max_eval_samples or validated)
    memory = None
    if engine.device == "cuda":
        memory = estimate_memory(
            shape, recipe, engine.bytes_each, engine.name == "unsloth", execution.linear_attention != "plain"
        )
    return Plan(
        train_rows=len(taken),
        validation_rows=validated,
        steps=steps,
        rows_per_step=min(count, train.effective_batch_size),
        tokens=round(int(taken.sum()) * epochs),
        engine=engine,
        execution=execution,
        hardware=hardware,
        memory=memory,
        validation_cost=(steps // train.eval_steps) * seen / (count * epochs),
        advice=advise(recipe, engine, source, tokenizer, report.tokens) if report.tokens else (),
        sample_prompts=min(train.sample_prompts, validated),
    )


def total_steps(recipe: Recipe, rows: int) -> int:
    """Optimiser steps, counted as transformers' Trainer does: the last batch and the last accumulation may be short."""
    train = recipe.train
    return train.max_steps if train.max_steps > 0 else math.ceil(train.num_train_epochs * steps_per_epoch(recipe, rows))


def steps_per_epoch(recipe: Recipe, rows: int) -> int:
    """Steps in which each row is seen once."""
    batches = math.ceil(rows / recipe.train.per_device_train_batch_size)
    return math.ceil(batches / recipe.train.gradient_accumulation_steps)


def plan_table(plan: Plan, recipe: Recipe) -> Table:
    """The plan as a card for the terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    train, engine, hardware = recipe.train, plan.engine, plan.hardware
    table.add_row("model", f"{recipe.model.name}{', 4-bit' if plan.execution.load_in_4bit else ''}, {engine.dtype}")
    table.add_row("engine", f"{engine.name}: {engine.why}")
    table.add_row("attention", f"{plan.execution.attention}{', deterministic' if plan.execution.deterministic else ''}")
    card = (
        f"{hardware.gpu}, {hardware.gpu_memory_gb} GB"
        if hardware.gpu
        else f"{hardware.cpu}, {hardware.cpu_cores} cores"
    )
    table.add_row("machine", card)
    held_out = f"{plan.validation_rows:,} for validation" if plan.validation_rows else "no validation"
    table.add_row("rows", f"{plan.train_rows:,} to train on, {held_out}")
    processes = world().size
    batch = f"{train.per_device_train_batch_size} rows x {train.gradient_accumulation_steps // processes}"
    batch += f" x {processes} processes" if processes > 1 else ""
    each = f"each of {plan.rows_per_step} rows"
    if plan.rows_per_step < train.effective_batch_size:
        batch = f"there are no more; a step could have {batch}"
    table.add_row("steps", f"{plan.steps:,}, {each} ({batch})")
    table.add_row("tokens", f"{plan.tokens:,}")
    if plan.validation_rows:
        share = f"{plan.validation_cost:.2f} rows validated for each row trained on"
        table.add_row("validation", f"every {train.eval_steps} steps: {share}")
    table.add_row("memory", _memory(plan))
    for note in plan.notes:
        table.add_row("note", note)
    return table


def plan_record(plan: Plan, recipe: Recipe, report: DatasetReport) -> PlanRecord:
    """The plan as a file, with what the data check found."""
    room = room_gb(plan.hardware)
    return PlanRecord(
        rows_in=report.rows_in,
        rows_kept=report.rows_kept,
        train_rows=plan.train_rows,
        validation_rows=plan.validation_rows,
        steps=plan.steps,
        tokens=plan.tokens,
        rows_per_step=plan.rows_per_step,
        engine=plan.engine.name,
        why=plan.engine.why,
        dtype=plan.engine.dtype,
        attention=plan.execution.attention,
        deterministic=plan.execution.deterministic,
        notes=list(plan.notes),
        hardware=plan.hardware,
        memory=plan.memory._asdict() if plan.memory else {},
        verdict=verdict(plan.memory.total, room) if plan.memory and room else "",
    )


def room_gb(hardware: Hardware) -> float | None:
    """GB that a training can have on the card: what is free where the driver says it, else all of it."""
    return hardware.gpu_memory_gb if hardware.gpu_free_gb is None else hardware.gpu_free_gb


def _memory(plan: Plan) -> str:
    card, free, room = plan.hardware.gpu_memory_gb, plan.hardware.gpu_free_gb, room_gb(plan.hardware)
    if plan.memory is None or room is None:
        return "no GPU is used"
    parts = ", ".join(f"{name} {value:.1f}" for name, value in plan.memory._asdict().items())
    known = f"{card} GB" if free is None else f"{card} GB, of which {free} GB are free"
    return f"about {plan.memory.total:.1f} GB of {known}: {verdict(plan.memory.total, room)} (estimate: {parts})"


def _packed_rows(lengths: list[int], max_length: int) -> int:
    """How many full rows the samples fill at best; best-fit packing comes close to it."""
    return max(math.ceil(sum(lengths) / max_length), 1)
