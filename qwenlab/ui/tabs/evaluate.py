"""The Result tab: did it help? Start an evaluation, watch it, and read and show what came of it."""

import contextlib
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.files import last_lines
from qwenlab.report.schema import Report, SuiteReport, read_report
from qwenlab.report.summary import main_suite
from qwenlab.runs import Evaluation, Run, find_run, list_evaluations
from qwenlab.runs.launch import Launch
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, fault, passed_on, pulse, when_chosen
from qwenlab.ui.evaluation_form import build_questions, changes, connect_questions
from qwenlab.ui.jobs import evaluations
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.run_cache import Stamp, stamp
from qwenlab.ui.views.evaluation import EMPTY, evaluation_label, progress_card, report_frame
from qwenlab.ui.views.items import NO_ITEM, first_shown, item_view, tiles
from qwenlab.ui.views.result import result_view

LOG_LINES = 200
FILES = {"report.html": "Download page", "report.md": "report.md", "report.json": "report.json"}
"""A report's files, which can be downloaded, and what their buttons say."""

AGAIN = "Evaluate again"

TO_THE_TOP = """() => {
  if (!document.querySelector("#can-show .fault")) document.getElementById("evaluated").scrollIntoView();
}"""
"""Progress stands at the top of the page, and the button at its foot."""

FOLDED = "folded"
"""The class of what stands on the page and is not seen."""


class EvaluateTab(NamedTuple):
    """What other tabs may set."""

    run: gr.Dropdown
    """The run that is looked at, by name."""


class Shown(NamedTuple):
    """What `look` fills."""

    seen: gr.State
    progress: gr.HTML
    stop: gr.Button
    resume: gr.Button
    log: gr.Textbox
    evaluation: gr.Dropdown
    form: gr.Column
    again: gr.Button
    result: gr.Column
    report: gr.HTML
    page: gr.DownloadButton
    markdown: gr.DownloadButton
    figures: gr.DownloadButton
    suite: gr.Radio
    tiles: gr.HTML
    item: gr.HTML
    whole: gr.Accordion
    frame: gr.HTML


AFTER_HEAD = len(Shown._fields) - Shown._fields.index("form")
"""Parts that change with the report alone."""


