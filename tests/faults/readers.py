"""All that reads a run without a model: the command line's first steps, the library, and the app's handlers."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qwenlab as ql
from qwenlab.exporting.card import evaluation_sentence
from qwenlab.jobs.evaluate import begin, newest, unfinished
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.report.schema import read_report
from qwenlab.runs import Run, find_run, list_evaluations, list_runs
from qwenlab.runs.comparisons import list_comparisons, tally
from qwenlab.runs.label import read_label
from qwenlab.runs.mode import check_mode
from qwenlab.runs.resolve import choose_job
from qwenlab.runs.shared_base import shared_base
from qwenlab.ui import _judge, _open, _open_recipe, evaluation_form, prompts, question, shown
from qwenlab.ui.choices import recipe_choices, run_choices
from qwenlab.ui.form import PATHS, values_of
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.status_bar import acted, stations
from qwenlab.ui.status_bar import show as strip
from qwenlab.ui.tabs import compare, evaluate, train
from qwenlab.ui.tabs import runs as history
from qwenlab.ui.views import run_panel
from qwenlab.ui.views.history import table
from qwenlab.ui.views.plan import plan_card
from qwenlab.ui.views.run_details import able, labels

Reader = Callable[[Path, str], Any]
"""Of the folder of all runs, and the name of one."""

SETTINGS = [getattr(Recipe().evaluate, key) for key in evaluation_form.KEYS]


def _look(runs: Path, name: str) -> list[Any]:
    evaluations = [each.name for each in list_evaluations(Run(runs / name))]
    return [evaluate.look(runs, name, each, ("", "")) for each in (NEWEST, *evaluations)]


def _comparisons(runs: Path, name: str) -> list[Any]:
    kept = [path.stem for path in (runs / name / "comparisons").glob("*")]
    return [shown.looked(runs, f"{name}/{each}") for each in (*kept, "")]


def _others(runs: Path, name: str) -> list[str]:
    return [name, *(run.name for run in list_runs(runs) if run.name != name)]


VERBS: dict[str, Reader] = {
    "train --resume": lambda runs, name: choose_job(runs, None, [], resume=name),
    "train --extend": lambda runs, name: choose_job(runs, None, ["train.max_steps=99"], extend=name),
    "train --start-from": lambda runs, name: choose_job(runs, None, [], start_from=name),
    "train the run's recipe": lambda runs, name: read_recipe(runs / name / "recipe.toml"),
    "evaluate": lambda runs, name: begin(find_run(runs, name), find_run(runs, name).recipe.evaluate),
    "evaluate --resume": lambda runs, name: unfinished(find_run(runs, name)).read(),
    "evaluate --rejudge": lambda runs, name: newest(find_run(runs, name)).read(),
    "serve, compare": lambda runs, name: shared_base({name: find_run(runs, name)}),
    "in which mode": lambda runs, name: check_mode(find_run(runs, name)),
    "export's card": lambda runs, name: evaluation_sentence(find_run(runs, name)),
    "the last run": lambda runs, name: find_run(runs, "last"),
    "part of a name": lambda runs, name: find_run(runs, name[3:]),
    "ql.runs": lambda runs, name: [run.name for run in ql.runs(runs)],
    "run.status": lambda runs, name: Run(runs / name).status,
    "run.events": lambda runs, name: Run(runs / name).events,
    "run.drift": lambda runs, name: Run(runs / name).drift,
    "run.checkpoints": lambda runs, name: Run(runs / name).checkpoints,
    "the label": lambda runs, name: read_label(Run(runs / name)),
    "the reports": lambda runs, name: [read_report(each.report_file) for each in list_evaluations(Run(runs / name))],
    "the comparisons": lambda runs, name: (list_comparisons(Run(runs / name)), tally(Run(runs / name))),
}
"""May raise `UserError`, and nothing else."""

HANDLERS: dict[str, Reader] = {
    "strip": lambda runs, name: strip(runs),
    "strip: stop": lambda runs, name: acted(runs, {"act": "stop", "name": name}),
    "strip: stations": lambda runs, name: (stations(runs, name), stations(runs, "")),
    "all runs": lambda runs, name: (run_choices(runs), recipe_choices(runs)),
    "Train: recipe": lambda runs, name: train.picked(runs, str(runs / name / "recipe.toml")),
    "Train: start": lambda runs, name: train.edited(
        runs, str(runs / name / "recipe.toml"), *values_of(Recipe())[: len(PATHS)]
    ),
    "Train: plan": lambda runs, name: plan_card(runs, Recipe()),
    "Train: run": lambda runs, name: run_panel.afresh(runs, name),
    "Train: latest": lambda runs, name: run_panel.afresh(runs, ""),
    "Train: buttons": lambda runs, name: (run_panel.controls(runs, name), run_panel.controls(runs, "")),
    "Runs: table": lambda runs, name: table(runs),
    "Runs: states": lambda runs, name: history.states(runs, name, "\n".join(_others(runs, name)), name),
    "Runs: look": lambda runs, name: (
        history.look(runs, name, ""),
        history.look(runs, name, "\n".join(_others(runs, name))),
    ),
    "Runs: details": lambda runs, name: (able(runs, name), labels(runs, name)[1:]),
    "Runs: exports": lambda runs, name: history.exports_shown(runs, name),
    "Runs: launch": lambda runs, name: history.launch_fault(runs, name, ""),
    "Runs: question": lambda runs, name: history.question(
        runs, {"act": "delete", "run": name, "asked": str(2**63)}, labels(runs, name)[0]
    ),
    "to Train": lambda runs, name: _open_recipe(runs, name),
    "to Compare": lambda runs, name: _open(runs, "compare", name),
    "to Evaluate": lambda runs, name: (_open(runs, "evaluate", name), _judge(runs, [name])),
    "Evaluate: chosen": lambda runs, name: evaluate.newest_chosen(runs, None),
    "Evaluate: settings": lambda runs, name: evaluation_form.settings_of(runs, name, {}),
    "Evaluate: counted": lambda runs, name: evaluation_form.counted(runs, name, {}, 10, 10),
    "Evaluate: edited": lambda runs, name: evaluation_form.edited(runs, name, False, *SETTINGS),
    "Evaluate: state": lambda runs, name: evaluate.state(runs, name, NEWEST),
    "Evaluate: look": _look,
    "Evaluate: item": lambda runs, name: evaluate.opened(runs, name, NEWEST, "code_contests/0"),
    "Evaluate: suite": lambda runs, name: evaluate.turned_to(runs, name, NEWEST, "code_contests"),
    "Evaluate: page": lambda runs, name: evaluate.whole_page(runs, name, NEWEST),
    "Evaluate: stop": lambda runs, name: evaluate.stopped(runs, name, NEWEST),
    "Compare: chosen": lambda runs, name: question.newest_chosen(runs, []),
    "Compare: changed": lambda runs, name: compare.changed(runs, "ready", [name], [], prompts.TYPED, "", None),
    "Compare: held-out": lambda runs, name: question.filled(runs, [name], prompts.HELD_OUT),
    "Compare: problem": lambda runs, name: question.filled(runs, [name], prompts.PROBLEM),
    "Compare: reopened": lambda runs, name: compare.looked_at(
        runs, "", [], [[name], prompts.HELD_OUT, None, "", "Why?", 9, 0, 1, False, "", ""]
    ),
    "Compare: looked": _comparisons,
    "Compare: vote": lambda runs, name: shown.vote(runs, -1, f"{name}/20200101-000000-000000"),
    "Compare: code": lambda runs, name: list(shown.code_run(runs, f"{name}/20200101-000000-000000")),
}
"""Raise nothing: the page would show an error without a word."""


def answers(handler: Reader, runs: Path, name: str) -> str:
    """What a handler answers, as text that two calls can be compared by."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Gradio's parts outside of a page
        return repr(handler(runs, name))
