"""A question before what cannot be taken back: it names the thing, and its answer is for that thing and no other."""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.ui.components import QUIET, card, pulse


class Words(NamedTuple):
    """What is asked, as HTML, and what its buttons say."""

    question: str
    yes: str
    more: str = ""
    """A second way to say yes; empty: there is none."""


Wish = dict[str, str]
"""What is to be done, and to what."""


class Confirmation(NamedTuple):
    """Its components."""

    wish: gr.Textbox
    """As JSON, what somebody wants to do; setting it asks."""
    asked: gr.Textbox
    """The wish that the words on the page are about: an answer is an answer to this one."""
    box: gr.Column
    words: gr.HTML
    yes: gr.Button
    more: gr.Button
    no: gr.Button

    @property
    def shown(self) -> list[Any]:
        """What `_put` fills."""
        return [self.asked, self.box, self.words, self.yes, self.more]

    def put_by(self, word: Callable[[Wish, str], Words | None], about: gr.Textbox) -> None:
        """Show the question whenever there is a wish, and look again whenever `about` becomes another.

        Args:
            word: the words for a wish and what `about` holds; None: there is nothing to ask any more.
        """
        gr.on([self.wish.change, about.change], partial(_put, word), [self.wish, about], self.shown, **QUIET)
        self.no.click(None, None, self.wish, js="() => ''", **QUIET)

    def answered_by(self, act: Callable[..., Sequence[Any]], outputs: Sequence[Any]) -> None:
        """Call `act` with the wish that was asked about, and whether it was the second yes; then take it away."""
        for button, second in ((self.yes, False), (self.more, True)):
            button.click(partial(_answer, act, second, len(outputs)), self.asked, [self.wish, *outputs], **QUIET)


def build_confirmation(name: str) -> Confirmation:
    """Built where it shall stand, unseen."""
    with gr.Column(visible=False, elem_id=name, elem_classes="question") as box:
        words = gr.HTML()
        with gr.Row():
            yes = gr.Button(variant="stop", min_width=120)
            more = gr.Button(visible=False, min_width=120, elem_classes="danger")
            no = gr.Button("Cancel", min_width=120)
    return Confirmation(pulse(), pulse(), box, words, yes, more, no)


def wish(act: str, **about: str) -> str:
    """For `Confirmation.wish`; another text each time, so that the same may be asked again."""
    return json.dumps({"act": act, "asked": str(time.monotonic_ns()), **about})


def _put(word: Callable[[Wish, str], Words | None], wished: str, about: str) -> list[Any]:
    words = word(json.loads(wished), about) if wished else None
    if words is None:
        return ["", gr.Column(visible=False), *[gr.skip()] * 3]
    return [
        wished,
        gr.Column(visible=True),
        card(f'<p role="alert">{words.question}</p>', "asks"),
        gr.Button(words.yes),
        gr.Button(words.more, visible=bool(words.more)),
    ]


def _answer(act: Callable[..., Sequence[Any]], second: bool, outputs: int, asked: str) -> list[Any]:
    return ["", *act(json.loads(asked), second)] if asked else ["", *[gr.skip()] * outputs]
