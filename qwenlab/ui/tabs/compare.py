"""The Compare tab: one prompt, answered by the base and by up to four runs side by side, from one model in memory."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.ui.asking import ask, ask_next, ask_on, at_rest
from qwenlab.ui.clock import Clock
from qwenlab.ui.components import QUIET, pulse
from qwenlab.ui.jobs.answers import Asking
from qwenlab.ui.question import (
    Asked,
    Fields,
    Own,
    begun_with,
    build_asked,
    connect_fields,
    keep_draft,
    newest_chosen,
    opened,
)
from qwenlab.ui.shown import Seen, code_run, looked, newest_seen, skipped, vote
from qwenlab.ui.views import comparison as view

BROWSERS = 8
"""Comparisons at the same time; the server lines up what is more than it can batch."""


class CompareTab(NamedTuple):
    """What other tabs may set, and what leads on."""

    run: gr.Dropdown
    """The runs that answer, by name."""
    evaluate: gr.Button


def build_compare_tab(runs: Path, clock: Clock, page: gr.Blocks) -> CompareTab:
    """Built inside `gr.Tab`; `page.load` fires when a browser opens the page."""
    question, fold, own = build_asked(runs)
    with gr.Row(elem_id="compare-bar", equal_height=True):
        start = gr.Button("Answer side by side", variant="primary", elem_id="ask", min_width=160)
        following = gr.Button("Next (N)", visible=False, elem_id="next", min_width=100)
        halt = gr.Button("Stop", elem_id="halt", interactive=False, min_width=80)
        code = gr.Button("Run the code on the problem's tests", elem_id="run-code", visible=False, min_width=160)
        blind = gr.Checkbox(label="Blind: A and B until you choose", elem_id="blind", min_width=200)
    asked = Asked(*[*question, blind])
    notice = gr.HTML(elem_id="compare-notice")
    wait = gr.Button("Wait in line and answer then", visible=False, elem_id="wait")
    with gr.Row(elem_id="rounds", equal_height=True):
        with gr.Row(visible=False) as votes:
            better = {
                index: gr.Button(f"{letter} is better ({letter})", elem_id=f"vote-{letter.lower()}", min_width=100)
                for index, letter in enumerate(view.LETTERS)
            }
            better[-1] = gr.Button("Neither is better (T)", elem_id="vote-t", min_width=100)
        counted = gr.HTML(elem_id="tally")
    columns = gr.HTML(view.empty(), elem_id="columns")
    with gr.Row(visible=False, elem_id="go-on", equal_height=True) as further:
        more = gr.Textbox(
            label="Go on asking", placeholder="Each column goes on from its own answer.", lines=1, max_lines=6, scale=4,
            elem_id="more",
        )  # fmt: skip
        on = gr.Button("Ask on", elem_id="ask-on", min_width=120, scale=1)
    with gr.Row():
        evaluate = gr.Button(
            "Did it help? Evaluate it on problems", elem_id="compare-to-evaluate", scale=0, min_width=420
        )
    earlier = gr.HTML(elem_id="earlier")
    look = pulse(elem_id="look")
    seen = Seen(
        notice, wait, columns, votes, code, further, counted, earlier, pulse(), start, following, on, halt, fold
    )
    fields = Fields(asked.which, asked.system, asked.prompt, following, fold, notice)

    ready, begun = pulse(), gr.State([])
    draft = keep_draft(asked, own, ready)
    clock.asks(list)
    # Not as the page is loaded: before its tab is seen, nothing on it has read what the browser has kept.
    filled = [ready, begun, *asked, *own, *seen]
    clock.tab.select(partial(looked_at, runs), [ready, asked.run, draft], filled, **QUIET)
    before = [ready, asked.run, begun, asked.source, asked.prompt, asked.max_tokens]
    changes = [begun, asked.source, asked.max_tokens, *fields[:3], *seen]
    asked.run.change(partial(changed, runs), before, changes, **QUIET)
    connect_fields(runs, asked, fields, own)

    asking = Asking()
    limits: dict[str, Any] = {"concurrency_limit": BROWSERS, "show_progress": "hidden", "api_visibility": "private"}
    values = [seen.shown, *asked]
    streams = [
        gr.on(
            [start.click, asked.prompt.submit], _for_browser(ask, runs, asking, False), values, list(seen), **limits
        ),
        wait.click(_for_browser(ask, runs, asking, True), values, list(seen), **limits),
        following.click(_for_browser(ask_next, runs, asking), values, [*fields[:3], *seen], **limits),
        gr.on(
            [on.click, more.submit], _for_browser(ask_on, runs, asking), [seen.shown, more], [more, *seen], **limits
        ),
    ]  # fmt: skip
    for stream in streams:
        stream.then(partial(at_rest, runs), seen.shown, [start, following, on, halt, votes, code, further], **QUIET)
    halt.click(_stopping(asking), None, None, **QUIET)
    code.click(partial(code_run, runs), seen.shown, list(seen), show_progress="hidden", api_visibility="private")
    for index, button in better.items():
        button.click(partial(vote, runs, index), seen.shown, list(seen), **QUIET)
    look.change(partial(reopened, runs), look, [look, *seen], **QUIET)
    return CompareTab(asked.run, evaluate)


def looked_at(runs: Path, ready: str, names: list[str], draft: list[Any] | None) -> list[Any]:
    """The tab came into sight: for the first time it is filled, with the newest comparison of its first run."""
    if ready:
        rest = [gr.skip()] * (len(Asked._fields) + len(Own._fields) - 1)
        return [ready, gr.skip(), newest_chosen(runs, names), *rest, *skipped()]
    begun, fields, following, notice = opened(runs, names, draft)
    seen = Seen(*newest_seen(runs, begun))
    return ["ready", begun, *fields, *seen._replace(following=following, notice=notice or seen.notice)]


def reopened(runs: Path, key: str) -> list[Any]:
    """An earlier comparison, which the browser has named; the field is emptied, so that it can be named again."""
    return ["", *looked(runs, key)] if key else [gr.skip(), *skipped()]


def changed(
    runs: Path, ready: str, names: list[str], begun: list[str], source: str, prompt: str, longest: int | None
) -> list[Any]:
    """Other runs: where another is the first, what it can be asked, and its newest comparison.

    The browser tells of a change again and again while it draws, and what was typed must stay: `begun` are the runs
    that this was done for already; before it is `ready`, `looked_at` does it.
    """
    if not ready or not names or names[0] in begun[:1]:
        return [names or begun if ready else gr.skip(), *[gr.skip()] * 5, *skipped()]
    chosen, length, *fields, following, fold, notice = begun_with(
        runs, names, begun[0] if begun else "", source, prompt, longest
    )
    looks = Seen(*newest_seen(runs, names))
    return [
        names,
        chosen,
        length,
        *fields,
        *looks._replace(notice=notice or looks.notice, following=following, fold=fold),
    ]


def _for_browser(act: Callable[..., Iterator[Any]], runs: Path, asking: Asking, *how: Any) -> Callable[..., Any]:
    """The handler that knows which browser asks. Gradio tells it by the request, which it gives to plain functions."""

    def handler(request: gr.Request, *values: Any) -> Iterator[Any]:
        yield from act(runs, asking, *how, request.session_hash or "", *values)

    return handler


def _stopping(asking: Asking) -> Callable[..., None]:
    def handler(request: gr.Request) -> None:
        asking.stop(request.session_hash or "")

    return handler
