"""The strip on top of every tab: the machine, who has the GPU, and who waits for it."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab import nvidia
from qwenlab.errors import UserError
from qwenlab.runs import Run, Status, gpu_waiting
from qwenlab.runs.events import Train, of_kind
from qwenlab.runs.stop import stop
from qwenlab.text import time_left
from qwenlab.ui.components import QUIET, lab, pulse, text
from qwenlab.ui.polling import POLL_SECONDS, Audience
from qwenlab.ui.run_cache import events, name, readable, record, status

Look = Callable[[gr.Request], tuple[str, str, str]]


class Strip(NamedTuple):
    """The line, its button, and how often this browser asks for them."""

    look: Look
    outputs: list[Any]
    """What `look` fills."""
    pace: gr.Textbox
    """Seconds between two questions of this browser."""

    def beside(self, answer: Callable[..., Sequence[Any]]) -> Callable[..., list[Any]]:
        """A handler that answers for the strip as well; its outputs begin with the strip's."""

        def both(request: gr.Request, *values: Any) -> list[Any]:
            return [*self.look(request), *answer(*values)]

        return both


def build_strip(runs: Path, page: gr.Blocks) -> Strip:
    """The strip, filled when the page is opened and whenever somebody asks."""
    with gr.Row(elem_id="strip", equal_height=True):
        line = gr.HTML(elem_id="machine")
        button = gr.Button("Stop and save", visible=False, size="sm", scale=0, min_width=150)
    pace, stoppable = pulse(str(POLL_SECONDS)), pulse()
    audience = Audience()

    def look(request: gr.Request) -> tuple[str, str, str]:
        return *show(runs), str(audience.pace(request.session_hash or ""))

    page.load(look, None, [line, stoppable, pace], **QUIET)
    stoppable.change(stop_button, stoppable, button, **QUIET)
    button.click(partial(stop_training, runs), None, [line, stoppable], **QUIET)
    return Strip(look, [line, stoppable, pace], pace)


def show(runs: Path) -> tuple[str, str]:
    """The line as HTML, and how the training can be stopped: `""` where there is none."""
    run = training(runs)
    waiting = gpu_waiting(runs)
    parts = [machine(), *_training(run), *_others(run, waiting)]
    line = lab(f'<div class="strip">{" · ".join(parts)}</div>')
    return line, str(record(run).status) if run else ""


def stop_button(status: str) -> gr.Button:
    """The button for a training of this status."""
    stopping = status == Status.stopping
    label = "Stopping: saving a checkpoint" if stopping else "Stop and save"
    return gr.Button(label, visible=bool(status), interactive=not stopping)


def stop_training(runs: Path) -> tuple[str, str]:
    """Ask the training at work to save and end."""
    run = training(runs)
    if run:
        stop(run)
    return show(runs)


def training(runs: Path) -> Run | None:
    """The training at work: the one that has the GPU, or else one that gets ready for it."""
    living = [run for run in readable(runs) if status(run).claims_life]
    busy = [run for run in living if record(run).status is not Status.queued]
    return next(iter(busy or living), None)


@cache
def machine() -> str:
    """The GPU's name and memory as its driver tells them, without torch; looked up once."""
    found = nvidia.cards()
    if not found:
        return "No GPU: everything runs on the tiny Qwen"
    card = found[0]
    return text(f"{card.name} · {card.memory_gb:.0f} GB" if card.memory_gb else card.name)


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA card with a driver."""
    return not machine().startswith("No GPU")


def _training(run: Run | None) -> list[str]:
    if run is None:
        return ["idle"]
    known = record(run)
    if known.status is Status.queued:
        return [f"getting ready: {text(name(run))}"]
    try:
        steps = of_kind(events(run), Train)
    except UserError:  # the Runs tab says why
        return [f"training <b>{text(name(run))}</b>"]
    if not steps or not known.total_steps:
        return [f"loading the model for {text(name(run))}"]
    share = 100 * steps[-1].step / known.total_steps
    return [f"training <b>{text(name(run))}</b> {share:.0f} %", time_left(steps[-1].eta_s)]


def _others(run: Run | None, line: list[str]) -> list[str]:
    """Who else holds the GPU or waits for it."""
    name = run.name if run else None
    holder, waiting = line[:1], line[1:]
    has = "the GPU is with" if has_gpu() else "at work:"
    parts = [f"{has} {text(who)}" for who in holder if who != name]
    names = ", then ".join(text(who) for who in waiting)
    return parts + ([f"waiting: {names}"] if waiting else [])
