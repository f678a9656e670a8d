"""The Compare tab: one prompt, answered by the base and by up to four runs side by side, from one model in memory."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.answering.answerer import BASE, Sampling
from qwenlab.comparison.choice import tally_sentence
from qwenlab.comparison.questions import Question, from_problem, typed
from qwenlab.comparison.side_by_side import Growing, SideBySide, comparison_of
from qwenlab.comparison.verdicts import judge_of_columns
from qwenlab.errors import UserError
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import Comparison, choose, keep, list_comparisons, read_comparison, tally, unreadable
from qwenlab.runs.mode import check_modes
from qwenlab.ui.choices import run_choices
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, card, fault, text, when_chosen
from qwenlab.ui.jobs import served
from qwenlab.ui.prompts import MOST_ROWS, held_out, problem_asked, problem_named, problems
from qwenlab.ui.views import comparison as view

MOST_RUNS = 4
TYPED, HELD_OUT, PROBLEM = "Typed", "Held-out row", "Contest problem"
SHORTENED = 70
"""Characters of a held-out row in the list."""
BROWSERS = 8
"""Comparisons at the same time; the server lines up what is more than it can batch."""


class CompareTab(NamedTuple):
    """What other tabs may set, and what leads on."""

    run: gr.Dropdown
    """The runs that answer, by name."""
    evaluate: gr.Button


class Asked(NamedTuple):
    """The controls that say what is asked of whom, in the order in which `ask` takes them."""

    run: gr.Dropdown
    source: gr.Radio
    which: gr.Dropdown
    system: gr.Textbox
    prompt: gr.Textbox
    max_tokens: gr.Number
    temperature: gr.Number
    seed: gr.Number
    blind: gr.Checkbox


class Seen(NamedTuple):
    """What shows a comparison: `looked` fills it, but for the notice and its button."""

    notice: gr.HTML
    wait: gr.Button
    columns: gr.HTML
    votes: gr.Row
    code: gr.Button
    tally: gr.HTML
    earlier: gr.HTML
    shown: gr.State


def build_compare_tab(runs: Path, clock: Clock, page: gr.Blocks) -> CompareTab:
    """Built inside `gr.Tab`; `page.load` fires when a browser opens the page."""
    asked = _build_question(runs)
    with gr.Row():
        start = gr.Button("Answer side by side", variant="primary", elem_id="ask")
        halt = gr.Button("Stop", elem_id="halt", scale=0, min_width=100)
        code = gr.Button("Run the code", elem_id="run-code", interactive=False)
    notice = gr.HTML(elem_id="compare-notice")
    wait = gr.Button("Wait in line and answer then", visible=False, elem_id="wait")
    columns = gr.HTML(view.empty(), elem_id="columns")
    with gr.Row(visible=False) as votes:
        buttons = {index: gr.Button(f"{letter} is better") for index, letter in enumerate(view.LETTERS)}
        buttons[-1] = gr.Button("Neither is better")
    with gr.Accordion("The answer that the data has", open=False):
        expected = gr.Textbox(label="From the data", lines=4, max_lines=20, interactive=False)
    counted = gr.HTML()
    evaluate = gr.Button("Did it help? Evaluate it on problems", elem_id="compare-to-evaluate")
    earlier = gr.HTML(elem_id="earlier")
    seen = Seen(notice, wait, columns, votes, code, counted, earlier, gr.State(""))

    filled = [asked.which, asked.system, asked.prompt, expected, notice]
    clock.asks(list)
    page.load(partial(newest_chosen, runs), asked.run, asked.run, **QUIET)
    asked.run.focus(partial(offered, runs), None, asked.run, **QUIET)
    begun = gr.State([])
    question = [asked.source, asked.max_tokens, asked.which, asked.system, asked.prompt, expected]
    asked.run.change(partial(changed, runs), [asked.run, begun], [begun, *question, *seen], **QUIET)
    asked.source.input(partial(fill, runs), asked[:2], filled, queue=False, api_visibility="private")
    when_chosen([asked.which], partial(fill, runs), asked[:3], filled)

    limits: dict[str, Any] = {"concurrency_limit": BROWSERS, "show_progress": "hidden", "api_visibility": "private"}
    asking = [
        gr.on([start.click, asked.prompt.submit], partial(ask, runs, False), list(asked), list(seen), **limits),
        wait.click(partial(ask, runs, True), list(asked), list(seen), **limits),
    ]
    halt.click(partial(halted, runs), asked.run, [notice, wait], cancels=asking, **QUIET)
    code.click(partial(code_run, runs), [asked.run, seen.shown], list(seen), api_visibility="private")
    for index, button in buttons.items():
        button.click(partial(vote, runs, index), [asked.run, seen.shown], list(seen), **QUIET)
    return CompareTab(asked.run, evaluate)


def newest_chosen(runs: Path, names: Sequence[str]) -> Any:
    """The runs that there are; the newest that has an adapter is chosen where none is."""
    if names:
        return offered(runs)
    able = [name for _, name in run_choices(runs) if find_run(runs, name).adapter.exists()]
    return gr.Dropdown(run_choices(runs), value=able[:1])


def offered(runs: Path) -> gr.Dropdown:
    """The runs that there are now."""
    return gr.Dropdown(run_choices(runs))


def changed(runs: Path, names: list[str], begun: list[str]) -> list[Any]:
    """Other runs: what they can be asked, and their newest comparison.

    The browser tells of a change again and again while it draws, and what was typed meanwhile must stay: `begun` are
    the runs that this was done for already.
    """
    if names == begun:
        return [gr.skip()] * (7 + len(Seen._fields))
    *question, notice = begin(runs, names)
    return [names, *question, notice, *newest_seen(runs, names)[1:]]


def begin(runs: Path, names: Sequence[str]) -> list[Any]:
    """For newly chosen runs: a contest problem where they have some, and answers as long as their evaluation's."""
    if not names:
        return [gr.skip()] * 7
    try:
        run = find_run(runs, names[0])
        source, longest = PROBLEM if problems(run) else TYPED, run.recipe.evaluate.max_new_tokens
    except UserError as error:
        return [TYPED, gr.skip(), *_nothing_to_choose(fault(str(error)))]
    return [source, longest, *fill(runs, names, source)]


