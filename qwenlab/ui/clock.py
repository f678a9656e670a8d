"""When a page asks what is new: for the tab that is seen, and everything in one question."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from qwenlab.ui.components import QUIET
from qwenlab.ui.polling import POLL_SECONDS
from qwenlab.ui.status_bar import Strip


class Clock:
    """Ticks for one tab as long as it is seen, and at once when it comes into sight."""

    def __init__(self, tab: gr.Tab, strip: Strip, active: bool = False) -> None:
        self.tab = tab
        self.timer = gr.Timer(POLL_SECONDS, active=active)
        self._strip = strip

    def asks(self, answer: Callable[..., Sequence[Any]], inputs: Any = (), outputs: Sequence[Any] = ()) -> None:
        """What a tick asks for the tab; the same question keeps the strip up to date. To be said once."""
        events = [self.timer.tick, self.tab.select]
        asked = [self._strip.hand, *(inputs if isinstance(inputs, Sequence) else [inputs])]
        gr.on(events, self._strip.beside(answer), asked, [*self._strip.outputs, *outputs], **QUIET)


def connect(clocks: Sequence[Clock], pace: gr.Textbox) -> None:
    """Let each clock run while its tab is selected, at the pace that the server asks for."""
    timers = [clock.timer for clock in clocks]
    for selected in clocks:
        which = [clock is selected for clock in clocks]
        selected.tab.select(partial(_switched, which), None, timers, **QUIET)
    pace.change(lambda seconds: [float(seconds)] * len(timers), pace, timers, **QUIET)


def _switched(which: Sequence[bool]) -> list[gr.Timer]:
    return [gr.Timer(active=active) for active in which]
