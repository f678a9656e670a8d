"""Comparing as a job: the same questions put to runs and their base, shown side by side and kept."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from qwenlab.answering.answerer import Answerer, Sampling
from qwenlab.comparison.choice import ask_which, shuffled, tally_sentence
from qwenlab.comparison.questions import Question, from_file, from_held_out, from_problems, from_prompt
from qwenlab.comparison.screen import AT_ONCE, Screen
from qwenlab.comparison.side_by_side import comparison_of
from qwenlab.comparison.verdicts import Judge, judge_of_columns
from qwenlab.inference.runs import local_answerer
from qwenlab.recipe import Recipe
from qwenlab.runs import Run, find_run
from qwenlab.runs.comparisons import keep, tally
from qwenlab.runs.mode import check_modes, modes_differ
from qwenlab.runs.serving import serving
from qwenlab.runs.shared_base import named

__all__ = ["compare", "find_run", "named", "questions", "sampling"]


def compare(
    found: Mapping[str, Run],
    asked: list[Question],
    how: Sampling,
    *,
    runs: Path,
    run_code: bool = False,
    blind: bool = False,
    served: tuple[str, dict[str, list[str]]] | None = None,
) -> None:
    """Ask the runs and their base, show the answers as they come, and keep each comparison with the first run.

    Args:
        found: the runs by the names that they answer under.
        runs: the folder of all runs, where the GPU queue is.
        run_code: run the programs in the answers on their problems' tests.
        blind: hide whose answer is whose until one is chosen; for one run alone.
        served: address of a server that answers, and what it calls the base and the runs; None: a model in memory.

    Raises:
        UserError: a question does not fit, the runs share no base, the server cannot be asked, or a run's mode of
            thinking was changed.
    """
    screen = Screen(Console(highlight=False))
    first = next(iter(found.values()))
    modes = check_modes(found)
    if told := modes_differ(modes):
        screen.console.print(told, markup=False)
    try:
        with contextlib.ExitStack() as stack:
            judge = stack.enter_context(judge_of_columns()) if run_code else None
            answerer = stack.enter_context(_remote(*served) if served else _in_memory(runs, found, screen))
            _compare(screen, first, answerer, asked, how, modes, judge, blind)
    except (KeyboardInterrupt, EOFError):
        screen.console.print("\nstopped")
    if blind:
        screen.console.print(tally_sentence(next(iter(found)), tally(first)), style="bold", markup=False)


def questions(
    recipe: Recipe, prompt: str | None, prompts: Path | None, held_out: int | None, problems: str | None, limit: int
) -> list[Question]:
    """What is asked: a prompt, those of a file, rows that were held out, or `limit` contest problems.

    Raises:
        UserError: the file, the rows or the problems cannot be had.
    """
    if prompt is not None:
        return [from_prompt(prompt, recipe)]
    if prompts is not None:
        return from_file(prompts, recipe)
    return from_held_out(recipe, held_out) if held_out else from_problems(problems or "", limit, recipe)


def sampling(recipe: Recipe, max_tokens: int | None, temperature: float | None, seed: int | None) -> Sampling:
    """How answers are drawn; what is None is as the recipe evaluates."""
    settings = recipe.evaluate
    return Sampling(
        max_new_tokens=max_tokens or settings.max_new_tokens,
        temperature=settings.temperature if temperature is None else temperature,
        seed=settings.seed if seed is None else seed,
        max_thinking_tokens=settings.max_thinking_tokens,
    )


def _compare(
    screen: Screen,
    run: Run,
    answerer: Answerer,
    questions: list[Question],
    how: Sampling,
    modes: Mapping[str, bool | None],
    judge: Judge | None,
    blind: bool,
) -> None:
    """Ask, show, keep; one question at a time where somebody watches."""
    size = 1 if blind or screen.console.is_terminal else AT_ONCE
    for first in range(0, len(questions), size):
        batch = questions[first : first + size]
        order = shuffled(how.seed, first) if blind else list(range(len(answerer.names)))
        if size == 1:
            screen.show_question(batch[0])
        for question, columns in zip(batch, screen.ask(answerer, batch, how, modes, order, blind), strict=True):
            if size > 1:
                screen.show_question(question)
            if judge and question.problem:
                columns = judge(question.problem, columns)
            comparison = comparison_of(question, how, [columns[number] for number in order], blind)
            keep(run, comparison)
            screen.show(comparison.columns, blind)
            if blind:
                ask_which(screen.console, run, comparison)


def _remote(url: str, models: dict[str, list[str]]) -> contextlib.AbstractContextManager[Answerer]:
    """The client takes half a second to import: only where a server is asked."""
    from qwenlab.answering.remote import remote_answerer

    return remote_answerer(url, models)


@contextlib.contextmanager
def _in_memory(runs: Path, found: Mapping[str, Run], screen: Screen) -> Iterator[Answerer]:
    """With the turn at the GPU."""

    def waiting(ahead: list[str]) -> None:
        screen.console.print(f"waiting for the GPU: {', then '.join(ahead)}", markup=False)
        if (server := serving(runs)) and set(found) <= set(server.models):
            screen.console.print(f"The server there can answer at once: --endpoint {server.url}", markup=False)

    with local_answerer(runs, found, "compare", waiting) as answerer:
        yield answerer