def fill(runs: Path, names: Sequence[str], source: str, which: str | None = None) -> list[Any]:
    """The list to choose from, and the prompt that is chosen: system, user, the data's answer, what is wrong."""
    if source == TYPED or not names:
        return _nothing_to_choose("")
    try:
        found = _questions(find_run(runs, names[0]), source)
    except UserError as error:
        return _nothing_to_choose(fault(str(error)))
    if not found:
        return _nothing_to_choose(card(_NO_PROBLEMS, "quiet"))
    chosen = which if which in found else next(iter(found))
    asked = found[chosen]
    label = f"one of {len(found)}" + (" or more" if source == HELD_OUT and len(found) == MOST_ROWS else "")
    which_one = gr.Dropdown(list(found), value=chosen, visible=True, label=f"{source}, {label}")
    return [which_one, asked.system, asked.text, asked.expected, ""]


def ask(
    runs: Path,
    waits: bool,
    names: list[str],
    source: str,
    which: str | None,
    system: str,
    prompt: str,
    max_tokens: int,
    temperature: float,
    seed: int,
    blind: bool,
) -> Iterator[list[Any]]:
    """Stream the answers, then keep them. Unless it `waits`, a GPU that somebody else holds is told and not waited for.

    Yields the values of `Seen`.
    """
    try:
        if not prompt.strip():
            raise UserError("The prompt is empty.", "Type one, or choose a held-out row or a contest problem.")
        for value in (max_tokens, temperature, seed):
            if value is None:
                raise UserError("A sampling setting is empty.", "Longest answer, temperature and seed are all needed.")
        chosen = _able(runs, names, blind)
        taken = served.busy(runs, names)
        if taken and not waits:
            yield _notice(card(text(taken), "amber"), wait=True)
            return
        asked = typed(prompt, system)
        if source == PROBLEM:
            asked = asked._replace(problem=problem_asked(chosen[0], which, asked))
        longest = chosen[0].recipe.evaluate.max_thinking_tokens
        sampling = Sampling(int(max_tokens), float(temperature), seed=int(seed), max_thinking_tokens=longest)
        yield from _stream(runs, chosen, asked, sampling, blind)
    except served.WithdrawnError:
        yield _notice(_stopped())
    except UserError as error:
        yield _notice(fault(str(error)))


