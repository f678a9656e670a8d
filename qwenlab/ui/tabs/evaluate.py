"""The Evaluate tab: did it help? Start an evaluation, watch it, read its report."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.files import last_lines
from qwenlab.recipe import EvaluateSettings, Recipe, fields
from qwenlab.runs import Evaluation, Run, Status, find_run, list_evaluations
from qwenlab.runs.launch import Launch, shown_command
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, fault, lab, passed_on, pulse, text, when_chosen
from qwenlab.ui.form import control_for, overrides, read_values
from qwenlab.ui.jobs import evaluations
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.run_cache import stamp
from qwenlab.ui.views.evaluation import EMPTY, progress_card, report_frame
from qwenlab.ui.views.suites import suite_choices, written_by_name

SETTINGS = [(key, field) for section, key, field in fields() if section == "evaluate"]
KEYS = [key for key, _ in SETTINGS]
SUITES = KEYS.index("suites")
COUNTS = ("max_items", "limit")
"""The settings that say how many items are asked."""
FIRST = ("suites", "max_items")
"""The settings that are seen at once."""
LOG_LINES = 200
FILES = ("report.html", "report.md", "report.json")
"""A report's files, which can be downloaded."""


class EvaluateTab(NamedTuple):
    """What other tabs may set."""

    run: gr.Dropdown
    """The run that is looked at, by name."""


class Chosen(NamedTuple):
    """What is evaluated, and how."""

    run: gr.Dropdown
    noise_floor: gr.Checkbox
    settings: list[Any]

    @property
    def controls(self) -> list[Any]:
        return [self.run, self.noise_floor, *self.settings]


class Shown(NamedTuple):
    """What `look` fills."""

    seen: gr.State
    progress: gr.HTML
    stop: gr.Button
    resume: gr.Button
    log: gr.Textbox
    evaluation: gr.Dropdown
    report: gr.HTML
    page: gr.DownloadButton
    markdown: gr.DownloadButton
    figures: gr.DownloadButton


