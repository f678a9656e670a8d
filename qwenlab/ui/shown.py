"""What of a comparison is seen on the Compare tab, and what can be done with it: its programs run, one chosen blind."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.comparison.choice import tally_sentence
from qwenlab.comparison.verdicts import judge_of_columns
from qwenlab.errors import UserError
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import Comparison, choose, keep, list_comparisons, read_comparison, tally, unreadable
from qwenlab.ui.components import card, fault
from qwenlab.ui.jobs import served
from qwenlab.ui.prompts import problem_named
from qwenlab.ui.views import comparison as view


class Seen(NamedTuple):
    """The components that show a comparison and may be pressed beside it; or their values, as `looked` has them."""

    notice: Any
    wait: Any
    columns: Any
    votes: Any
    code: Any
    further: Any
    """Around what asks on."""
    tally: Any
    earlier: Any
    shown: Any
    """The run and the name of the comparison that is seen, as `RUN/NAME`."""
    start: Any
    following: Any
    on: Any
    halt: Any
    fold: Any
    """Around the prompt."""


def code_run(runs: Path, shown: str) -> Iterator[list[Any]]:
    """Run the programs of the comparison that is shown, against its problem's tests."""
    yield noticed(card("Running the programs on the problem's tests, in a sandbox.", "quiet"))
    try:
        run, comparison = find(runs, shown)
        problem = problem_named(run, comparison.problem)
        with judge_of_columns() as judged:
            columns = judged(problem, comparison.columns)
        kept = read_comparison(run, comparison.name)
        keep(run, kept.model_copy(update={"columns": columns}))
    except UserError as error:
        yield noticed(fault(str(error)))
    else:
        yield looked(runs, shown)


def vote(runs: Path, index: int, shown: str) -> list[Any]:
    """Keep the choice between A and B, or neither (-1); then the names are told."""
    try:
        run, comparison = find(runs, shown)
        choose(run, comparison.name, "" if index < 0 else comparison.columns[index].model)
    except UserError as error:
        return noticed(fault(str(error)))
    return looked(runs, shown)


def newest_seen(runs: Path, names: list[str]) -> list[Any]:
    """The newest comparison of the first of the runs, as any browser sees it."""
    if not names:
        return blank("")
    try:
        kept = list_comparisons(find_run(runs, names[0]))
    except UserError as error:
        return blank(fault(str(error)))
    return looked(runs, f"{names[0]}/{kept[-1].name if kept else ''}")


def looked(runs: Path, shown: str) -> list[Any]:
    """The values of `Seen` for a comparison that is kept; where it is not, what will stand here."""
    name, _, which = shown.partition("/")
    try:
        run = find_run(runs, name)
    except UserError as error:
        return blank(fault(str(error)))
    kept = list_comparisons(run)
    found = next((each for each in kept if each.name == which), None)
    others = [(f"{run.name}/{each.name}", each) for each in kept if each is not found]
    counts, called = tally(run), partial(served.called, runs)
    votes, code, further = actions(found)
    values = Seen(*skipped())._replace(
        notice="".join(map(fault, unreadable(run))),
        wait=gr.Button(visible=False),
        columns=view.finished(found, called) if found else view.empty(),
        votes=votes,
        code=code,
        further=further,
        tally=view.tally(tally_sentence(called(run.name), counts)) if any(counts) else "",
        earlier=view.earlier(others, called),
        shown=shown if found else "",
    )
    return list(values)


def actions(found: Comparison | None) -> tuple[gr.Row, gr.Button, gr.Row]:
    """What can be done with it: a vote, its programs run, more asked. Before the vote nothing else: a verdict would
    tell more of whose answers these are than they do themselves."""
    decided = found is not None and not found.is_hidden
    runs_code = found is not None and found.problem is not None and any(each.verdict is None for each in found.columns)
    hidden = found is not None and found.is_hidden
    return gr.Row(visible=hidden), gr.Button(visible=decided and runs_code), gr.Row(visible=decided)


def find(runs: Path, shown: str) -> tuple[Run, Comparison]:
    """The comparison that is seen, and the run that keeps it.

    Raises:
        UserError: one of them is gone.
    """
    name, _, which = shown.partition("/")
    run = find_run(runs, name)
    return run, read_comparison(run, which)


def noticed(content: str, wait: bool = False) -> list[Any]:
    """Words above the columns, which stay as they are."""
    return [content, gr.Button(visible=wait), *[gr.skip()] * (len(Seen._fields) - 2)]


def skipped() -> list[Any]:
    """Everything stays as it is."""
    return [gr.skip()] * len(Seen._fields)


def blank(notice: str) -> list[Any]:
    """What stands here before the first answer."""
    hidden = gr.Row(visible=False)
    values = Seen(*noticed(notice))._replace(
        columns=view.empty(),
        votes=hidden,
        code=gr.Button(visible=False),
        further=hidden,
        tally="",
        earlier="",
        shown="",
    )
    return list(values)