def halted(runs: Path, names: list[str]) -> list[Any]:
    """After the stream was cut off: a server that only waits for its turn is not wanted any more."""
    if names:
        served.withdraw(runs, names)
    return [_stopped(), gr.Button(visible=False)]


def _stopped() -> str:
    return card("Stopped.", "quiet")


def code_run(runs: Path, names: list[str], shown: str) -> list[Any]:
    """Run the programs of the comparison that is shown, against its problem's tests."""
    try:
        run = find_run(runs, names[0])
        comparison = read_comparison(run, shown)
        problem = problem_named(run, comparison.problem)
        with judge_of_columns() as judged:
            columns = judged(problem, comparison.columns)
    except UserError as error:
        return _notice(fault(str(error)))
    keep(run, comparison.model_copy(update={"columns": columns}))
    return looked(runs, names, shown)


def vote(runs: Path, index: int, names: list[str], shown: str) -> list[Any]:
    """Keep the choice between A and B, or neither (-1); then the names are told."""
    try:
        run = find_run(runs, names[0])
        choose(run, shown, "" if index < 0 else read_comparison(run, shown).columns[index].model)
    except UserError as error:
        return _notice(fault(str(error)))
    return looked(runs, names, shown)


def newest_seen(runs: Path, names: list[str]) -> list[Any]:
    """The newest comparison of the first of the runs, as any browser sees it."""
    try:
        kept = list_comparisons(find_run(runs, names[0])) if names else []
    except UserError as error:
        return _blank(fault(str(error)))
    return looked(runs, names, kept[-1].name if kept else "")


def looked(runs: Path, names: list[str], shown: str) -> list[Any]:
    """The values of `Seen` for a comparison that is kept; for none, what will stand here."""
    if not names:
        return _blank("")
    try:
        run = find_run(runs, names[0])
    except UserError as error:
        return _blank(fault(str(error)))
    kept = list_comparisons(run)
    found = next((each for each in kept if each.name == shown), None)
    others = [each for each in kept if each is not found]
    counts = tally(run)
    return [
        "".join(map(fault, unreadable(run))),
        gr.Button(visible=False),
        view.finished(found) if found else view.empty(),
        gr.Row(visible=bool(found and found.is_hidden)),
        _code_button(found),
        view.tally(tally_sentence(run.name, counts)) if any(counts) else "",
        view.earlier(others),
        shown,
    ]


_NO_PROBLEMS = (
    "This run's problems come from a data set of the hub, which is fetched when an evaluation begins. "
    "Evaluate the run once, and its problems can be asked here."
)


def _build_question(runs: Path) -> Asked:
    """What is asked of whom, and how."""
    with gr.Row():
        run = gr.Dropdown(
            run_choices(runs), value=[], multiselect=True, max_choices=MOST_RUNS, label="Runs", scale=2,
            info="one or more, up to four: each answers beside the base", elem_id="compare-runs",
        )  # fmt: skip
        source = gr.Radio([TYPED, HELD_OUT, PROBLEM], value=TYPED, label="Prompt from", scale=2, elem_id="source")
        which = gr.Dropdown([], label="Which", visible=False, scale=2, elem_id="which")
    prompt = gr.Textbox(label="Prompt", lines=4, max_lines=14, placeholder="Ask both something.", elem_id="prompt")
    with gr.Accordion("System message and sampling", open=False):
        system = gr.Textbox(label="System message", lines=2, info="empty: what the chat template puts there")
        with gr.Row():
            max_tokens = gr.Number(512, label="Longest answer, in tokens", precision=0, minimum=1)
            temperature = gr.Number(0, label="Temperature", minimum=0, maximum=2, step=0.1, info="0: the likeliest")
            seed = gr.Number(42, label="Seed", precision=0, minimum=0, info="the same in every column")
    blind = gr.Checkbox(label="Blind: columns are A and B until you have chosen", elem_id="blind")
    return Asked(run, source, which, system, prompt, max_tokens, temperature, seed, blind)


