"""What a training run's events say, for the report: the loss curves, and whether they are stable.

Losses that are not finite are points of no curve.
"""

import math
from collections.abc import Iterable, Sequence

from qwenlab.report.criteria import Stability
from qwenlab.report.schema import Curve, Point
from qwenlab.runs.events import Event, Note, Train, Validation, of_kind
from qwenlab.stats.types import NotMeasured

MAJOR = ("spike", "infinite_loss", "nan")
"""The notes that tell of a loss that jumped."""


def curve(events: Sequence[Event]) -> Curve:
    """Both losses by step, and the step of the best adapter: the lowest validation loss after the start."""
    validation = _finite(Point(event.step, event.eval_loss) for event in of_kind(events, Validation))
    trained = [point for point in validation if point.step > 0]
    return Curve(
        train=_finite(Point(event.step, event.loss) for event in of_kind(events, Train)),
        validation=validation,
        best_step=min(trained, key=lambda point: point.loss).step if trained else None,
    )


def stability(events: Sequence[Event]) -> Stability | NotMeasured:
    """How often the loss jumped, and whether it ended lower than it began.

    By validation where it was done twice, else by the means of the first and the last tenth of the training losses.
    """
    losses = curve(events)
    # A resumed run notes again what happened between its checkpoint and its end.
    spikes = len({note.step for note in of_kind(events, Note) if note.about in MAJOR})
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


def _finite(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if math.isfinite(point.loss))


def _mean(points: Sequence[Point]) -> float:
    return sum(point.loss for point in points) / len(points)
