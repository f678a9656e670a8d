"""The curves of a run, from its events."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from qwenlab.report.charts import Line, Mark, Point, line_chart, loss_chart
from qwenlab.runs import Run
from qwenlab.runs.events import Event, Note, Train, Validation, of_kind
from qwenlab.ui.components import lab
from qwenlab.ui.run_cache import Stamp, events, record, stamp

SMALL: dict[str, Callable[[Train], float | None]] = {
    "learning rate": lambda point: point.learning_rate,
    "gradient norm": lambda point: point.grad_norm,
    "tokens per second": lambda point: point.tokens_per_second,
    "GPU memory, GB": lambda point: point.gpu_memory_gb,
}


def training_loss(happened: Sequence[Event]) -> list[Point]:
    """(step, loss)."""
    return [(event.step, event.loss) for event in of_kind(happened, Train)]


def validation_loss(happened: Sequence[Event]) -> list[Point]:
    """(step, loss)."""
    return [(event.step, event.eval_loss) for event in of_kind(happened, Validation)]


def curves(run: Run) -> str:
    """All charts of the run, as HTML; drawn once, however many browsers look."""
    return _curves(run.folder, stamp(run.events_file), record(run).total_steps)


@lru_cache(maxsize=8)
def _curves(folder: Path, changed: Stamp, total_steps: int | None) -> str:
    happened = events(Run(folder))
    notes = [Mark(note.step, note.text) for note in of_kind(happened, Note)]
    training, validation = training_loss(happened), validation_loss(happened)
    losses = loss_chart(training, validation, x_end=total_steps or 0, marks=notes)
    return lab(losses + small_charts(happened, total_steps))


def small_charts(happened: Sequence[Event], total_steps: int | None) -> str:
    """How big the steps are, how they pull, how fast it goes, and on a GPU how full it is."""
    trained = of_kind(happened, Train)
    curves = {title: [(e.step, v) for e in trained if (v := value(e)) is not None] for title, value in SMALL.items()}
    charts = [
        line_chart(title, [Line("", curve, "slate", 1.2)], x_name="step", x_end=total_steps or 0, height=90)
        for title, curve in curves.items()
        if curve
    ]
    return f'<div class="row">{"".join(charts)}</div>'
