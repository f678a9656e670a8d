"""How columns look in a terminal: live while they grow, whole and with their stamps in the end."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from rich.box import HORIZONTALS
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from qwenlab.answering.answerer import Answerer, Sampling
from qwenlab.comparison.questions import Question
from qwenlab.comparison.side_by_side import Growing, SideBySide, cut_line, reasoning_line, speed_line, stamp_line
from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.runs.comparisons import Column

LETTERS = "AB"
"""Names of the columns of which nobody may know whose they are."""

AT_ONCE = 8
"""Questions in a batch where nobody watches the answers grow."""

LINES = 8
"""Of reasoning that is being written: its end is what is new."""


class Screen:
    """Shows questions and their columns; `blind`: without names and stamps, in an order that the caller has chosen."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def ask(
        self,
        answerer: Answerer,
        questions: Sequence[Question],
        sampling: Sampling,
        modes: Mapping[str, bool | None],
        order: Sequence[int],
        blind: bool,
    ) -> list[tuple[Column, ...]]:
        """Have the questions answered, live on a terminal if there is one question; `order` is that of the columns.

        `modes` says of each model whether it is asked to think first.
        """
        asked = SideBySide(questions, answerer.names, sampling, modes)
        if not self.console.is_terminal or len(questions) > 1:
            asked.answer(answerer)
            return asked.columns
        titles = [self._title(answerer.names[number], place, blind) for place, number in enumerate(order)]
        with (
            closing(asked.watch(answerer)) as states,
            Live(console=self.console, transient=True, vertical_overflow="ellipsis") as live,
        ):
            for growing in states:
                live.update(_table(titles, [_growing(growing[number]) for number in order]))
        return asked.columns

    def show_question(self, question: Question) -> None:
        self.console.print(Rule(align="left"))
        self.console.print(question.text.strip(), markup=False, style="bold")

    def show(self, columns: Sequence[Column], blind: bool) -> None:
        """Whole columns, with what is known of them."""
        titles = [self._title(column.model, place, blind) for place, column in enumerate(columns)]
        self.console.print(_table(titles, [_body(column, blind) for column in columns]))

    @staticmethod
    def _title(model: str, place: int, blind: bool) -> str:
        return LETTERS[place] if blind else model


def _table(titles: Sequence[str], bodies: Sequence[RenderableType]) -> Table:
    table = Table(box=HORIZONTALS, expand=True)
    for title in titles:
        table.add_column(Text(title), ratio=1, overflow="fold")
    table.add_row(*bodies)
    return table


def _growing(column: Growing) -> Group:
    parts: list[RenderableType] = []
    if column.reasoning and not column.text:
        parts.append(Text("\n".join(["thinking", *column.reasoning.splitlines()[-LINES:]]), style="dim"))
    elif column.reasoning:
        parts.append(Text(f"{reasoning_line(column.reasoning)}\n", style="dim"))
    return Group(*parts, Text(column.text))


def _body(column: Column, blind: bool) -> Group:
    parts: list[RenderableType] = [Text(column.text.rstrip())]
    if column.reasoning:
        parts.insert(0, Text(f"{reasoning_line(column.reasoning, column.reasoning_tokens)}\n", style="dim"))
    if column.verdict is not None:
        meaning = MEANING[Verdict(column.verdict)] if column.verdict else "no program in it"
        style = "green" if column.verdict == Verdict.AC else "yellow"
        parts.append(Text(f"\n{column.verdict} {meaning}".rstrip() + f"  {column.detail}".rstrip(), style=style))
    if not blind:
        told = " · ".join(filter(None, (speed_line(column), cut_line(column))))
        parts.append(Text(f"\n{stamp_line(column.stamp)}\n{told}", style="dim"))
    return Group(*parts)