def build_evaluate_tab(runs: Path, clock: Clock, page: gr.Blocks) -> EvaluateTab:
    """Built inside `gr.Tab`; `page.load` fires when a browser opens the page."""
    with gr.Row(elem_id="evaluated", equal_height=False):
        run = gr.Dropdown(run_choices(runs), value=None, label="Run", elem_id="evaluate-run", min_width=220)
        evaluation = gr.Dropdown(
            [NEWEST], value=NEWEST, label="Evaluations of this run", elem_id="evaluation", min_width=220
        )
        again = gr.Button(AGAIN, visible=False, scale=0, min_width=210, elem_id="evaluate-again")
    with gr.Row():
        with gr.Column(scale=1, min_width=340, elem_id="questions") as form:
            questions = build_questions()
        with gr.Column(scale=2, min_width=340):
            progress = gr.HTML(EMPTY, elem_id="evaluation-progress")
            with gr.Row():
                stop = gr.Button("Stop", visible=False, scale=0, min_width=160, elem_id="evaluation-stop")
                resume = gr.Button("Resume", visible=False, scale=0, min_width=160, elem_id="evaluation-resume")
            with gr.Column(visible=False) as result:
                shown_report = gr.HTML(elem_id="evaluation-report")
                with gr.Row(elem_id="posting"):
                    gr.Button("Copy as image", size="md", scale=0, min_width=160, elem_id="copy-card")
                    download, markdown, figures = (
                        gr.DownloadButton(label, visible=False, size="md" if name == "report.html" else "sm", scale=0,
                                          min_width=160 if name == "report.html" else 110)
                        for name, label in FILES.items()
                    )  # fmt: skip
                suite = gr.Radio([], show_label=False, container=False, visible=False, elem_id="suite-shown")
                with gr.Row(equal_height=False):
                    with gr.Column(scale=2, min_width=320):
                        squares = gr.HTML(elem_id="items")
                    with gr.Column(scale=3, min_width=320):
                        item = gr.HTML(NO_ITEM, elem_id="item")
                with gr.Accordion("The whole report", open=False, visible=False) as whole:
                    frame = gr.HTML(elem_id="evaluation-page")
            with gr.Accordion("Log", open=False):
                log = gr.Textbox(
                    show_label=False, lines=10, max_lines=20, interactive=False, autoscroll=True,
                    elem_id="evaluation-log",
                )  # fmt: skip
    asked = pulse(elem_id="item-asked")
    shown = Shown(
        gr.State(("", "")), progress, stop, resume, log, evaluation, form, again, result, shown_report, download,
        markdown, figures, suite, squares, item, whole, frame,
    )  # fmt: skip
    looked, outputs = [run, evaluation], list(shown)

    page.load(partial(newest_chosen, runs), run, run, **QUIET)
    run.focus(partial(offered, runs), None, run, **QUIET)
    connect_questions(runs, questions, run)
    run.change(partial(afresh, runs), run, outputs, **QUIET)
    when_chosen([evaluation], partial(afresh, runs), looked, outputs)
    due = pulse()
    clock.asks(lambda *chosen: [repr(state(runs, *chosen))], looked, [due])
    due.change(partial(look, runs), [*looked, shown.seen], outputs, **QUIET)
    controls = [run, *questions.controls]
    begun = questions.start.click(partial(started, runs), controls, [questions.told, *outputs], **QUIET)
    begun.then(None, js=TO_THE_TOP)
    stop.click(partial(stopped, runs), looked, outputs, **QUIET)
    resume.click(partial(resumed, runs), looked, outputs, **QUIET)
    again.click(unfolded, again, [form, again], **QUIET)
    suite.input(partial(turned_to, runs), [*looked, suite], [squares, item], **QUIET)
    asked.change(partial(opened, runs), [*looked, asked], item, trigger_mode="always_last", **QUIET)
    whole.expand(partial(whole_page, runs), looked, frame, **QUIET)
    return EvaluateTab(run)


def newest_chosen(runs: Path, name: str | None) -> gr.Dropdown:
    """The runs that there are; the newest that has an adapter is chosen where none is."""
    if name:
        return offered(runs)
    able = (name for _, name in run_choices(runs) if find_run(runs, name).adapter.exists())
    return gr.Dropdown(run_choices(runs), value=next(able, None))


def offered(runs: Path) -> gr.Dropdown:
    """The runs that there are now."""
    return gr.Dropdown(run_choices(runs))


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
        evaluations.start(runs, run, changes(run, values)[0], noise_floor)
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


def unfolded(label: str) -> list[Any]:
    """The form comes back, or goes again."""
    folded = label != AGAIN
    return [_form(folded), _again(folded)]


def turned_to(runs: Path, name: str, evaluation: str, suite: str) -> list[Any]:
    """Another suite's items."""
    report = _report_of(runs, name, evaluation)
    return _items(suite, report.suites[suite]) if report and suite in report.suites else [gr.skip()] * 2


def opened(runs: Path, name: str, evaluation: str, asked: str) -> Any:
    """The item that was opened, `SUITE/NUMBER`; nothing where the filter shows none."""
    suite, _, number = asked.partition("/")
    report = _report_of(runs, name, evaluation)
    rows = report.suites[suite].rows if report and suite in report.suites else ()
    if not report or not number.isdecimal() or int(number) >= len(rows):
        return NO_ITEM
    return item_view(report.suites[suite], rows[int(number)])


def whole_page(runs: Path, name: str, evaluation: str) -> Any:
    """The report's own page."""
    try:
        run = find_run(runs, name)
        found = evaluations.reported(run, evaluations.looked_at(runs, run, evaluation))
        return report_frame(found.page_file.read_text(encoding="utf-8", errors="replace")) if found else ""
    except UserError as error:
        return fault(str(error))


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
    choices: list[tuple[str, str]] = []
    try:
        run = find_run(runs, name)
        choices = [(evaluation_label(each), each.name) for each in reversed(list_evaluations(run))]
        return _looked(runs, run, choices, evaluation, seen)
    except UserError as error:
        return _blank(fault(str(error)), choices, evaluation)


