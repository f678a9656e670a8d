"""What an evaluation asks, as a form: the suites, files of the user's own, and the settings of the recipe's section."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.evaluation.source import check_source
from qwenlab.evaluation.suites import find_suites
from qwenlab.recipe import TINY, EvaluateSettings, Recipe, fields
from qwenlab.runs import Run, find_run
from qwenlab.runs.launch import shown_command
from qwenlab.ui.components import QUIET, fault, lab, text
from qwenlab.ui.form import control_for, overrides, read_values
from qwenlab.ui.jobs import evaluations
from qwenlab.ui.jobs.prepared import keep_uploads
from qwenlab.ui.views.suites import fitting_suites, suite_choices, ticked, written_by_name

SETTINGS = [(key, field) for section, key, field in fields() if section == "evaluate"]
KEYS = [key for key, _ in SETTINGS]
SUITES = KEYS.index("suites")
COUNTS = ("max_items", "limit")
"""The settings that say how many items are asked."""
FIRST = ("suites", "max_items")
"""The settings that are seen at once."""


class Questions(NamedTuple):
    """The form's parts."""

    noise_floor: gr.Checkbox
    settings: list[Any]
    why: gr.HTML
    """Why these suites are ticked."""
    upload: gr.File
    own: gr.State
    """Suites with a file of the user's, and how many items each has."""
    told: gr.HTML
    command: gr.Textbox
    start: gr.Button

    @property
    def controls(self) -> list[Any]:
        return [self.noise_floor, *self.settings]


def build_questions() -> Questions:
    """The form, before a run is chosen."""
    made: dict[str, Any] = {}
    defaults, known = EvaluateSettings(), dict(SETTINGS)
    for key in FIRST:
        if key == "suites":
            made[key] = gr.CheckboxGroup(
                suite_choices(None, defaults), value=list(written_by_name(defaults)), label="Suites", elem_id="suites",
                info="what base and tuned are asked; the gain is what so many items show, in four of five evaluations",
            )  # fmt: skip
            why = gr.HTML(elem_id="suites-why")
        else:
            made[key] = control_for(f"evaluate.{key}", known[key], getattr(defaults, key))
    with gr.Accordion("Questions of your own", open=False):
        upload = gr.File(
            label="Drop a file: questions with answers, or problems with tests",
            height=120,
            elem_id="own-questions",
        )
    with gr.Accordion("All settings of the evaluation", open=False), gr.Row():
        for key, field in SETTINGS:
            if key not in made:
                made[key] = control_for(f"evaluate.{key}", field, getattr(defaults, key))
        noise_floor = gr.Checkbox(
            label="noise_floor", info="the base answers twice: what flips between the two is noise", min_width=150
        )
    told = gr.HTML(elem_id="can-show")
    command = gr.Textbox(
        label="The same in a terminal", buttons=["copy"], interactive=False, max_lines=4, elem_id="evaluate-command"
    )
    start = gr.Button("Evaluate", variant="primary", elem_id="evaluate")
    return Questions(noise_floor, [made[key] for key, _ in SETTINGS], why, upload, gr.State({}), told, command, start)


