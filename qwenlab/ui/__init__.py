"""The browser lab: everything that the command line does, for people who would rather look than read.

One tab a file. A tab holds no state: all that it shows is read from the run folders, so a reload, a second browser, a
restarted app and a run that was started in a terminal look the same. Only what is being filled in on the Train tab is
kept by the browser. Long work is a process of its own, started by exactly the command that is shown. The tabs know
nothing of each other; what leads from one to the next stands here.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.runs import Run
from qwenlab.ui import theme
from qwenlab.ui.choices import recipe_choices, run_choices
from qwenlab.ui.clock import Clock, connect
from qwenlab.ui.components import QUIET
from qwenlab.ui.faults import tell_faults
from qwenlab.ui.form import PATHS, values_of
from qwenlab.ui.jobs import evaluations
from qwenlab.ui.run_cache import broken
from qwenlab.ui.status_bar import build_strip
from qwenlab.ui.tabs.compare import build_compare_tab
from qwenlab.ui.tabs.data import build_data_tab, settings
from qwenlab.ui.tabs.evaluate import build_evaluate_tab
from qwenlab.ui.tabs.runs import build_runs_tab
from qwenlab.ui.tabs.train import build_train_tab, edited, picked
from qwenlab.ui.theme import THEME
from qwenlab.ui.views.head import TABS
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
                history = build_runs_tab(runs, runs_clock := Clock(tab, strip), page)
        clocks = (data_clock, train_clock, compare_clock, evaluate_clock, runs_clock)
        connect(clocks, strip.pace)
        strip.marks.change(_marked, strip.marks, [clock.tab for clock in clocks[: len(TABS)]], **QUIET)
        for chosen in (train.stage.run, compare.run, evaluate.run):
            chosen.change(None, chosen, strip.hand, js="run => (Array.isArray(run) ? run[0] : run) ?? ''", **QUIET)
        carried = [train.form.control(path) for path in CARRIED]
        data.train.click(_train_on, data.chosen, [tabs, *carried], **QUIET).then(
            partial(edited, runs), [train.recipe, *train.form.controls], train.told, **QUIET
        )
        for button, run in ((train.stage.compare, train.stage.run), (history.compare, history.run)):
            button.click(partial(_open, runs, "compare"), run, [tabs, compare.run], **QUIET)
        for button, run in (
            (train.stage.evaluate, train.stage.run),
            (history.evaluate, history.run),
            (compare.evaluate, compare.run),
        ):
            button.click(partial(_judge, runs), run, [tabs, evaluate.run], **QUIET)
        history.open_recipe.click(
            partial(_open_recipe, runs), history.run, [tabs, train.recipe, *train.form.controls, *train.told], **QUIET
        )
    tell_faults(page)
    page.queue()
    # Gradio looks a thousand times a second whether somebody waits, which takes 4 % of a core from the training.
    page._queue.sleep_when_free = QUEUE_SECONDS
    return page


def _train_on(*chosen: Any) -> list[Any]:
    """Go to the Train tab with the data that was looked at in its form."""
    values = dict(zip(PATHS, values_of(settings(*chosen)), strict=True))
    return [gr.Tabs(selected="train"), *(values[path] for path in CARRIED)]


def _marked(marks: str) -> list[gr.Tab]:
    return [gr.Tab(label=label) for label in json.loads(marks)]


def _open(runs: Path, tab: str, run: str) -> tuple[gr.Tabs, gr.Dropdown]:
    """Go to a tab with the run in hand."""
    found = _found(runs, run)
    return gr.Tabs(selected=tab), gr.Dropdown(run_choices(runs), value=found.name if found else None)


def _judge(runs: Path, chosen: str | list[str]) -> tuple[gr.Tabs, gr.Dropdown]:
    """Go to the result of the run, or the first of several. Where there is none yet, it is asked for at once."""
    name = chosen if isinstance(chosen, str) else next(iter(chosen), "")
    run = _found(runs, name)
    if run and run.adapter.exists() and evaluations.looked_at(runs, run, evaluations.NEWEST) is None:
        evaluations.start(runs, run, [], noise_floor=False)
    return _open(runs, "evaluate", name)


def _open_recipe(runs: Path, run: str) -> list[Any]:
    """Fill the Train tab's form from what a run was trained with."""
    recipe = str(runs / run / "recipe.toml")
    return [gr.Tabs(selected="train"), gr.Dropdown(recipe_choices(runs), value=recipe), *picked(runs, recipe)]


def _found(runs: Path, name: str) -> Run | None:
    """The run of this name, or the latest; None: it is gone, cannot be read, or was chosen in another browser."""
    try:
        found = looked_at(runs, name)
    except UserError:
        return None
    return found if isinstance(found, Run) and not broken(found) else None
