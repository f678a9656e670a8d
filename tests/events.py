"""Points of a training curve, with everything that a test does not speak of filled in."""

from typing import Any

from qwenlab.runs.events import Train


def point(step: int, loss: float, **others: Any) -> Train:
    values: dict[str, Any] = {
        "epoch": 1.0, "learning_rate": 2e-4, "grad_norm": 0.5, "samples_per_second": 8.0, "tokens_per_second": 1000.0,
        "gpu_memory_gb": None, "eta_s": None,
    }  # fmt: skip
    return Train(step=step, loss=loss, **values | others)
