"""What a handler does not speak of itself, a full disk for instance, is said in the browser in the terminal's words."""

import errno
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from qwenlab.errors import UserError
from qwenlab.ui.faults import tell_faults


def _told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler as the page calls it."""
    function = SimpleNamespace(fn=handler)
    tell_faults(cast("gr.Blocks", SimpleNamespace(fns={0: function})))
    told: Callable[..., Any] = function.fn
    return told


def _full() -> str:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/a/label.json")


def _pieces() -> Iterator[str]:
    yield "a"
    raise UserError("There is no run a.", "There are: b.")


def test_a_full_disk_is_told_over_the_page() -> None:
    handler = _told(_full)
    with pytest.raises(gr.Error) as caught:
        handler()
    assert caught.value.message.startswith("runs/a/label.json: the disk is full.\nMake room")


def test_so_is_a_sentence_in_the_middle_of_an_answer() -> None:
    handler = _told(_pieces)
    said = handler()
    assert next(said) == "a"
    with pytest.raises(gr.Error, match=r"There is no run a\..*There are: b"):
        next(said)


def test_a_bug_stays_one() -> None:
    def broken() -> str:
        raise KeyError("a")

    handler = _told(broken)
    with pytest.raises(KeyError):
        handler()
