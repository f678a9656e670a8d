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


def keep_draft(asked: Asked, own: Own, ready: gr.Textbox) -> gr.BrowserState:
    """Where the browser keeps the fields: from when somebody has changed one; what fills itself is not worth it.

    `ready` holds something once the page has read what was kept: until then its fields change, too.
    """
    draft = gr.BrowserState([], storage_key="qwenlab-compare", secret="qwenlab")
    fields: list[Any] = [*asked, *own]
    # In the browser alone; "multiple", since it otherwise waits for an answer that never comes.
    how: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple"}
    typed = [control.input for control in asked]
    gr.on(typed, None, fields, draft, js="(...fields) => [fields]", **how)
    filled = [control.change for control in fields]
    js = "(draft, ready, ...fields) => [ready && draft.length ? fields : draft]"
    gr.on(filled, None, [draft, ready, *fields], draft, js=js, **how)
    return draft


def opened(runs: Path, names: list[str], draft: list[Any] | None) -> tuple[list[str], list[Any], Any, str]:
    """The tab as it is seen first: as the browser has kept it, for the runs that are chosen, else for the newest.

    Returns the runs, the values of `Asked` and `Own`, the button for the next one, and what is wrong.
    """
    kept = draft if draft and len(draft) == len(Asked._fields) + len(Own._fields) else None
    choices = run_choices(runs)
    there = {name for _, name in choices}
    before = [name for name in kept[0] or [] if name in there] if kept else []
    names = names or before or _newest(runs)
    run = gr.Dropdown(choices, value=names, multiselect=True)
    others = kept[6:] if kept else [*[gr.skip()] * 3, "", ""]
    _, source, which, system, prompt, longest, *_ = kept or [[], TYPED, None, "", "", None]
    if not names:
        fields = [run, TYPED, gr.skip(), system, prompt, longest or gr.skip()]
        return [], [*fields, *others], gr.Button(visible=False), ""
    if kept and names[:1] == before[:1]:
        shown, listed, following = _as_kept(runs, names, source, which)
        return names, [run, shown, listed, system, prompt, longest, *others], following, ""
    shown, length, listed, said, asked, following, _, notice = begun_with(
        runs, names, before[0] if before else "", source, prompt, longest
    )
    # What stays as it is must be said here, where the fields are empty yet.
    keeps = [_or(said, system), _or(asked, prompt), _or(length, longest)]
    return names, [run, shown, listed, *keeps, *others], following, notice


def _as_kept(runs: Path, names: list[str], source: str, which: str | None) -> tuple[Any, Any, Any]:
    """Source and list as they were chosen, as far as they are still there, and the button for the next one."""
    try:
        run = find_run(runs, names[0])
        offer = sources(run)
        source = source if source in offer else TYPED
        found = questions(run, source)
    except UserError:  # what it came from is gone; what was typed is not
        offer, source, found = [TYPED], TYPED, {}
    listed = _list(found, source, which if which in found else None)
    return gr.Radio(offer, value=source), listed, gr.Button(visible=len(found) > 1)


def _or(value: Any, kept: Any) -> Any:
    """The value, or what was kept where it says that nothing changes."""
    return kept if value == gr.skip() and kept is not None else value


def newest_chosen(runs: Path, names: Sequence[str]) -> Any:
    """The runs that there are; the newest that has an adapter is chosen where none is."""
    return offered(runs) if names else gr.Dropdown(run_choices(runs), value=_newest(runs), multiselect=True)


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
