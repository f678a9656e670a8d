"""events.jsonl: what happened in a run, a line an event, appended and never rewritten."""

import json
import math
import time
from pathlib import Path
from typing import Any, Literal

Kind = Literal["train", "eval", "status", "checkpoint", "best", "note"]
Event = dict[str, Any]

# What a resumed run makes again: of these, the ones after the checkpoint that it went on from no longer count.
_REPEATED: frozenset[Kind] = frozenset({"train", "eval", "checkpoint", "best"})


class EventLog:
    """Appends events. Each line is flushed, so a killed process loses at most the one it was writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._drop_torn_line()

    def write(self, kind: Kind, **values: Any) -> None:
        """Append `{"time": seconds since 1970, "kind": kind, ...}`; NaN and infinity are written as texts."""
        event = {"time": round(time.time(), 3), "kind": kind} | {key: _finite(value) for key, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n")

    def _drop_torn_line(self) -> None:
        """A line that a killed process left unfinished must not swallow the next event."""
        if not self.path.exists():
            return
        with self.path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)


def read_events(path: Path) -> list[Event]:
    """The events that count, in order.

    A torn last line is left out, and where a run was resumed from an earlier step, so is what it had logged after
    that step before it was killed: the resumed process logs those steps again.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    events: list[Event] = []
    for line in lines:
        event = json.loads(line)
        resumed_from = event.get("resumed_from") if event["kind"] == "status" else None
        if resumed_from is not None:
            events = [old for old in events if old["kind"] not in _REPEATED or old["step"] <= resumed_from]
        events.append(event)
    return events


def new_events(path: Path, place: int) -> tuple[list[Event], int]:
    """The events that were appended after `place` bytes of the file, and the place after them."""
    if not path.exists():
        return [], place
    with path.open("rb") as file:
        file.seek(place)
        lines = file.read().split(b"\n")[:-1]
    return [json.loads(line) for line in lines], place + sum(len(line) + 1 for line in lines)


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
