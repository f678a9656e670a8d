"""Runs as their processes leave them, without training; and pages, without a server."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.events import Note, Validation
from qwenlab.runs.record import Score
from qwenlab.runs.samples import Sample, SampleAnswer, SamplePrompt, SamplePrompts, Turn, append_sample
from tests.events import point

Built = TypeVar("Built")


def built(make: Callable[[], Built]) -> Built:
    """What `make` builds of Gradio's parts. Where no event loop runs, Gradio makes one and leaves it open."""

    async def inside() -> Built:
        return make()

    return asyncio.run(inside())


def made_run(runs: Path, name: str = "made", steps: int = 20, status: Status = Status.finished, **changes: Any) -> Run:
    """A run of `steps` steps with a validation every fifth, a note, and an adapter."""
    train, data = changes.pop("train", {}), {"source": "tiny"} | changes.pop("data", {})
    run = Run.create(runs, Recipe().with_values(data=data, train=train), name)
    now = datetime.now(UTC)
    log = run.log
    log.write(Validation(step=0, eval_loss=2.0))
    for step in range(1, steps + 1):
        log.write(point(step, 2.0 / step, epoch=step / steps, eta_s=float(steps - step)))
        if step % 5 == 0:
            log.write(Validation(step=step, eval_loss=1.0 + abs(step - 10) / 10))
    log.write(Note(step=7, about="spike", text="loss spike <b>"))
    best = Score(step=10, eval_loss=1.0)
    values = {
        "status": status, "started": now, "finished": now, "step": steps, "total_steps": 40, "base_eval_loss": 2.0,
        "best": best,
    }  # fmt: skip
    run.update(**values | changes)
    run.adapter.mkdir()
    return run


def made_prompts(run: Run, questions: Sequence[str], answers: Sequence[str]) -> None:
    """Held-out prompts with the data's answers."""
    prompts = [
        SamplePrompt(file="a.csv", row=row, messages=[Turn(role="user", content=question)], answer=answer)
        for row, (question, answer) in enumerate(zip(questions, answers, strict=True), start=1)
    ]
    SamplePrompts(prompts=prompts, thinking=None, max_new_tokens=128).write(run.sample_prompts_file)


def made_sample(run: Run, step: int, *texts: str) -> None:
    """What the model answered them after that step."""
    answers = [SampleAnswer(text=text, tokens=5) for text in texts]
    append_sample(run.samples_file, Sample(step=step, seconds=0.5, answers=answers))
