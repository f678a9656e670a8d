"""What a training run's events say, for the report: the loss curves, and whether they are stable.

Events are dictionaries as runs writes them: `kind`, `step` and the values of that kind. Losses that are not finite
stand there as texts, and are points of no curve.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from qwenlab.report.criteria import Stability
from qwenlab.report.schema import Curve, Point
from qwenlab.stats.types import NotMeasured

MAJOR = ("spike", "infinite_loss", "nan")
"""The notes that tell of a loss that jumped."""

Events = Sequence[dict[str, Any]]


def curve(events: Events) -> Curve:
    """Both losses by step, and the step of the best adapter: the lowest validation loss after the start."""
    validation = tuple(_points(events, "eval", "eval_loss"))
    trained = [point for point in validation if point.step > 0]
    return Curve(
        train=tuple(_points(events, "train", "loss")),
        validation=validation,
        best_step=min(trained, key=lambda point: point.loss).step if trained else None,
    )


def stability(events: Events) -> Stability | NotMeasured:
    """How often the loss jumped, and whether it ended lower than it began.

    By validation where it was done twice, else by the means of the first and the last tenth of the training losses.
    """
    losses = curve(events)
    # A resumed run notes again what happened between its checkpoint and its end.
    spikes = len({event["step"] for event in events if event["kind"] == "note" and event.get("about") in MAJOR})
    if len(losses.validation) > 1:
        return Stability(spikes, losses.validation[-1].loss < losses.validation[0].loss)
    if len(losses.train) > 1:
        first, last = ends(losses.train)
        return Stability(spikes, last < first)
    return NotMeasured(why="the run has no loss curve")


def ends(points: Sequence[Point]) -> tuple[float, float]:
    """The mean losses of the first and the last tenth, of at least one point each."""
    tenth = max(1, len(points) // 10)
    return _mean(points[:tenth]), _mean(points[-tenth:])


def _points(events: Events, kind: str, key: str) -> Iterable[Point]:
    return (Point(event["step"], event[key]) for event in events if event["kind"] == kind and _is_number(event[key]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _mean(points: Sequence[Point]) -> float:
    return sum(point.loss for point in points) / len(points)
