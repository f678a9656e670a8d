"""The Data tab."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr

from qwenlab.ui.html import card


class DataTab(NamedTuple):
    """What other tabs may set."""


def build_data_tab(runs: Path, clock: gr.Timer, page: gr.Blocks) -> DataTab:
    """Built inside `gr.Tab`."""
    gr.HTML(card("Data"))
    return DataTab()
