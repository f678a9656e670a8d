"""The curves of a run, from its events."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qwenlab.report.charts import Line, Mark, Point, line_chart, loss_chart
from qwenlab.runs import Run
from qwenlab.runs.events import Event
from qwenlab.ui.components import lab
from qwenlab.ui.run_cache import Stamp, events, record, stamp

SMALL = {
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "tokens_per_second": "tokens per second",
    "gpu_memory_gb": "GPU memory, GB",
}


def points(happened: Sequence[Event], kind: str, key: str) -> list[Point]:
    """(step, value) of all events that have one. NaN and infinity stand in the file as texts."""
    return [
        (event["step"], float(event[key])) for event in happened if event["kind"] == kind and event.get(key) is not None
    ]


def curves(run: Run) -> str:
    """All charts of the run, as HTML; drawn once, however many browsers look."""
    return _curves(run.folder, stamp(run.events_file), record(run).total_steps)


@lru_cache(maxsize=8)
def _curves(folder: Path, changed: Stamp, total_steps: int | None) -> str:
    happened = events(Run(folder))
    notes = [Mark(event["step"], event["text"]) for event in happened if event["kind"] == "note" and "step" in event]
    training, validation = points(happened, "train", "loss"), points(happened, "eval", "eval_loss")
    losses = loss_chart(training, validation, x_end=total_steps or 0, marks=notes)
    return lab(losses + small_charts(happened, total_steps))


def small_charts(happened: Sequence[Event], total_steps: int | None) -> str:
    """How big the steps are, how they pull, how fast it goes, and on a GPU how full it is."""
    charts = [
        line_chart(title, [Line("", found, "slate", 1.2)], x_name="step", x_end=total_steps or 0, height=90)
        for key, title in SMALL.items()
        if (found := points(happened, "train", key))
    ]
    return f'<div class="row">{"".join(charts)}</div>'
