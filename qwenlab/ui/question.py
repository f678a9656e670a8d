"""What is asked of whom on the Compare tab: its fields, what fills them, and what the browser keeps of them.

A source fills the fields and takes back what it has filled, never what somebody has typed.
"""

import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.comparison.questions import Question
from qwenlab.errors import UserError
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.ui.choices import run_choices
from qwenlab.ui.components import QUIET, card, fault, pulse, when_chosen
from qwenlab.ui.prompts import HELD_OUT, MOST_ROWS, PROBLEM, TYPED, given, questions, sources, was_given

MOST_RUNS = 4


class Asked(NamedTuple):
    """The controls that say what is asked of whom, in the order in which handlers take them."""

    run: gr.Dropdown
    source: gr.Radio
    which: gr.Dropdown
    system: gr.Textbox
    prompt: gr.Textbox
    max_tokens: gr.Number
    temperature: gr.Number
    seed: gr.Number
    blind: gr.Checkbox


class Fields(NamedTuple):
    """What `filled` fills, and what keeps what was typed while a source has the fields."""

    which: gr.Dropdown
    system: gr.Textbox
    prompt: gr.Textbox
    following: gr.Button
    """Asks the next one of the list."""
    fold: gr.Accordion
    """Around the prompt."""
    notice: gr.HTML


class Own(NamedTuple):
    """What was typed before a source filled the fields, for when it is to be typed again."""

    system: gr.Textbox
    prompt: gr.Textbox


def build_asked(runs: Path) -> tuple[list[Any], gr.Accordion, Own]:
    """The first fields of `Asked`, the fold around the prompt, and the memory of what was typed."""
    with gr.Row():
        run = gr.Dropdown(
            run_choices(runs), value=[], multiselect=True, max_choices=MOST_RUNS, scale=2, elem_id="compare-runs",
            label="Runs, up to four: each answers beside the base",
        )  # fmt: skip
        source = gr.Radio([HELD_OUT, PROBLEM, TYPED], value=TYPED, label="Prompt from", scale=2, elem_id="source")
        which = gr.Dropdown([], label="Which", visible=False, scale=2, elem_id="which")
    with gr.Accordion("The question", open=True, elem_id="question") as fold, gr.Row():
        prompt = gr.Textbox(
            label="Prompt", lines=5, max_lines=5, placeholder="Ask base and tuned the same.", elem_id="prompt",
            scale=3, min_width=300,
        )  # fmt: skip
        with gr.Column(scale=2, min_width=300):
            system = gr.Textbox(
                label="System message", lines=1, max_lines=2, placeholder="none: what the chat template puts there"
            )
            with gr.Row():
                max_tokens = gr.Number(512, label="Longest, in tokens", precision=0, minimum=1, min_width=90)
                temperature = gr.Number(0, label="Temperature", minimum=0, maximum=2, step=0.1, min_width=90)
                seed = gr.Number(42, label="Seed", precision=0, minimum=0, min_width=90)
    return [run, source, which, system, prompt, max_tokens, temperature, seed], fold, Own(pulse(), pulse())


def connect_fields(runs: Path, asked: Asked, fields: Fields, own: Own) -> None:
    """Have the sources fill the fields, and the browser keep them."""
    asked.run.focus(partial(offered, runs), None, asked.run, **QUIET)
    asked.source.input(
        partial(turned, runs), [*asked[:5], *own], [*fields, *own], queue=False, api_visibility="private"
    )
    when_chosen([asked.which], partial(picked, runs), [*asked[:5], *own], [*fields, *own])


def keep_draft(asked: Asked, own: Own) -> gr.BrowserState:
    """Where the browser keeps the fields: from when somebody has changed one; what fills itself is not worth it."""
    draft = gr.BrowserState([], storage_key="qwenlab-compare", secret="qwenlab")
    fields: list[Any] = [*asked, *own]
    typed = [control.input for control in asked]
    gr.on(typed, None, fields, draft, js="(...fields) => fields", show_progress="hidden")
    filled = [control.change for control in fields]
    js = "(draft, ...fields) => draft.length ? fields : draft"
    gr.on(filled, None, [draft, *fields], draft, js=js, show_progress="hidden")
    return draft


def restored(runs: Path, draft: list[Any]) -> list[Any]:
    """The values of `Asked`, of `Own` and of `Fields.following` as the browser has kept them."""
    if len(draft) != len(Asked._fields) + len(Own._fields):
        return [offered(runs), *[gr.skip()] * (len(Asked._fields) + len(Own._fields))]
    names, source, which, *rest = draft
    choices = run_choices(runs)
    known = [name for name in names or [] if name in {name for _, name in choices}] or _newest(runs)
    try:
        run = find_run(runs, known[0]) if known else None
        offer = sources(run) if run else [TYPED]
        found = questions(run, source) if run else {}
    except UserError:  # what it came from is gone; what was typed is not
        offer, found = [TYPED], {}
    source = source if source in offer else TYPED
    return [
        gr.Dropdown(choices, value=known, multiselect=True),
        gr.Radio(offer, value=source),
        _list(found, source, which if which in found else None),
        *rest,
        gr.Button(visible=len(found) > 1),
    ]


def newest_chosen(runs: Path, names: Sequence[str], draft: Sequence[Any] = ()) -> Any:
    """The runs that there are; the newest that has an adapter is chosen where none is.

    Where there is a draft it has the choice, even if the tab is looked at before the page has read it.
    """
    if names or draft:
        return offered(runs)
    return gr.Dropdown(run_choices(runs), value=_newest(runs), multiselect=True)


