"""Trainings as the steps start them, and what is read from their runs."""

import hashlib
import signal
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.gpu.child import Peak
from bench.gpu.lab import ROOT, Ended, Lab, StepError, slug
from bench.gpu.results import Halving, Repeat, Trained
from bench.gpu.rows import write_rows
from bench.gpu.weights import make_weights
from qwenlab.runs import Run, list_runs
from qwenlab.runs.events import Note, Train, of_kind
from qwenlab.runs.plan import PlanRecord

EngineName = Literal["unsloth", "transformers"]
WARM_UP = 3
"""Steps whose speed does not count: kernels are compiled and chosen in them."""

KILLED_AT, SAVED_EACH = 6, 4
"""Killed after this step, between two checkpoints."""

ALWAYS: Mapping[str, object] = {
    "data.fallback": "[]",
    "train.max_eval_samples": 8,
    "train.eval_steps": 1000,  # once before the first step, and then no more
    "train.early_stopping_patience": 0,
    "train.save_steps": 1000,
    "train.max_steps": 6,
}
DRY: Mapping[str, object] = {
    "model.engine": "transformers",
    "model.device_map": "cpu",
    "model.dtype": "float32",
    "data.max_length": 128,
    "train.dataloader_num_workers": 0,
}


@dataclass(frozen=True)
class Training:
    """A recipe, the weights that it trains on, and what is changed in it; `settings` are what --set takes."""

    recipe: str
    weights: str
    engine: EngineName
    settings: Mapping[str, object] = field(default_factory=dict)
    cap_gb: float | None = None
    short_rows: bool = False
    """Rows of a few hundred tokens, not as long as `data.max_length`."""
    dry_rows: int | None = None
    """In a dry run: as if memory ran out above so many rows."""


def train(lab: Lab, training: Training, name: str, until: float) -> Trained:
    """A training from its start to its end.

    Args:
        name: its folder and its log are named after it.

    Raises:
        StepError: it failed, or was not done in time; with the figures of the steps that it made.
    """
    folder = _folder(lab, name)
    try:
        ended = _start(lab, training, name, until)
    except StepError as error:
        raise StepError(str(error), _trained(training, folder)) from None
    figures = _trained(training, folder)
    if ended.code or figures is None:
        raise StepError(_why(folder, ended), figures)
    return figures


def repeat(lab: Lab, training: Training, until: float) -> Repeat:
    """Whether the same training twice is the same training.

    Raises:
        StepError: one of the two failed.
    """
    again = f"twice {training.engine}"
    first = _undisturbed(lab, training, until)
    train(lab, training, again, until)
    return _compared(first, _folder(lab, again))


def resume(lab: Lab, training: Training, until: float) -> Repeat:
    """Whether a training that was killed and resumed is the one that was left alone.

    Raises:
        StepError: one failed, or it ended before it was killed.
    """
    name = f"killed {training.engine}"
    first, second = _undisturbed(lab, training, until), _folder(lab, name)
    killed = _start(lab, training, name, until, ["--kill-at", KILLED_AT])
    if killed.code != -signal.SIGKILL:
        raise StepError(f"it was to be killed, and ended with {killed.code}: {_why(second, killed)}")
    command = [second, "--", "--resume", "last", "--runs", second]
    ended = lab.child("bench.gpu.child", command, f"resumed {training.engine}", until)
    if ended.code:
        raise StepError(_why(second, ended))
    return _compared(first, second)


def run_out(lab: Lab, training: Training, until: float) -> Halving:
    """What happens when a micro-batch does not fit.

    Raises:
        StepError: it failed, or it did fit.
    """
    name = f"out of memory {training.engine}"
    train(lab, training, name, until)
    run = _run(_folder(lab, name))
    assert training.cap_gb
    halved = [note.micro_batch for note in of_kind(run.events, Note) if note.about == "memory" and note.micro_batch]
    if not halved:
        raise StepError(f"the whole micro-batch fitted into {training.cap_gb:g} GB")
    begun_with, engine = run.recipe.train.per_device_train_batch_size, run.read().engine
    return Halving(engine=engine.name if engine else "", micro_batches=[begun_with, *halved], cap_gb=training.cap_gb)


