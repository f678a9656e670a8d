"""Runs as their processes leave them, without training; and pages, without a server."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.record import Score

Built = TypeVar("Built")


def built(make: Callable[[], Built]) -> Built:
    """What `make` builds of Gradio's parts. Where no event loop runs, Gradio makes one and leaves it open."""

    async def inside() -> Built:
        return make()

    return asyncio.run(inside())


def made_run(runs: Path, name: str = "made", steps: int = 20, status: Status = Status.finished, **changes: Any) -> Run:
    """A run of `steps` steps with a validation every fifth, a note, and an adapter."""
    train = changes.pop("train", {})
    run = Run.create(runs, Recipe().with_values(data={"source": "tiny"}, train=train), name)
    log = run.log
    log.write("eval", step=0, eval_loss=2.0)
    for step in range(1, steps + 1):
        log.write(
            "train", step=step, epoch=step / steps, loss=2.0 / step, learning_rate=1e-4, grad_norm=0.5,
            samples_per_second=8.0, tokens_per_second=1000.0, gpu_memory_gb=None, eta_s=float(steps - step),
        )  # fmt: skip
        if step % 5 == 0:
            log.write("eval", step=step, eval_loss=1.0 + abs(step - 10) / 10)
    log.write("note", step=7, about="spike", text="loss spike <b>")
    now = datetime.now(UTC)
    best = Score(step=10, eval_loss=1.0)
    values = {
        "status": status, "started": now, "finished": now, "step": steps, "total_steps": 40, "base_eval_loss": 2.0,
        "best": best,
    }  # fmt: skip
    run.update(**values | changes)
    run.adapter.mkdir()
    return run
