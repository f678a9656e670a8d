"""The Runs tab."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.ui.html import card


class RunsTab(NamedTuple):
    """What other tabs may set."""


def build_runs_tab(runs: Path, clock: gr.Timer, page: gr.Blocks) -> RunsTab:
    """Built inside `gr.Tab`."""
    gr.HTML(card("Runs"))
    return RunsTab()
