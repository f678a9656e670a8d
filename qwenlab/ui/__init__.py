"""The browser lab: everything that the command line does, for people who would rather look than read.

One tab a file. A tab holds no state: all that it shows is read from the run folders, so a reload, a second browser, a
restarted app and a run that was started in a terminal look the same. Only what is being filled in on the Train tab is
kept by the browser. Long work is a process of its own, started by exactly the command that is shown. The tabs know
nothing of each other; what leads from one to the next stands here.
"""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.runs import Run
from qwenlab.ui import theme
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock, connect
from qwenlab.ui.components import QUIET
from qwenlab.ui.faults import tell_faults
from qwenlab.ui.form import PATHS, values_of
from qwenlab.ui.status_bar import build_strip
from qwenlab.ui.tabs.compare import build_compare_tab
from qwenlab.ui.tabs.data import build_data_tab, settings
from qwenlab.ui.tabs.evaluate import build_evaluate_tab
from qwenlab.ui.tabs.runs import build_runs_tab
from qwenlab.ui.tabs.train import build_train_tab, edited
from qwenlab.ui.theme import THEME
from qwenlab.ui.views.run_panel import looked_at

__all__ = ["CSS", "THEME", "build"]

CSS = theme.CSS

QUEUE_SECONDS = 0.05
"""How long an answer in the queue waits at most before it begins."""

CARRIED = [path for path in PATHS if path.startswith("data.") or path == "model.name"]
"""The settings that the Data tab hands to the Train tab."""


def build(runs: Path) -> gr.Blocks:
    """The whole page, over this folder of runs."""
    page: gr.Blocks
    with gr.Blocks(title="qwenlab", fill_width=True, analytics_enabled=False) as page:
        strip = build_strip(runs, page)
        # A first-time user finds the tiny recipe chosen here, and the button that starts it.
        with gr.Tabs(selected="train") as tabs:
            with gr.Tab("Data", id="data") as tab:
                data = build_data_tab(runs, data_clock := Clock(tab, strip), page)
            with gr.Tab("Train", id="train") as tab:
                train = build_train_tab(runs, train_clock := Clock(tab, strip, active=True), page)
            with gr.Tab("Compare", id="compare") as tab:
                compare = build_compare_tab(runs, compare_clock := Clock(tab, strip), page)
            with gr.Tab("Result", id="evaluate") as tab:
                evaluate = build_evaluate_tab(runs, evaluate_clock := Clock(tab, strip), page)
            with gr.Tab("Runs", id="runs") as tab:
                build_runs_tab(runs, runs_clock := Clock(tab, strip), page)
        connect((data_clock, train_clock, compare_clock, evaluate_clock, runs_clock), strip.pace)
        carried = [train.form.control(path) for path in CARRIED]
        data.train.click(_train_on, data.chosen, [tabs, *carried], **QUIET).then(
            partial(edited, runs), [train.recipe, *train.form.controls], train.told, **QUIET
        )
        for button, name, tab in (
            (train.stage.compare, "compare", compare),
            (train.stage.evaluate, "evaluate", evaluate),
        ):
            button.click(
                partial(_open, runs, name), train.stage.run, [tabs, tab.run], queue=False, api_visibility="private"
            )
        compare.evaluate.click(partial(_evaluate, runs), compare.run, [tabs, evaluate.run], **QUIET)
    tell_faults(page)
    page.queue()
    # Gradio looks a thousand times a second whether somebody waits, which takes 4 % of a core from the training.
    page._queue.sleep_when_free = QUEUE_SECONDS
    return page


def _train_on(*chosen: Any) -> list[Any]:
    """Go to the Train tab with the data that was looked at in its form."""
    values = dict(zip(PATHS, values_of(settings(*chosen)), strict=True))
    return [gr.Tabs(selected="train"), *(values[path] for path in CARRIED)]


def _open(runs: Path, tab: str, run: str) -> tuple[gr.Tabs, gr.Dropdown]:
    """Go to a tab with the run in hand."""
    try:
        found = looked_at(runs, run)
    except UserError:  # it is gone, or was chosen in another browser
        found = None
    return gr.Tabs(selected=tab), gr.Dropdown(run_choices(runs), value=found.name if isinstance(found, Run) else None)


def _evaluate(runs: Path, names: list[str]) -> tuple[gr.Tabs, gr.Dropdown]:
    """Go from the runs that were compared to the evaluation of the first."""
    return _open(runs, "evaluate", names[0] if names else "")
