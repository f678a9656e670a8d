"""The curves of a run, from its events: sent to a browser piece by piece, and read in a sentence.

`static/curves.js` draws them and keeps what it has; a browser that asks says how far that reaches.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qwenlab.report.charts import Point, thinned
from qwenlab.runs import Run
from qwenlab.runs.events import Event, Note, Train, Validation, of_kind
from qwenlab.ui.components import text
from qwenlab.ui.run_cache import record

MOST_POINTS = 400
"""Of a line in one piece; neighbours are averaged where there are more. A chart is about a thousand pixels wide."""
DIGITS = 5

TRAINED: dict[str, Callable[[Train], float | None]] = {
    "loss": lambda point: point.loss,
    "learning rate": lambda point: point.learning_rate,
    "gradient norm": lambda point: point.grad_norm,
    "tokens per second": lambda point: point.tokens_per_second,
    "GPU memory, GB": lambda point: point.gpu_memory_gb,
}
"""What of a step is drawn: the loss large, and each of the others small under its name."""

FLAT = 0.02
"""Share of the whole fall of the validation loss below which a further fall is called flat."""
FEWEST = 3
"""Validations over which it must be flat or rise before that is said: one may be chance."""


class Reach(NamedTuple):
    """How far a browser's curves reach."""

    key: str = ""
    """The run, and when it was last started: what is done again replaces what was."""
    trained: int = -1
    """The last step with a training loss."""
    validated: int = -1
    notes: int = 0


def training_loss(happened: Sequence[Event]) -> list[Point]:
    """(step, loss)."""
    return [(event.step, event.loss) for event in of_kind(happened, Train)]


def validation_loss(happened: Sequence[Event]) -> list[Point]:
    """(step, loss)."""
    return [(event.step, event.eval_loss) for event in of_kind(happened, Validation)]


def news(run: Run, happened: Sequence[Event], reach: Reach) -> tuple[Reach, str]:
    """What a browser does not have yet, as HTML for `static/curves.js`, and how far it will reach then."""
    known = record(run)
    key = f"{run.name} {known.started}"
    if reach.key != key:
        reach = Reach(key)
    trained = [event for event in of_kind(happened, Train) if event.step > reach.trained]
    validated = [point for point in validation_loss(happened) if point[0] > reach.validated]
    notes = of_kind(happened, Note)
    series = {
        name: sent([(e.step, v) for e in trained if (v := value(e)) is not None]) for name, value in TRAINED.items()
    }
    begun = next((event.time for event in of_kind(happened, Train)), 0.0)
    series |= {"eval_loss": sent(validated), "time": sent([(event.step, event.time - begun) for event in trained])}
    told: dict[str, Any] = {
        "key": key,
        "total": known.total_steps or 0,
        "series": {name: points for name, points in series.items() if points},
    }
    if len(notes) != reach.notes:
        told["marks"] = [[note.step, note.text] for note in notes]
    now = Reach(
        key,
        trained[-1].step if trained else reach.trained,
        int(validated[-1][0]) if validated else reach.validated,
        len(notes),
    )
    return now, _packed(told)


def none() -> str:
    """For a run without curves."""
    return _packed({"key": ""})


def reading(validation: Sequence[Point]) -> str:
    """What the validation loss says, as a sentence; empty where it says nothing yet."""
    points = [point for point in validation if math.isfinite(point[1])]
    if len(points) < FEWEST:
        return ""
    best = min(points, key=lambda point: point[1])
    after = points[points.index(best) + 1 :]
    if best is points[0]:
        return "Validation loss has not fallen below where it began."
    if len(after) >= FEWEST - 1 and all(loss > best[1] for _, loss in after):
        return f"Validation loss has risen since step {best[0]:,.0f}: the model learns its rows by heart (overfitting)."
    fall = points[0][1] - best[1]
    flat = next(place for place, (_, loss) in enumerate(points) if loss - best[1] <= FLAT * fall)
    if len(points) - flat > FEWEST:
        return f"Validation loss has been flat since step {points[flat][0]:,.0f}: more steps would add little."
    return "Validation loss is still falling: more epochs may help."


def sent(points: Sequence[Point]) -> list[list[float | None]]:
    """The points as they go to a browser: not too many, not too exact. Not a number is null, which JSON can say."""
    return [[x, float(f"{y:.{DIGITS}g}") if math.isfinite(y) else None] for x, y in thinned(points, MOST_POINTS)]


def _packed(told: dict[str, Any]) -> str:
    return f'<i class="news" hidden data-news="{text(json.dumps(told, separators=(",", ":")))}"></i>'
