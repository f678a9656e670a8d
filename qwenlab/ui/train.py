"""The Train tab."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.ui.choices import run_choices
from qwenlab.ui.html import card


class TrainTab(NamedTuple):
    """What leads on from here."""

    run: gr.Dropdown
    compare: gr.Button
    evaluate: gr.Button


def build_train_tab(runs: Path, clock: gr.Timer, page: gr.Blocks) -> TrainTab:
    """Built inside `gr.Tab`."""
    gr.HTML(card("Train"))
    run = gr.Dropdown(run_choices(runs), label="Run")
    return TrainTab(run, gr.Button("Compare"), gr.Button("Did it help?"))