def _able(runs: Path, names: list[str], blind: bool) -> list[Run]:
    """The runs that are to answer.

    Raises:
        UserError: none is chosen, one has no adapter yet, or too many for a blind comparison.
    """
    if not names:
        raise UserError("No run is chosen.", "Choose one above; there is one once a training has ended or stopped.")
    if blind and len(names) > 1:
        raise UserError("A blind comparison is between one run and its base.", "Choose one run.")
    found = [find_run(runs, name) for name in names]
    for run in found:
        if not run.adapter.exists():
            raise UserError(f"{run.name} has no adapter yet.", "A run delivers it when it ends, or stops.")
    return found


def _stream(runs: Path, chosen: list[Run], asked: Question, sampling: Sampling, blind: bool) -> Iterator[list[Any]]:
    """Find or start the server, stream, keep."""
    from qwenlab.answering.remote import remote_answerer  # half a second

    names = [run.name for run in chosen]
    modes = check_modes({run.name: run for run in chosen})
    models = [BASE, *names]
    if blind:
        random.shuffle(models)
    starting = served.wait(runs, names)
    while True:
        try:
            told = next(starting)
        except StopIteration as found:
            record = found.value
            break
        yield _notice(card(f'{text(told)} <span class="quiet">The answers follow by themselves.</span>'))
    side_by_side = SideBySide([asked], models, sampling, modes)
    yield _streaming(side_by_side.growing, blind)
    try:
        with (
            remote_answerer(record.url, {model: [model] for model in models}, served.key()) as answerer,
            closing(side_by_side.watch(answerer)) as states,
        ):
            for growing in states:
                yield _streaming(growing, blind)
    except UserError:
        if not any(column.fault for column in side_by_side.growing):
            raise
        yield _streaming(side_by_side.growing, blind)
        return
    [columns] = side_by_side.columns
    comparison = comparison_of(asked, sampling, columns, blind)
    keep(chosen[0], comparison)
    yield looked(runs, names, comparison.name)


def _streaming(columns: Sequence[Growing], blind: bool) -> list[Any]:
    """The values of `Seen` while columns grow: of what is seen, nothing can be judged or voted on yet."""
    before = ["", gr.Button(visible=False), view.streaming(columns, blind), gr.Row(visible=False), _code_button(None)]
    return [*before, *[gr.skip()] * (len(Seen._fields) - len(before))]


def _questions(run: Run, source: str) -> dict[str, Question]:
    """What can be chosen, by the name that it is chosen by."""
    if source == PROBLEM:
        return {problem.name: from_problem(problem) for problem in problems(run)}
    rows = enumerate(held_out(run), start=1)
    return {f"{number}: {' '.join(row.text.split())[:SHORTENED]}": row for number, row in rows}


def _code_button(comparison: Comparison | None) -> gr.Button:
    """It says itself why it cannot be pressed."""
    able = comparison is not None and comparison.problem is not None
    return gr.Button("Run the code" if able else "Run the code: needs a contest problem's answers", interactive=able)


def _nothing_to_choose(notice: str) -> list[Any]:
    return [gr.Dropdown([], value=None, visible=False), gr.skip(), gr.skip(), "", notice]


def _blank(notice: str) -> list[Any]:
    """What stands here before the first answer."""
    return [*_notice(notice)[:2], view.empty(), gr.Row(visible=False), _code_button(None), "", "", ""]


def _notice(content: str, wait: bool = False) -> list[Any]:
    """Words above the columns, which stay as they are."""
    return [content, gr.Button(visible=wait), *[gr.skip()] * (len(Seen._fields) - 2)]
