"""events.jsonl: what happened in a run, a line an event, appended and never rewritten."""

import json
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from qwenlab.errors import UserError
from qwenlab.files import Record, drop_torn_line, reason, whole_lines
from qwenlab.runs.record import Status


class _Event(Record):
    time: float = Field(default_factory=lambda: round(time.time(), 3))
    """Seconds since 1970."""
    kind: str
    step: int
    """Steps of the optimiser since the start of the run; 0: before the first."""


class Train(_Event):
    """A point of the training curve."""

    kind: Literal["train"] = "train"
    epoch: float
    loss: float
    """Nats a token, the mean since the last point; may be NaN or infinite."""
    learning_rate: float
    grad_norm: float | None
    samples_per_second: float
    tokens_per_second: float
    gpu_memory_gb: float | None
    """The most that torch has held so far, in GB (10^9 bytes); None on a CPU."""
    eta_s: float | None
    """Seconds that the rest of the training will take."""


class Validation(_Event):
    """The loss on the rows that are held out, in nats/token."""

    kind: Literal["eval"] = "eval"
    eval_loss: float


class StatusChange(_Event):
    """The run took on another status."""

    kind: Literal["status"] = "status"
    status: Status
    ahead: list[str] = []
    """Who holds the GPU, and who waits for it before this run, in order."""
    resumed_from: int | None = None
    """The step of the checkpoint that the run goes on from: what it had logged after that, it logs again."""
    error: str | None = None


class Checkpoint(_Event):
    """A checkpoint was saved; `folder` is its name in the run's folder."""

    kind: Literal["checkpoint"] = "checkpoint"
    folder: str


class Best(_Event):
    """The adapter was saved, since no validation loss was lower."""

    kind: Literal["best"] = "best"
    eval_loss: float


class Note(_Event):
    """Something that whoever reads the curve should know, as a sentence."""

    kind: Literal["note"] = "note"
    about: str
    """Such as `spike`, `nan`, `infinite_loss`, `early_stopping`, `memory`, `determinism`."""
    loss: float | None = None
    """Of a spike; `median` is the usual loss around it."""
    median: float | None = None
    micro_batch: int | None = None
    """Rows that pass through the GPU at once, from here on."""
    text: str


Event: TypeAlias = Train | Validation | StatusChange | Checkpoint | Best | Note

E = TypeVar("E", bound=_Event)

_REPEATED = (Train, Validation, Checkpoint, Best)
"""What a resumed run makes again: the ones after the checkpoint that it went on from no longer count."""

TRAIN_LINE, LINE_START = b'"kind": "train"', 64
"""What a line of the training curve has among its first bytes, as `EventLog` writes it."""

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


class EventLog:
    """Appends events. Each line is flushed, so a killed process loses at most the one it was writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        drop_torn_line(path)

    def write(self, event: Event) -> None:
        """Append `{"time": ..., "kind": ..., "step": ...}`; defaults are left out, NaN and infinity are texts."""
        values = {"time": event.time, "kind": event.kind} | event.model_dump(exclude_defaults=True)
        line = json.dumps({key: _finite(value) for key, value in values.items()}, ensure_ascii=False, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def read_events(path: Path, *, points: int | None = None) -> list[Event]:
    """The events that count, in order; those of a kind that is not known are passed over.

    A torn last line is left out, and where a run was resumed from an earlier step, so is what it had logged after
    that step before it was killed: the resumed process logs those steps again.

    Args:
        points: read about so many points of the training curve at most, evenly spread and with the last: a reader who
            draws needs no more, and parsing a million takes a minute. None: all of them.

    Raises:
        UserError: a whole line is no event.
    """
    events: list[Event] = []
    for event in _parsed(path, _thinned(whole_lines(path), points)):
        if event.kind == "status" and event.resumed_from is not None:
            checkpoint = event.resumed_from
            events = [old for old in events if not isinstance(old, _REPEATED) or old.step <= checkpoint]
        events.append(event)
    return events


def new_events(path: Path, place: int) -> tuple[list[Event], int]:
    """The events that were appended after `place` bytes of the file, and the place after them.

    Raises:
        UserError: as `read_events`; lines are counted from that place.
    """
    lines = whole_lines(path, place)
    return list(_parsed(path, lines)), place + sum(len(line) + 1 for line in lines)


def of_kind(events: Iterable[Event], kind: type[E]) -> list[E]:
    """The events of one kind, in order."""
    return [event for event in events if isinstance(event, kind)]


def _thinned(lines: list[bytes], points: int | None) -> list[bytes]:
    """The lines without some of those of the training curve; an empty one stands for each, so that numbers stay."""
    if points is None or len(lines) <= points:
        return lines
    trained = [number for number, line in enumerate(lines) if TRAIN_LINE in line[:LINE_START]]
    every = math.ceil(len(trained) / points)
    kept = {*trained[::every], *trained[-1:]}
    for number in trained:
        if number not in kept:
            lines[number] = b""
    return lines


def _parsed(path: Path, lines: Iterable[bytes]) -> Iterator[Event]:
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            yield _EVENT.validate_json(line, extra="ignore")
        except ValidationError as error:
            if error.errors()[0]["type"] != "union_tag_invalid":  # of a kind that is not known
                raise UserError(f"{path}, line {number} cannot be read: {reason(error)}.") from None


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