def _looked(runs: Path, run: Run, choices: list[tuple[str, str]], evaluation: str, seen: tuple[str, str]) -> list[Any]:
    found = evaluations.looked_at(runs, run, evaluation)
    state = _state(run, found)
    head: list[Any] = [gr.skip()] * 5
    if state[0] != seen[0]:
        lives = found is not None and _lives(found)
        resumable = evaluations.can_resume(run, found)
        told = progress_card(found, resumable)
        head = [
            gr.HTML(told, visible=bool(told)),
            gr.Button("Stopping" if lives and _is_stopping(found) else "Stop", visible=lives),
            gr.Button(visible=resumable),
            _log(found),
            _choice(choices, evaluation),
        ]
    rest = [gr.skip()] * AFTER_HEAD if state[1] == seen[1] else _report(evaluations.reported(run, found))
    return [state, *head, *rest]


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
    reported = evaluations.reported(run, found)
    return progress, repr((str(reported.report_file), stamp(reported.report_file))) if reported else "none"


def _report_of(runs: Path, name: str, evaluation: str) -> Report | None:
    """The report that is shown; None where it is gone, which `look` tells."""
    try:
        run = find_run(runs, name)
        found = evaluations.reported(run, evaluations.looked_at(runs, run, evaluation))
        return _read(found) if found else None
    except UserError:
        return None


def _read(evaluation: Evaluation) -> Report:
    return _parsed(evaluation.report_file, stamp(evaluation.report_file))


@lru_cache(maxsize=4)
def _parsed(file: Path, changed: Stamp) -> Report:
    return read_report(file)


def _report(found: Evaluation | None) -> list[Any]:
    """What changes with the report: from `form` on."""
    if found is None:
        return _no_report()
    report = _read(found)
    files = [found.page_file.with_name(name) for name in FILES]
    downloads = [
        gr.DownloadButton(value=passed_on(file), visible=True) if file.is_file() else gr.DownloadButton(visible=False)
        for file in files
    ]
    name, _ = main_suite(report)
    asked = [(suite.title, each) for each, suite in report.suites.items() if suite.rows]
    radio = gr.Radio(asked, value=name if report.suites[name].rows else None, visible=len(asked) > 1)
    items = _items(name, report.suites[name])
    shown = [gr.Column(visible=True), result_view(report), *downloads, radio, *items]
    return [_form(True), _again(True), *shown, gr.Accordion(visible=True, open=False), ""]


def _no_report() -> list[Any]:
    hidden = [gr.DownloadButton(visible=False)] * len(FILES)
    nothing = [gr.Radio(visible=False), "", NO_ITEM, gr.Accordion(visible=False, open=False), ""]
    return [_form(False), gr.Button(visible=False), gr.Column(visible=False), "", *hidden, *nothing]


def _items(name: str, suite: SuiteReport) -> list[Any]:
    """The tiles, and the item that stands open at first."""
    if not suite.rows:
        return ["", NO_ITEM]
    number = first_shown(suite)
    return [tiles(name, suite, number), NO_ITEM if number is None else item_view(suite, suite.rows[number])]


def _form(folded: bool) -> gr.Column:
    return gr.Column(elem_classes=[FOLDED] if folded else [])


def _again(folded: bool) -> gr.Button:
    return gr.Button(AGAIN if folded else "Hide the questions", visible=True)


def _log(found: Evaluation | Launch | None) -> str:
    file = found.log_file if isinstance(found, Evaluation) else found and found.log
    return last_lines(file, LOG_LINES) if file else ""


def _choice(choices: list[tuple[str, str]], chosen: str) -> gr.Dropdown:
    names = [name for _, name in choices]
    return gr.Dropdown([(NEWEST, NEWEST), *choices], value=chosen if chosen in names else NEWEST)


def _blank(content: str, choices: list[tuple[str, str]] = [], evaluation: str = NEWEST) -> list[Any]:  # noqa: B006
    hidden, choice = gr.Button(visible=False), _choice(choices, evaluation)
    return [("", ""), gr.HTML(content, visible=True), hidden, hidden, "", choice, *_no_report()]
