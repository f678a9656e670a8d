"""The curves of a run, from its events."""

from collections.abc import Sequence

from qwenlab.runs.events import Event
from qwenlab.ui.charts import Dot, Line, Mark, Point, line_chart

SMALL = {
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "tokens_per_second": "tokens per second",
    "gpu_memory_gb": "GPU memory, GB",
}


def points(events: Sequence[Event], kind: str, key: str) -> list[Point]:
    """(step, value) of all events that have one. NaN and infinity stand in the file as texts."""
    return [
        (event["step"], float(event[key])) for event in events if event["kind"] == kind and event.get(key) is not None
    ]


def loss_chart(events: Sequence[Event], total_steps: int | None) -> str:
    """Training thin and grey, validation in the accent, its best step a dot with its number, notes as marks."""
    validation = points(events, "eval", "eval_loss")
    best = min((point for point in validation if point[0] > 0), key=lambda point: point[1], default=None)
    return line_chart(
        "Loss",
        [
            Line("training", points(events, "train", "loss"), "slate", 1),
            Line("validation", validation, "accent", 2),
        ],
        x_name="step",
        x_end=total_steps or 0,
        dots=[Dot(*best, f"best {best[1]:.3f} at step {best[0]:.0f}")] if best else [],
        marks=[Mark(event["step"], event["text"]) for event in events if event["kind"] == "note" and "step" in event],
    )


def small_charts(events: Sequence[Event], total_steps: int | None) -> str:
    """How big the steps are, how they pull, how fast it goes, and on a GPU how full it is."""
    charts = [
        line_chart(title, [Line("", found, "slate", 1.2)], x_name="step", x_end=total_steps or 0, height=90)
        for key, title in SMALL.items()
        if (found := points(events, "train", key))
    ]
    return f'<div class="row">{"".join(charts)}</div>'
