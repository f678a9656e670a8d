"""What no handler of the page speaks of itself, a full disk for instance, is said there in the terminal's sentence."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from qwenlab.errors import UserError, outside_told


def tell_faults(page: gr.Blocks) -> None:
    """Have every handler of the page, which is built, tell what went wrong outside as a message over the page."""
    for function in page.fns.values():
        if function.fn is not None:
            function.fn = _telling(function.fn)


def _telling(handler: Callable[..., Any]) -> Callable[..., Any]:
    # Gradio asks whether a handler is a generator before it calls it.
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def pieces(*values: Any) -> Iterator[Any]:
            with _shown():
                yield from handler(*values)

        return pieces

    @functools.wraps(handler)
    def answer(*values: Any) -> Any:
        with _shown():
            return handler(*values)

    return answer


@contextmanager
def _shown() -> Iterator[None]:
    try:
        with outside_told():
            yield
    except UserError as error:
        raise gr.Error(str(error), title="This cannot be done", print_exception=False) from None
