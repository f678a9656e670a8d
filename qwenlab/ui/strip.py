"""The strip on top of every tab: the machine, who has the GPU, and who waits for it."""

import shutil
import subprocess
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.runs import Run, Status, gpu_waiting, list_runs
from qwenlab.runs.stop import stop
from qwenlab.ui.html import lab, text
from qwenlab.ui.watch import events, name, record, status
from qwenlab.ui.words import time_left


class Strip(NamedTuple):
    """What the others may listen to."""

    stop: gr.Button


def build_strip(runs: Path, clock: gr.Timer, page: gr.Blocks) -> Strip:
    """The line and its button, kept up to date by the clock."""
    with gr.Row(elem_id="strip", equal_height=True):
        line = gr.HTML(elem_id="machine")
        button = gr.Button("Stop and save", visible=False, size="sm", scale=0, min_width=150)
    for happens in (clock.tick, page.load):
        happens(
            partial(show, runs), None, [line, button], queue=False, show_progress="hidden", api_visibility="private"
        )
    button.click(partial(stop_training, runs), None, [line, button], queue=False, api_visibility="private")
    return Strip(button)


def show(runs: Path) -> tuple[str, gr.Button]:
    """The line as HTML, and the button where there is something to stop."""
    run = training(runs)
    waiting = gpu_waiting(runs)
    parts = [machine(), *_training(run), *_others(run, waiting)]
    line = lab(f'<div class="strip">{" · ".join(parts)}</div>')
    stopping = run is not None and record(run).status is Status.stopping
    label = "Stopping: saving a checkpoint" if stopping else "Stop and save"
    return line, gr.Button(label, visible=run is not None, interactive=not stopping)


def stop_training(runs: Path) -> tuple[str, gr.Button]:
    """Ask the training at work to save and end."""
    run = training(runs)
    if run:
        stop(run)
    return show(runs)


def training(runs: Path) -> Run | None:
    """The training at work: the one that has the GPU, or else one that gets ready for it."""
    living = [run for run in list_runs(runs) if status(run).claims_life]
    busy = [run for run in living if record(run).status is not Status.queued]
    return next(iter(busy or living), None)


@cache
def machine() -> str:
    """The GPU's name and memory as its driver tells them, without torch; looked up once."""
    if not shutil.which("nvidia-smi"):
        return "No GPU: everything runs on the tiny Qwen"
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20)
    if answer.returncode or not answer.stdout.strip():
        return "No GPU: everything runs on the tiny Qwen"
    name, _, mebibytes = answer.stdout.splitlines()[0].rpartition(",")
    return text(f"{name.strip()} · {float(mebibytes) * 2**20 / 1e9:.0f} GB")


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA card with a driver."""
    return not machine().startswith("No GPU")


def _training(run: Run | None) -> list[str]:
    if run is None:
        return ["at rest"]
    known = record(run)
    if known.status is Status.queued:
        return [f"getting ready: {text(name(run))}"]
    steps = [event for event in events(run) if event["kind"] == "train"]
    if not steps or not known.total_steps:
        return [f"loading the model for {text(name(run))}"]
    share = 100 * steps[-1]["step"] / known.total_steps
    return [f"training <b>{text(name(run))}</b> {share:.0f} %", time_left(steps[-1]["eta_s"])]


def _others(run: Run | None, line: list[str]) -> list[str]:
    """Who else holds the GPU or waits for it."""
    name = run.name if run else None
    holder, waiting = line[:1], line[1:]
    parts = [f"the GPU is with {text(who)}" for who in holder if who != name]
    names = ", then ".join(text(who) for who in waiting)
    return parts + ([f"waiting: {names}"] if waiting else [])
