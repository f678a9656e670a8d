"""What every tab is built from: HTML that escapes what it shows, the page's way to answer, and a hidden trigger."""

import hashlib
import html
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from qwenlab.files import replacing

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How the page's handlers answer: at once, without a spinner over what they change."""


def text(value: object) -> str:
    """As plain text inside HTML."""
    return _no_template(html.escape(str(value)))


def lab(content: str) -> str:
    """The frame that the style sheet knows."""
    return f'<div class="lab">{_no_template(content)}</div>'


def card(content: str, kind: str = "") -> str:
    return lab(f'<div class="card {kind}">{content}</div>')


def fault(message: str) -> str:
    """A sentence that says what is wrong and what to do; nothing for no message."""
    return card(f'<pre role="alert">{text(message)}</pre>', "fault") if message else ""


def facts(pairs: dict[str, str]) -> str:
    """Numbers with their names above them. The values are HTML."""
    return (
        '<div class="facts">'
        + "".join(f"<div><span>{text(name)}</span>{value}</div>" for name, value in pairs.items())
        + "</div>"
    )


def pulse(value: str = "", elem_id: str | None = None) -> gr.Textbox:
    """Holds a text, unseen; `.change` fires in the browser when an answer has set another, or a script of ours.

    A `gr.State` would be the word for it, but in Gradio 6.31 it tells of changes only after events that went through
    the queue, and what a page asks every two seconds does not.
    """
    return gr.Textbox(value, visible="hidden", container=False, show_label=False, elem_id=elem_id, elem_classes="pulse")


def when_chosen(
    lists: Sequence[gr.Dropdown], act: Callable[..., Sequence[Any]], inputs: Sequence[Any], outputs: Sequence[Any]
) -> None:
    """Call `act` once another entry of one of the lists is chosen; never when one was only looked into.

    Gradio's Dropdown tells of an `input` whenever it is left, by keyboard too, whether or not anything was chosen.
    """
    for each in lists:
        before = pulse()
        each.focus(None, each, before, js="value => value", **QUIET)
        each.input(partial(_if_other, act, len(outputs)), [before, each, *inputs], [before, *outputs], **QUIET)


def _if_other(act: Callable[..., Sequence[Any]], outputs: int, before: str, now: str, *values: Any) -> list[Any]:
    return [gr.skip()] * (1 + outputs) if now == before else [now, *act(*values)]


def passed_on(file: Path) -> str:
    """A copy of this one file, where Gradio serves from what a browser may fetch."""
    content = file.read_bytes()
    copy = Path(get_upload_folder()) / hashlib.sha256(content).hexdigest()[:32] / file.name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with replacing(copy) as temporary:
            temporary.write_bytes(content)
    return str(copy)


def _no_template(markup: str) -> str:
    """Without the braces, dollars and backticks that Gradio's HTML component reads as a template of its own."""
    return markup.replace("$", "&#36;").replace("{", "&#123;").replace("}", "&#125;").replace("`", "&#96;")