def offered(runs: Path) -> gr.Dropdown:
    """The runs that there are now."""
    return gr.Dropdown(run_choices(runs))


def begun_with(
    runs: Path, names: Sequence[str], before: str, source: str, prompt: str, longest: int | None
) -> list[Any]:
    """For another first run: source and length, and the values of `Fields`.

    Where somebody has typed a prompt of their own, prompt and system message stay. So does a length that is not
    the one of the run `before`.
    """
    try:
        run = find_run(runs, names[0])
        offer = sources(run)
        own = not was_given(prompt, given(run).prompts | _given_before(runs, before))
    except UserError as error:
        return [gr.skip(), gr.skip(), *_nothing_to_choose(fault(str(error)))]
    length = run.recipe.evaluate.max_new_tokens if longest in (None, _longest(runs, before)) else gr.skip()
    if own:
        kept = source if source in offer else TYPED
        which, *_, following, fold, notice = filled(runs, names, kept)
        return [gr.Radio(offer, value=kept), length, which, gr.skip(), gr.skip(), following, fold, notice]
    return [gr.Radio(offer, value=offer[0]), length, *filled(runs, names, offer[0])]


def filled(runs: Path, names: Sequence[str], source: str, which: str | None = None) -> list[Any]:
    """The values of `Fields` for what is chosen of a source; the first where nothing is."""
    if source == TYPED or not names:
        return _nothing_to_choose("")
    try:
        found = questions(find_run(runs, names[0]), source)
    except UserError as error:
        return _nothing_to_choose(fault(str(error)))
    if not found:
        return _nothing_to_choose(card(_NO_PROBLEMS, "quiet"))
    chosen = which if which in found else next(iter(found))
    asked = found[chosen]
    several = gr.Button(visible=len(found) > 1)
    return [_list(found, source, chosen), asked.system, asked.text, several, gr.Accordion(open=True), ""]


def picked(
    runs: Path,
    names: Sequence[str],
    source: str,
    which: str | None,
    system: str,
    prompt: str,
    own_system: str,
    own_prompt: str,
) -> list[Any]:
    """The values of `Fields` and `Own` once another entry is chosen: what was typed is put aside, not lost."""
    kept = _own(runs, names, system, prompt, own_system, own_prompt)
    return [*filled(runs, names, source, which), *kept]


def turned(
    runs: Path,
    names: Sequence[str],
    source: str,
    which: str | None,
    system: str,
    prompt: str,
    own_system: str,
    own_prompt: str,
) -> list[Any]:
    """As `picked`, for another source. Who wants to type finds nothing of a source's left: no system message either."""
    kept = _own(runs, names, system, prompt, own_system, own_prompt)
    if source != TYPED:
        return [*filled(runs, names, source), *kept]
    which_one, *_, following, fold, notice = _nothing_to_choose("")
    return [which_one, *kept, following, fold, notice, *kept]


def next_one(run: Run, source: str, which: str | None, blind: bool) -> tuple[str, Question] | None:
    """The one of the list that comes after `which`, going round; None where all that are left were judged blind.

    Raises:
        UserError: as `questions`.
    """
    found = questions(run, source)
    names = list(found)
    begin = names.index(which) + 1 if which in found else 0
    judged = [each.messages for each in list_comparisons(run) if each.blind and each.choice is not None]
    for name in [*names[begin:], *names[:begin]]:
        if not (blind and tuple(found[name].messages) in judged):
            return name, found[name]
    return None


_NO_PROBLEMS = (
    "This run's problems come from a data set of the hub, which is fetched when an evaluation begins. "
    "Evaluate the run once, and its problems can be asked here."
)


def _own(
    runs: Path, names: Sequence[str], system: str, prompt: str, own_system: str, own_prompt: str
) -> tuple[str, str]:
    """What somebody has typed: what stands in the fields, or what was put aside where a source has filled them."""
    if not names:
        return system, prompt
    try:
        known = given(find_run(runs, names[0]))
    except UserError:
        return system, prompt
    return (
        own_system if was_given(system, known.systems) else system,
        own_prompt if was_given(prompt, known.prompts) else prompt,
    )


def _newest(runs: Path) -> list[str]:
    able = (name for _, name in run_choices(runs) if find_run(runs, name).adapter.exists())
    return list(itertools.islice(able, 1))


def _given_before(runs: Path, before: str) -> frozenset[str]:
    try:
        return given(find_run(runs, before)).prompts if before else frozenset()
    except UserError:  # it is gone
        return frozenset()


def _longest(runs: Path, before: str) -> int | None:
    """The length that the run `before` began with."""
    try:
        return find_run(runs, before).recipe.evaluate.max_new_tokens if before else 512
    except UserError:
        return None


def _list(found: dict[str, Question], source: str, chosen: str | None) -> gr.Dropdown:
    more = " or more" if source == HELD_OUT and len(found) == MOST_ROWS else ""
    label = f"{source}, one of {len(found)}{more}"
    return gr.Dropdown(list(found), value=chosen, visible=bool(found), label=label)


def _nothing_to_choose(notice: str) -> list[Any]:
    hidden = gr.Dropdown([], value=None, visible=False)
    return [hidden, gr.skip(), gr.skip(), gr.Button(visible=False), gr.Accordion(open=True), notice]
