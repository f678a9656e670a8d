"""The curves of a run, from its events."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from qwenlab.runs import Run
from qwenlab.runs.events import Event
from qwenlab.ui.charts import Dot, Line, Mark, Point, line_chart
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
    return lab(loss_chart(happened, total_steps) + small_charts(happened, total_steps))


def loss_chart(happened: Sequence[Event], total_steps: int | None) -> str:
    """Training thin and grey, validation in the accent, its best step a dot with its number, notes as marks."""
    validation = points(happened, "eval", "eval_loss")
    best = min((point for point in validation if point[0] > 0), key=lambda point: point[1], default=None)
    return line_chart(
        "Loss",
        [
            Line("training", points(happened, "train", "loss"), "slate", 1),
            Line("validation", validation, "accent", 2),
        ],
        x_name="step",
        x_end=total_steps or 0,
        dots=[Dot(*best, f"best {best[1]:.3f} at step {best[0]:.0f}")] if best else [],
        marks=[Mark(event["step"], event["text"]) for event in happened if event["kind"] == "note" and "step" in event],
    )


def small_charts(happened: Sequence[Event], total_steps: int | None) -> str:
    """How big the steps are, how they pull, how fast it goes, and on a GPU how full it is."""
    charts = [
        line_chart(title, [Line("", found, "slate", 1.2)], x_name="step", x_end=total_steps or 0, height=90)
        for key, title in SMALL.items()
        if (found := points(happened, "train", key))
    ]
    return f'<div class="row">{"".join(charts)}</div>'
