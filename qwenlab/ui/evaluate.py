"""The Evaluate tab."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.ui.choices import run_choices
from qwenlab.ui.html import card


class EvaluateTab(NamedTuple):
    """What other tabs may set."""

    run: gr.Dropdown
    """The run that is looked at, by name."""


def build_evaluate_tab(runs: Path, clock: gr.Timer, page: gr.Blocks) -> EvaluateTab:
    """Built inside `gr.Tab`; `clock` ticks every two seconds, `page.load` when a browser opens the page."""
    run = gr.Dropdown(run_choices(runs), label="Run", info="the adapter that is looked at")
    gr.HTML(card("Here a run will be judged: did the training help?"))
    return EvaluateTab(run)