def build_evaluate_tab(runs: Path, clock: Clock, page: gr.Blocks) -> EvaluateTab:
    """Built inside `gr.Tab`; `page.load` fires when a browser opens the page."""
    with gr.Row():
        with gr.Column(scale=1, min_width=340):
            chosen, told, command, start = _build_choice(runs)
            evaluation = gr.Dropdown([NEWEST], value=NEWEST, label="Evaluations of this run", elem_id="evaluation")
        with gr.Column(scale=2, min_width=340):
            progress = gr.HTML(EMPTY, elem_id="evaluation-progress")
            with gr.Row():
                stop = gr.Button("Stop", visible=False, elem_id="evaluation-stop")
                resume = gr.Button("Resume", visible=False, elem_id="evaluation-resume")
            report = gr.HTML(elem_id="evaluation-report")
            with gr.Row():
                downloads = [gr.DownloadButton(f"Download {name}", visible=False, size="sm") for name in FILES]
            with gr.Accordion("Log", open=False):
                log = gr.Textbox(show_label=False, lines=10, max_lines=20, interactive=False, autoscroll=True)
    shown = Shown(gr.State(("", "")), progress, stop, resume, log, evaluation, report, *downloads)
    looked = [chosen.run, evaluation]
    outputs, ticked = list(shown), [*looked, shown.seen]

    page.load(partial(newest_chosen, runs), chosen.run, chosen.run, **QUIET)
    chosen.run.focus(partial(offered, runs), None, chosen.run, **QUIET)
    chosen.run.change(partial(settings_of, runs), chosen.run, chosen.settings, **QUIET)
    chosen.run.change(partial(afresh, runs), chosen.run, outputs, **QUIET)
    counts = [chosen.settings[KEYS.index(key)] for key in COUNTS]
    gr.on(
        [count.change for count in counts],
        partial(counted, runs), [chosen.run, *counts], chosen.settings[SUITES], **QUIET,
    )  # fmt: skip
    gr.on(
        [control.change for control in chosen.controls],
        partial(edited, runs), chosen.controls, [told, command], trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    when_chosen([evaluation], partial(afresh, runs), looked, outputs)
    due = pulse()
    clock.asks(lambda *chosen: [repr(state(runs, *chosen))], looked, [due])
    due.change(partial(look, runs), ticked, outputs, **QUIET)
    start.click(partial(started, runs), chosen.controls, [told, *outputs], **QUIET)
    stop.click(partial(stopped, runs), looked, outputs, **QUIET)
    resume.click(partial(resumed, runs), looked, outputs, **QUIET)
    return EvaluateTab(chosen.run)


def newest_chosen(runs: Path, name: str | None) -> gr.Dropdown:
    """The runs that there are; the newest that has an adapter is chosen where none is."""
    if name:
        return offered(runs)
    able = (name for _, name in run_choices(runs) if find_run(runs, name).adapter.exists())
    return gr.Dropdown(run_choices(runs), value=next(able, None))


def offered(runs: Path) -> gr.Dropdown:
    """The runs that there are now."""
    return gr.Dropdown(run_choices(runs))


def settings_of(runs: Path, name: str | None) -> list[Any]:
    """What the run's recipe says about its evaluation, in the controls."""
    try:
        run = find_run(runs, name) if name else None
        settings = run.recipe.evaluate if run else EvaluateSettings()
    except UserError:  # which `look` shows
        run, settings = None, EvaluateSettings()
    values: list[Any] = [getattr(settings, key) for key, _ in SETTINGS]
    values[SUITES] = gr.CheckboxGroup(suite_choices(run, settings), value=list(written_by_name(settings)))
    return values


def counted(runs: Path, name: str | None, *counts: Any) -> Any:
    """The check boxes again, for another number of items."""
    try:
        run = find_run(runs, name) if name else None
        settings = read_values({f"evaluate.{key}": count for key, count in zip(COUNTS, counts, strict=True)}).evaluate
        written = run.recipe.evaluate.suites if run else EvaluateSettings().suites
    except UserError:
        return gr.skip()  # told beside the button
    return gr.CheckboxGroup(suite_choices(run, settings.model_copy(update={"suites": written})))


def edited(runs: Path, name: str | None, noise_floor: bool, *values: Any) -> list[str]:
    """How sure the answer can be, or what is wrong; and the command."""
    if not name:
        return ["", ""]
    try:
        run = find_run(runs, name)
        changes, settings = _changes(run, values)
    except UserError as error:
        return [fault(str(error)), ""]
    arguments = evaluations.arguments(runs, run, changes, noise_floor)
    return [
        lab(f'<p class="quiet">{text(_family(len(settings.suites)))}</p>'),
        shown_command(evaluations.VERB, arguments),
    ]


def started(runs: Path, name: str | None, noise_floor: bool, *values: Any) -> list[Any]:
    """Start the evaluation and look at it; or say what is in the way."""
    try:
        if not name:
            raise UserError("No run is chosen.", "Choose one above; there is one once a training has ended or stopped.")
        run = find_run(runs, name)
        if not run.adapter.exists():
            raise UserError(f"{run.name} has no adapter yet.", "A run delivers it when it ends, or stops.")
        if isinstance(found := evaluations.looked_at(runs, run, NEWEST), Evaluation | Launch) and _lives(found):
            raise UserError("An evaluation of this run is under way.", "Wait for it, or stop it first.")
        evaluations.start(runs, run, _changes(run, values)[0], noise_floor)
    except UserError as error:
        return [fault(str(error)), *[gr.skip()] * len(Shown._fields)]
    return [gr.skip(), *afresh(runs, name)]


def stopped(runs: Path, name: str, evaluation: str) -> list[Any]:
    """Ask it to stop; what it has is kept."""
    try:
        found = evaluations.looked_at(runs, find_run(runs, name), evaluation)
    except UserError:  # which `look` shows
        found = None
    if found:
        evaluations.stop(found)
    return afresh(runs, name, evaluation)


def resumed(runs: Path, name: str, evaluation: str) -> list[Any]:
    """Go on with the evaluation that did not end."""
    with contextlib.suppress(UserError):  # which `look` shows
        evaluations.resume(runs, find_run(runs, name))
    return afresh(runs, name)


def afresh(runs: Path, name: str | None, evaluation: str = NEWEST) -> list[Any]:
    """The values of `Shown`, whatever the browser shows."""
    return look(runs, name, evaluation, ("", ""))


def state(runs: Path, name: str | None, evaluation: str) -> tuple[str, str]:
    """Another pair whenever another picture is due: of the progress, and of the report."""
    try:
        run = find_run(runs, name) if name else None
        return _state(run, evaluations.looked_at(runs, run, evaluation)) if run else ("", "")
    except UserError as error:
        return str(error), ""


def look(runs: Path, name: str | None, evaluation: str, seen: tuple[str, str]) -> list[Any]:
    """The values of `Shown`; what the browser shows already is not sent again."""
    if not name:
        return _blank(EMPTY)
    names: list[str] = []
    try:
        run = find_run(runs, name)
        names = [each.name for each in reversed(list_evaluations(run))]
        return _looked(runs, run, names, evaluation, seen)
    except UserError as error:
        return _blank(fault(str(error)), names, evaluation)


def _looked(runs: Path, run: Run, names: list[str], evaluation: str, seen: tuple[str, str]) -> list[Any]:
    found = evaluations.looked_at(runs, run, evaluation)
    state = _state(run, found)
    head: list[Any] = [gr.skip()] * 5
    if state[0] != seen[0]:
        lives = found is not None and _lives(found)
        told = progress_card(found)
        head = [
            gr.HTML(told, visible=bool(told)),
            gr.Button("Stopping" if lives and _is_stopping(found) else "Stop", visible=lives),
            gr.Button(visible=evaluations.can_resume(run, found)),
            _log(found),
            _choice(names, evaluation),
        ]
    rest = [gr.skip()] * (1 + len(FILES)) if state[1] == seen[1] else _report(found)
    return [state, *head, *rest]


def _build_choice(runs: Path) -> tuple[Chosen, gr.HTML, gr.Textbox, gr.Button]:
    run = gr.Dropdown(run_choices(runs), value=None, label="Run", info="its adapter is held against its base",
                      elem_id="evaluate-run")  # fmt: skip
    made: dict[str, Any] = {}
    defaults, known = EvaluateSettings(), dict(SETTINGS)
    for key in FIRST:
        if key == "suites":
            made[key] = gr.CheckboxGroup(
                suite_choices(None, defaults), value=list(written_by_name(defaults)), label="Suites", elem_id="suites",
                info="what base and tuned are asked; the gain is what so many items show, in four of five evaluations",
            )  # fmt: skip
        else:
            made[key] = control_for(f"evaluate.{key}", known[key], getattr(defaults, key))
    with gr.Accordion("All settings of the evaluation", open=False), gr.Row():
        for key, field in SETTINGS:
            if key not in made:
                made[key] = control_for(f"evaluate.{key}", field, getattr(defaults, key))
        noise_floor = gr.Checkbox(
            label="noise_floor", info="the base answers twice: what flips between the two is noise", min_width=150
        )
    told = gr.HTML(elem_id="can-show")
    command = gr.Textbox(label="The same in a terminal", buttons=["copy"], interactive=False, max_lines=4)
    start = gr.Button("Evaluate", variant="primary", elem_id="evaluate")
    return Chosen(run, noise_floor, [made[key] for key, _ in SETTINGS]), told, command, start


def _changes(run: Run, values: tuple[Any, ...]) -> tuple[list[str], EvaluateSettings]:
    """What differs from the run's own settings, `section.key=value` each; and all settings."""
    by_key = dict(zip(KEYS, values, strict=True))
    written = written_by_name(run.recipe.evaluate)
    by_key["suites"] = [written.get(name, name) for name in by_key["suites"]]
    chosen = read_values({f"evaluate.{key}": value for key, value in by_key.items()})
    return overrides(Recipe(evaluate=run.recipe.evaluate), chosen), chosen.evaluate


def _family(suites: int) -> str:
    """What several suites mean for each."""
    if suites == 1:
        return "One suite: its smallest gain is shown in four of five evaluations."
    return (
        f"{suites} suites: each p is adjusted for all of them, so that the chance of one false answer stays at 5 %. "
        "Each shows a little less than it would alone."
    )


def _lives(found: Evaluation | Launch) -> bool:
    """One that cannot be read may live all the same."""
    return found.status.claims_life if isinstance(found, Evaluation) and not found.fault else found.is_alive


def _is_stopping(found: Evaluation | Launch | None) -> bool:
    return isinstance(found, Evaluation) and found.stop_file.exists()


def _state(run: Run, found: Evaluation | Launch | None) -> tuple[str, str]:
    names = [each.name for each in list_evaluations(run)]
    if isinstance(found, Evaluation):
        files = [stamp(found.record_file), stamp(found.log_file)]
        progress = repr((found.name, found.status, files, found.stop_file.exists(), names))
    else:
        progress = repr((found and (str(found.log), found.is_alive, stamp(found.log)), names))
    page = _page_file(found)
    return progress, repr((str(page), stamp(page))) if page else "none"


def _page_file(found: Evaluation | Launch | None) -> Path | None:
    """Where there is a report that is whole."""
    done = isinstance(found, Evaluation) and found.status is Status.finished and found.page_file.is_file()
    return found.page_file if isinstance(found, Evaluation) and done else None


def _report(found: Evaluation | Launch | None) -> list[Any]:
    page = _page_file(found)
    if page is None:
        return _no_report()
    files = [page.with_name(name) for name in FILES]
    downloads = [gr.DownloadButton(value=passed_on(file), visible=True) for file in files if file.is_file()]
    hidden = [gr.DownloadButton(visible=False)] * (len(files) - len(downloads))
    return [report_frame(page.read_text(encoding="utf-8", errors="replace")), *downloads, *hidden]


def _no_report() -> list[Any]:
    return ["", *(gr.DownloadButton(visible=False) for _ in FILES)]


def _log(found: Evaluation | Launch | None) -> str:
    file = found.log_file if isinstance(found, Evaluation) else found and found.log
    return last_lines(file, LOG_LINES) if file else ""


def _choice(names: list[str], chosen: str) -> gr.Dropdown:
    return gr.Dropdown([NEWEST, *names], value=chosen if chosen in names else NEWEST)


def _blank(content: str, names: list[str] = [], evaluation: str = NEWEST) -> list[Any]:  # noqa: B006
    hidden, choice = gr.Button(visible=False), _choice(names, evaluation)
    return [("", ""), gr.HTML(content, visible=True), hidden, hidden, "", choice, *_no_report()]
