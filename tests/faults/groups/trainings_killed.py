"""Trainings that are killed between two lines of their end, between two lines before it, or at any moment."""

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.runs import Run, Status, list_runs
from qwenlab.runs.events import Train, Validation, of_kind
from tests.faults.group import Attempt, LostError
from tests.faults.outcome import lost_where_different
from tests.faults.verbs import At, Ended, Verbs, passed_lines, spread

TITLE = "training killed"
PROMISE = "Resumed, it is the same run: every loss, the best step, and each byte of the adapter."
ALL = 60
FIRST = 2

SHORT = (
    "data.max_samples=40", "data.max_length=128", "train.per_device_train_batch_size=2", "train.max_steps=6",
    "train.save_steps=2", "train.eval_steps=2",
)  # fmt: skip
SHAPES: Mapping[str, tuple[str, ...]] = {
    "validated": ("data.validation_split=0.1",),
    # At the end of a constant rate one step more would show, and what was not logged yet would be lost.
    "constant": ("data.validation_split=0", "train.lr_scheduler_type=constant", "train.logging_steps=4"),
    "stopped early": (
        "data.validation_split=0.1", "train.early_stopping_patience=2", "train.early_stopping_threshold=9",
        "train.max_steps=9", "train.save_steps=4",
    ),
}  # fmt: skip
"""Recipes, by what is particular about them."""

END = {
    "on_log", "on_evaluate", "_save_best", "save_adapter", "replace_folder", "_save_checkpoint",
    "_save_optimizer_and_scheduler", "_save_rng_state", "save_to_json", "rotate_checkpoints", "on_save", "seal",
    "open_to_readers", "on_train_end", "_fit_once", "_check_learned", "_deliver", "tell_drift", "fill_adapter", "_end",
    "_tell_result", "write_atomically", "train", "owned",
}  # fmt: skip
"""Functions between whose lines the end of a run lies."""
TELLING = ("_deliver", "replace_folder", "on_save", "_end", "tell_drift", "rotate_checkpoints", "on_evaluate")
"""Those in which a kill comes first."""

EARLIER, MOMENTS = 12, 12
"""Of all attempts: at a line before the end, and at a moment."""


class Outcome(NamedTuple):
    """What a training leaves that must be the same."""

    losses: dict[int, float]
    validation: dict[int, float]
    best: int | None
    early_stopped: bool
    status: Status
    files: list[str]
    adapter: dict[str, str]
    """SHA-256 by name."""
    drift: float | None


class Whole(NamedTuple):
    """A training that was left alone."""

    outcome: Outcome
    end: list[At]
    """The lines of its end, each once, the telling ones first."""
    before: list[At]
    seconds: float


Place = Callable[[Whole], At | float]


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """First at lines of the end of each shape; then at drawn lines before it; then at drawn moments."""
    draw = random.Random(18)
    with Verbs(folder / "logs") as verbs:
        whole = cache(lambda shape: _whole(verbs, shape, folder / shape))
        for number, (shape, place) in enumerate(_plans(count, draw), start=1):
            known = whole(shape)
            kill = place(known)
            where = f"at {kill}" if isinstance(kill, At) else f"after {kill:.2f} s"
            check = partial(_check, verbs, shape, folder / str(number), kill, known.outcome)
            yield Attempt(f"{shape}, killed {where}", check)


def _plans(count: int, draw: random.Random) -> list[tuple[str, Place]]:
    """So many kills: of which shape of training, and where, once it is known what that passes."""
    ends = max(count - EARLIER - MOMENTS, min(count, FIRST))
    shapes = tuple(SHAPES)
    shares = [ends - ends // 3 - ends // 6, ends // 3, ends // 6]
    plans: list[tuple[str, Place]] = [
        (shape, partial(_line_of_the_end, share, index))
        for shape, share in zip(shapes, shares, strict=True)
        for index in range(share)
    ]
    for kind, number in ((_line_before, EARLIER), (_moment, MOMENTS)):
        plans += [(shapes[index % len(shapes)], partial(kind, draw.random())) for index in range(number)]
    return plans[:count]


def _line_of_the_end(share: int, place: int, whole: Whole) -> At:
    return list(spread(whole.end, share))[place]


def _line_before(drawn: float, whole: Whole) -> At:
    return whole.before[int(drawn * len(whole.before))]


def _moment(drawn: float, whole: Whole) -> float:
    return 0.5 + drawn * whole.seconds


def _whole(verbs: Verbs, shape: str, runs: Path) -> Whole:
    passed = runs.with_suffix(".passed")
    ended = _train(verbs, shape, runs, passed=passed)
    assert ended.code == 0, ended.said
    lines = passed_lines(passed)
    last = max(index for index, at in enumerate(lines) if at.function == "on_step_end")
    begun = next(index for index, at in enumerate(lines) if at.function == "owned")
    end = list({at[:2]: at for at in lines[last:] if at.function in END}.values())
    end.sort(key=lambda at: TELLING.index(at.function) if at.function in TELLING else len(TELLING))
    return Whole(outcome_of(list_runs(runs)[0]), end, lines[begun:last], ended.seconds)


def _train(verbs: Verbs, shape: str, runs: Path, **how: Any) -> Ended:
    settings = [part for setting in (*SHORT, *SHAPES[shape]) for part in ("--set", setting)]
    return verbs.run("train", ["recipes/tiny.toml", *settings, "--runs", runs], **how)


def _check(verbs: Verbs, shape: str, runs: Path, kill: At | float, wanted: Outcome) -> None:
    """Kill, go on, compare."""
    ended = _train(verbs, shape, runs, kill=kill)
    if ended.code not in (-9, 0):
        raise LostError(f"it was not killed, and ended with {ended.code}: {ended.said[-300:]}")
    if isinstance(kill, At) and ended.code == 0:
        raise LostError("it never came to the line where it should have been killed")
    if found := list_runs(runs):
        if found[0].status is not Status.finished:
            ended = verbs.run("train", ["--resume", found[0].name, "--runs", runs])
    else:  # it was killed before there was a run
        ended = _train(verbs, shape, runs)
    if ended.code not in (-9, 0):
        raise LostError(f"it does not go on: {ended.said[-500:]}")
    if running := verbs.left_running():
        raise LostError(f"left running: {running}")
    lost_where_different(outcome_of(list_runs(runs)[0]), wanted)


def outcome_of(run: Run) -> Outcome:
    """What the run's folder says now."""
    record = run.read()
    return Outcome(
        {event.step: event.loss for event in of_kind(run.events, Train)},
        {event.step: event.eval_loss for event in of_kind(run.events, Validation)},
        record.best.step if record.best else None,
        record.early_stopped,
        run.status,
        sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*")),
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.adapter.glob("*.safetensors")},
        run.drift.divergence.value if run.drift else None,
    )