def _undisturbed(lab: Lab, training: Training, until: float) -> Path:
    name = f"once {training.engine}"
    lab.once(name, lambda: train(lab, training, name, until))
    return _folder(lab, name)


def _folder(lab: Lab, name: str) -> Path:
    return lab.runs / slug(name)


def _start(lab: Lab, training: Training, name: str, until: float, options: list[object] | None = None) -> Ended:
    weights, _ = make_weights(lab, training.weights, until)
    characters = 300 if lab.dry else 500 if training.short_rows else 3600
    rows = lab.work / f"rows of {characters}.jsonl"
    lab.once(rows.name, lambda: write_rows(rows, 200 if lab.dry else 480, characters))
    settings = {**ALWAYS, "model.engine": training.engine, **training.settings, **(DRY if lab.dry else {})}
    settings |= {"model.name": weights, "data.source": rows}
    folder = _folder(lab, name)
    folder.mkdir()
    command: list[object] = [folder, *(options or [])]
    command += ["--cap", training.cap_gb] if training.cap_gb else []
    command += ["--rows", training.dry_rows] if training.dry_rows and lab.dry else []
    command += ["--", ROOT / "recipes" / training.recipe, "--runs", folder]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    return lab.child("bench.gpu.child", command, name, until)


def _run(folder: Path) -> Run:
    """The run of a training.

    Raises:
        StepError: it did not come so far as to have one.
    """
    runs = list_runs(folder)
    if not runs:
        raise StepError(f"there is no run in {folder}")
    return runs[-1]


def _why(folder: Path, ended: Ended) -> str:
    """What the run says it failed of; the end of its log where it says nothing."""
    runs = list_runs(folder)
    return (runs[-1].read().error if runs else "") or ended.tail


def _trained(training: Training, folder: Path) -> Trained | None:
    """The figures of the run in that folder; None where it made no step."""
    runs = list_runs(folder)
    engine = runs[-1].read().engine if runs else None
    events = runs[-1].events if runs else []
    steps = of_kind(events, Train)
    if not engine or not steps:
        return None
    peak = _peak(folder / "peak.json")
    speeds = [round(event.tokens_per_second, 1) for event in steps[WARM_UP:] or steps]
    return Trained(
        engine=engine.name,
        dtype=engine.dtype,
        attention=engine.attention,
        deterministic=engine.deterministic,
        cap_gb=training.cap_gb,
        tokens_per_second=statistics.median(speeds),
        slowest=min(speeds),
        fastest=max(speeds),
        losses=[event.loss for event in steps],
        grad_norms=[event.grad_norm for event in steps if event.grad_norm is not None],
        allocated_gb=peak.allocated_gb if peak else None,
        reserved_gb=peak.reserved_gb if peak else None,
        estimate=PlanRecord.read(folder / "plan.json").memory,
        notes=[note.text for note in of_kind(events, Note)],
    )


def _peak(file: Path) -> Peak | None:
    """None: there is no GPU, or the training was killed."""
    return Peak.model_validate_json(file.read_bytes()) if file.exists() else None


def _compared(first: Path, second: Path) -> Repeat:
    one, other = _losses(first), _losses(second)
    both = one.keys() & other.keys()
    engine = _run(second).read().engine
    return Repeat(
        engine=engine.name if engine else "",
        dtype=engine.dtype if engine else "",
        deterministic=engine.deterministic if engine else None,
        same_losses=one == other,
        same_adapter=_adapter_sha256(first) == _adapter_sha256(second),
        largest_difference=max((abs(one[step] - other[step]) for step in both), default=0.0),
        steps=len(both),
    )


def _losses(folder: Path) -> dict[int, float]:
    return {event.step: event.loss for event in of_kind(_run(folder).events, Train)}


def _adapter_sha256(folder: Path) -> str:
    file = _run(folder).adapter / "adapter_model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()
