"""The head of every tab: what the machine is at, who waits for it, and which stations the run in hand has passed."""

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab import nvidia
from qwenlab.errors import UserError
from qwenlab.runs import Run, Status, find_run
from qwenlab.runs.gpu_queue import leave, move_first
from qwenlab.runs.stop import stop
from qwenlab.ui.components import QUIET, pulse, text
from qwenlab.ui.polling import POLL_SECONDS, Audience
from qwenlab.ui.run_cache import readable, record, status
from qwenlab.ui.views.head import head, labels

Look = Callable[[gr.Request, str], tuple[str, str, str]]

NO_GPU = "No GPU: everything runs on the tiny Qwen"

TELL = """element.addEventListener("click", event => {
  const button = event.target.closest("button[data-act]");
  if (button) { button.disabled = true; trigger("click", {act: button.dataset.act, name: button.dataset.name}); }
});"""
"""A press of one of the buttons in the line, told to the server with what the button is bound to."""


class Strip(NamedTuple):
    """The line, and how often this browser asks for it."""

    look: Look
    outputs: list[Any]
    """What `look` fills."""
    pace: gr.Textbox
    """Seconds between two questions of this browser."""
    hand: gr.Textbox
    """The run in hand, by its folder's name; empty: the latest."""
    marks: gr.Textbox
    """What of it is done, as text."""

    def beside(self, answer: Callable[..., Sequence[Any]]) -> Callable[..., list[Any]]:
        """A handler that answers for the strip as well; its inputs begin with the run in hand, its outputs with the
        strip's."""

        def both(request: gr.Request, hand: str, *values: Any) -> list[Any]:
            return [*self.look(request, hand), *answer(*values)]

        return both


def build_strip(runs: Path, page: gr.Blocks) -> Strip:
    """The strip, filled when the page is opened and whenever somebody asks."""
    with gr.Row(elem_id="strip"):
        line = gr.HTML(elem_id="machine", js_on_load=TELL)
    pace, hand, marks = pulse(str(POLL_SECONDS)), pulse(), pulse()
    audience = Audience()

    def look(request: gr.Request, hand: str) -> tuple[str, str, str]:
        return show(runs), str(audience.pace(request.session_hash or "")), json.dumps(stations(runs, hand))

    def pressed(event: gr.EventData) -> str:
        return acted(runs, event._data)

    page.load(look, hand, [line, pace, marks], **QUIET)
    line.click(pressed, None, line, **QUIET)
    return Strip(look, [line, pace, marks], pace, hand, marks)


def show(runs: Path) -> str:
    """The line as HTML."""
    return head(runs, machine(), training(runs), has_gpu())


def acted(runs: Path, told: Any) -> str:
    """Do what the button says to the one that it named when it was drawn."""
    asked = told if isinstance(told, dict) else {}
    act, who = asked.get("act"), str(asked.get("name"))
    if act == "stop":
        with contextlib.suppress(UserError):  # it is gone
            stop(find_run(runs, who))
    elif act == "first":
        move_first(runs, who)
    elif act == "leave":
        leave(runs, who)
    return show(runs)


def stations(runs: Path, name: str) -> list[str]:
    """The stations' names, with what is done for the run of this name; without a name, for the latest."""
    known = {run.name: run for run in readable(runs)}
    latest = max(known.values(), key=lambda run: record(run).created, default=None)
    return labels(known.get(name, latest))


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
        return NO_GPU
    card = found[0]
    return text(f"{card.name} · {card.memory_gb:.0f} GB" if card.memory_gb else card.name)


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA card with a driver."""
    return machine() != NO_GPU
