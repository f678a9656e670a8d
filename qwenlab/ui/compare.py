"""The Compare tab."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.ui.choices import run_choices
from qwenlab.ui.html import card


class CompareTab(NamedTuple):
    """What other tabs may set."""

    run: gr.Dropdown
    """The run that is looked at, by name."""


def build_compare_tab(runs: Path, clock: gr.Timer, page: gr.Blocks) -> CompareTab:
    """Built inside `gr.Tab`; `clock` ticks every two seconds, `page.load` when a browser opens the page."""
    run = gr.Dropdown(run_choices(runs), label="Run", info="the adapter that is looked at")
    gr.HTML(card("Here base and tuned will answer the same prompt side by side."))
    return CompareTab(run)
