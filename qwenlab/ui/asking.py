"""Asking on the Compare tab: a question of all columns at once, the next of a list, or each column in its own
conversation. Handlers that stream; what they yield are the values of `Seen`."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.answering.answerer import BASE, Sampling
from qwenlab.comparison.questions import typed
from qwenlab.comparison.side_by_side import Growing, SideBySide, comparison_of
from qwenlab.errors import UserError
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import Turn, keep, read_comparison
from qwenlab.runs.mode import check_modes
from qwenlab.ui.components import card, fault, text
from qwenlab.ui.jobs import served
from qwenlab.ui.jobs.answers import Asking, answers
from qwenlab.ui.prompts import as_given
from qwenlab.ui.question import next_one
from qwenlab.ui.shown import Seen, actions, blank, find, looked, noticed, skipped
from qwenlab.ui.views import comparison as view


class Wanted(NamedTuple):
    """The values of `Asked`."""

    names: list[str]
    source: str
    which: str | None
    system: str
    prompt: str
    max_tokens: int | None
    temperature: float | None
    seed: int | None
    blind: bool


def ask(runs: Path, asking: Asking, waits: bool, browser: str, shown: str, *values: Any) -> Iterator[list[Any]]:
    """Stream the answers, then keep them. Unless it `waits`, a GPU that somebody else holds is told and not waited for.

    Where there are none in the end, what was `shown` before is seen again. Yields the values of `Seen`.
    """
    wanted = Wanted(*values)
    with asking.begun(browser) as stop:
        try:
            if not wanted.prompt.strip():
                raise UserError("The prompt is empty.", "Type one, or choose a held-out row or a contest problem.")
            if None in (wanted.max_tokens, wanted.temperature, wanted.seed):
                raise UserError("A sampling setting is empty.", "Longest answer, temperature and seed are all needed.")
            chosen = _able(runs, wanted.names, wanted.blind)
            taken = served.busy(runs, wanted.names)
            if taken and not waits:
                yield noticed(card(text(taken), "amber"), wait=True)
                return
            yield from _stream(runs, chosen, wanted, stop)
        except served.WithdrawnError:
            yield _again(runs, shown, _STOPPED)
        except UserError as error:
            yield _again(runs, shown, fault(str(error)))


def ask_next(runs: Path, asking: Asking, browser: str, shown: str, *values: Any) -> Iterator[list[Any]]:
    """Fill the next of the list into the fields, and ask it. Yields the first three of `Fields`, and `Seen`."""
    wanted = Wanted(*values)
    try:
        run = find_run(runs, wanted.names[0] if wanted.names else "")
        found = next_one(run, wanted.source, wanted.which, wanted.blind)
    except UserError as error:
        yield [*[gr.skip()] * 3, *noticed(fault(str(error)))]
        return
    if found is None:
        told = "All that can be chosen has been judged. Choose another source, or look at the tally."
        yield [*[gr.skip()] * 3, *noticed(card(told, "quiet"))]
        return
    which, question = found
    wanted = wanted._replace(which=which, system=question.system, prompt=question.text)
    for state in ask(runs, asking, False, browser, shown, *wanted):
        yield [which, question.system, question.text, *state]


def ask_on(runs: Path, asking: Asking, browser: str, shown: str, question: str) -> Iterator[list[Any]]:
    """Go on with the comparison that is shown, each column with its own conversation, and keep that.

    Yields the field that was asked from, and the values of `Seen`.
    """
    with asking.begun(browser) as stop:
        try:
            if not question.strip():
                raise UserError("There is no question.", "Type what you want to ask next.")
            run, comparison = find(runs, shown)
            models = [column.model for column in comparison.columns]
            chosen = {name: find_run(runs, name) for name in models if name != BASE}
            sampling = Sampling(
                comparison.max_tokens,
                comparison.temperature,
                seed=comparison.seed,
                max_thinking_tokens=comparison.max_thinking_tokens,
            )
            said = {model: comparison.conversation(place) for place, model in enumerate(models)}
            asked = SideBySide([typed(question)], models, sampling, check_modes(chosen), said)

            def show(growing: Sequence[Growing]) -> str:
                return view.asked_on(comparison, question, growing, partial(served.called, runs))

            for state in _growing(runs, list(chosen), asked, show, stop):
                yield [gr.skip(), *state]
            if not asked.columns:
                return
            # It may have been judged meanwhile.
            kept = read_comparison(run, comparison.name)
            turn = Turn(question=question, columns=asked.columns[0])
            keep(run, kept.model_copy(update={"later": (*kept.later, turn)}))
            yield ["", *_looked_after(runs, shown, stop.is_set())]
        except served.WithdrawnError:
            yield [gr.skip(), *_again(runs, shown, _STOPPED)]
        except UserError as error:
            yield [gr.skip(), *_again(runs, shown, fault(str(error)))]


_STOPPED = card('<span role="status">Stopped.</span>', "quiet")


def at_rest(runs: Path, shown: str) -> list[Any]:
    """Once a stream has ended: all can be asked, nothing stopped, and what is seen can be voted on, run, asked on.

    That is not the stream's own affair: Gradio sends its last state twice, and the second would undo a quick vote.
    """
    try:
        _, found = find(runs, shown) if shown else (None, None)
    except UserError:  # it is gone
        found = None
    return [*[gr.Button(interactive=True)] * 3, gr.Button(interactive=False), *actions(found)]


def _able(runs: Path, names: list[str], blind: bool) -> list[Run]:
    """The runs that are to answer.

    Raises:
        UserError: none is chosen, one has no adapter yet, or too many for a blind comparison.
    """
    if not names:
        raise UserError("No run is chosen.", "Choose one above; there is one once a training has ended or stopped.")
    if blind and len(names) > 1:
        raise UserError("A blind comparison is between one run and its base.", "Choose one run.")
    found = [find_run(runs, name) for name in names]
    for run in found:
        if not run.adapter.exists():
            raise UserError(
                f"{served.called(runs, run.name)} has no adapter yet.", "A run delivers it when it ends, or stops."
            )
    return found


def _stream(runs: Path, chosen: list[Run], wanted: Wanted, stop: Event) -> Iterator[list[Any]]:
    """Have the answers, and keep them with the first of the runs."""
    names = [run.name for run in chosen]
    question = as_given(chosen[0], wanted.source, wanted.which, typed(wanted.prompt, wanted.system))
    sampling = Sampling(
        int(wanted.max_tokens or 1),
        float(wanted.temperature or 0),
        seed=int(wanted.seed or 0),
        max_thinking_tokens=chosen[0].recipe.evaluate.max_thinking_tokens,
    )
    models = [BASE, *names]
    if wanted.blind:
        random.shuffle(models)
    asked = SideBySide([question], models, sampling, check_modes({run.name: run for run in chosen}))
    head = view.Head(question.messages, question.expected, question.problem is not None)

    def show(growing: Sequence[Growing]) -> str:
        return view.streaming(head, growing, wanted.blind, partial(served.called, runs))

    yield from _growing(runs, names, asked, show, stop)
    if asked.columns:
        comparison = comparison_of(question, sampling, asked.columns[0], wanted.blind)
        keep(chosen[0], comparison)
        yield _looked_after(runs, f"{names[0]}/{comparison.name}", stop.is_set())


def _growing(
    runs: Path, names: list[str], asked: SideBySide, show: Callable[[Sequence[Growing]], str], stop: Event
) -> Iterator[list[Any]]:
    """The columns of `asked` while they grow, which it has none of where one could not be answered.

    Raises:
        UserError: as `answers`, where the fault stands in no column.
        WithdrawnError: it was stopped before anything was written.
    """
    yield _at_work(fold=gr.Accordion(open=False))
    try:
        for state in answers(runs, names, asked, stop):
            if isinstance(state, str):
                told = f'<span role="status">{text(state)} The answers follow by themselves.</span>'
                yield _at_work(notice=card(told, "quiet"))
            else:
                yield _at_work(notice="", columns=show(state))
    except UserError:
        if not any(column.fault for column in asked.growing):
            raise
        yield _at_work(notice="", columns=show(asked.growing), shown="")
    if stop.is_set() and not any(column.text or column.reasoning for column in asked.growing):
        raise served.WithdrawnError


def _at_work(**changes: Any) -> list[Any]:
    """The values of `Seen` while columns grow: of what is seen, nothing can be judged or voted on yet."""
    rest = [gr.Button(interactive=False)] * 3
    before = Seen(*skipped())._replace(
        wait=gr.Button(visible=False),
        votes=gr.Row(visible=False),
        code=gr.Button(visible=False),
        further=gr.Row(visible=False),
        start=rest[0],
        following=rest[1],
        on=rest[2],
        halt=gr.Button(interactive=True),
    )
    return list(before._replace(**changes))


def _again(runs: Path, shown: str, notice: str) -> list[Any]:
    """What was seen before, with a word on why there is nothing else."""
    return _last(Seen(*(looked(runs, shown) if shown else blank("")))._replace(notice=notice))


def _looked_after(runs: Path, shown: str, stopped: bool) -> list[Any]:
    """As `looked`, with a word on what was stopped."""
    seen = Seen(*looked(runs, shown))
    told = card('<span role="status">Stopped. What was written until then is kept.</span>', "quiet")
    return _last(seen._replace(notice=f"{seen.notice}{told}") if stopped else seen)


def _last(seen: Seen) -> list[Any]:
    """Of a stream: what can be done with it is for `at_rest`."""
    return list(
        seen._replace(votes=gr.Row(visible=False), code=gr.Button(visible=False), further=gr.Row(visible=False))
    )