def connect_questions(runs: Path, questions: Questions, run: gr.Dropdown) -> None:
    """The form follows the run, and tells at once what it would ask."""
    suites = questions.settings[SUITES]
    counts = [questions.settings[KEYS.index(key)] for key in COUNTS]
    shown = [*questions.settings, questions.why]
    run.change(partial(settings_of, runs), [run, questions.own], shown, **QUIET)
    gr.on(
        [count.change for count in counts],
        partial(counted, runs), [run, questions.own, *counts], suites, **QUIET,
    )  # fmt: skip
    gr.on(
        [control.change for control in (run, *questions.controls)],
        partial(edited, runs), [run, *questions.controls], [questions.told, questions.command],
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    questions.upload.upload(
        partial(uploaded, runs), [questions.upload, run, questions.own, suites, *counts],
        [questions.own, suites, questions.told], **QUIET,
    )  # fmt: skip


def settings_of(runs: Path, name: str | None, own: dict[str, int]) -> list[Any]:
    """What the run's recipe says about its evaluation, in the controls; and why other suites are ticked."""
    try:
        run = find_run(runs, name) if name else None
        settings = run.recipe.evaluate if run else EvaluateSettings()
        chosen, why = ticked(run, settings)
    except UserError:  # which the tab shows
        run, settings = None, EvaluateSettings()
        chosen, why = ticked(run, settings)
    values: list[Any] = [getattr(settings, key) for key, _ in SETTINGS]
    values[SUITES] = gr.CheckboxGroup(suite_choices(run, settings, own), value=chosen)
    return [*values, lab(f'<p class="quiet">{text(why)}</p>') if why else ""]


def counted(runs: Path, name: str | None, own: dict[str, int], *counts: Any) -> Any:
    """The check boxes again, for another number of items."""
    try:
        return gr.CheckboxGroup(_choices(runs, name, own, counts))
    except UserError:
        return gr.skip()  # told beside the button


def edited(runs: Path, name: str | None, noise_floor: bool, *values: Any) -> list[str]:
    """How sure the answer can be, or what is wrong; and the command."""
    if not name:
        return ["", ""]
    try:
        run = find_run(runs, name)
        changed, settings = changes(run, values)
    except UserError as error:
        return [fault(str(error)), ""]
    arguments = evaluations.arguments(runs, run, changed, noise_floor)
    return [
        lab(f'<p class="quiet">{text(_family(len(settings.suites)))}</p>'),
        shown_command(evaluations.VERB, arguments),
    ]


def uploaded(
    runs: Path, file: str | None, name: str | None, own: dict[str, int], chosen: list[str], *counts: Any
) -> list[Any]:
    """Keep the file and offer it as a check box for each suite that can ask it; the first is ticked."""
    if not file:
        return [gr.skip()] * 3
    try:
        if not name:
            raise UserError("No run is chosen.", "Choose one first; then drop the file again.")
        kept = keep_uploads(runs, [file])
        found = fitting_suites(find_run(runs, name), kept)
        own = found | own
        first = next(iter(found))
        others = [each for each in chosen if each.partition("=")[0] != first.partition("=")[0]]
        return [own, gr.CheckboxGroup(_choices(runs, name, own, counts), value=[first, *others]), ""]
    except UserError as error:
        return [gr.skip(), gr.skip(), fault(str(error))]


def changes(run: Run, values: tuple[Any, ...]) -> tuple[list[str], EvaluateSettings]:
    """What differs from the run's own settings, `section.key=value` each; and all settings.

    Raises:
        UserError: a setting is refused, or a file that is named is not there.
    """
    by_key = dict(zip(KEYS, values, strict=True))
    written = written_by_name(run.recipe.evaluate)
    by_key["suites"] = [written.get(name, name) for name in by_key["suites"]]
    chosen = read_values({f"evaluate.{key}": value for key, value in by_key.items()}).evaluate
    if "code_contests" in find_suites(chosen.suites) and chosen.problems != TINY:
        check_source(chosen.problems, "code_contests")
    return overrides(Recipe(evaluate=run.recipe.evaluate), Recipe(evaluate=chosen)), chosen


def _choices(runs: Path, name: str | None, own: dict[str, int], counts: tuple[Any, ...]) -> list[tuple[str, str]]:
    run = find_run(runs, name) if name else None
    settings = read_values({f"evaluate.{key}": count for key, count in zip(COUNTS, counts, strict=True)}).evaluate
    written = run.recipe.evaluate.suites if run else EvaluateSettings().suites
    return suite_choices(run, settings.model_copy(update={"suites": written}), own)


def _family(suites: int) -> str:
    """What several suites mean for each."""
    if suites == 1:
        return "One suite: its smallest gain is shown in four of five evaluations."
    return (
        f"{suites} suites: each p is adjusted for all of them, so that the chance of one false answer stays at 5 %. "
        "Each shows a little less than it would alone."
    )
