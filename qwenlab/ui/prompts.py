"""What a run can be asked without typing: rows that were held out of its training, and problems of its contest."""

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from qwenlab.comparison.questions import Question, from_held_out, from_problem, typed
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Program
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.benchmark import is_at_hand, load_benchmark
from qwenlab.files import read_lines
from qwenlab.recipe import read_recipe
from qwenlab.recipe.settings import TINY
from qwenlab.runs import Evaluation, Run, list_evaluations
from qwenlab.ui.run_cache import stamp

CONTESTS = ("tiny", "code_contests")
"""Suites of contest problems."""

MOST_ROWS = 200
"""Held-out rows that are offered."""

SHORTENED = 70
"""Characters of a question in the list."""

HELD_OUT, PROBLEM, TYPED = "Held-out row", "Contest problem", "Typed"
"""Where a prompt comes from."""


def sources(run: Run) -> list[str]:
    """Where the run's prompts can come from, the one to begin with first.

    Own data are asked about themselves. Contest problems are for runs that learned from the contest, for those that an
    evaluation has asked some, and for want of held-out rows.
    """
    if run.recipe.data.source == TINY:
        return [PROBLEM, HELD_OUT, TYPED]
    try:
        return [HELD_OUT, *([PROBLEM] if held_out(run) and _frozen_files(run) else []), TYPED]
    except UserError:  # the data are gone, or held nothing out
        return [PROBLEM, TYPED] if problems(run) else [TYPED]


def questions(run: Run, source: str) -> dict[str, Question]:
    """What can be chosen, by the name that it is chosen by; nothing where it is typed.

    Raises:
        UserError: as `held_out` and `problems`.
    """
    if source == TYPED:
        return {}
    found = map(from_problem, problems(run)) if source == PROBLEM else held_out(run)
    return {
        f"{number}: {' '.join(question.text.split())[:SHORTENED]}": question
        for number, question in enumerate(found, start=1)
    }


class Given(NamedTuple):
    """What fields hold that nobody has typed into."""

    prompts: frozenset[str]
    systems: frozenset[str]


def given(run: Run) -> Given:
    """All prompts and system messages that the run's sources fill in."""
    found: list[Question] = []
    for source in (HELD_OUT, PROBLEM):
        with contextlib.suppress(UserError):
            found += questions(run, source).values()
    return Given(
        frozenset(_one_way(question.text) for question in found),
        frozenset(_one_way(question.system) for question in found),
    )


def was_given(value: str, known: frozenset[str]) -> bool:
    """Whether a field holds nothing but what a source has filled in, or nothing at all."""
    return not value.strip() or _one_way(value) in known


def as_given(run: Run, source: str, which: str | None, asked: Question) -> Question:
    """The question with its problem and the data's answer, if it is the one that was chosen, word for word.

    Only then they say anything about its answers.
    """
    try:
        found = questions(run, source).get(which or "")
    except UserError:
        return asked
    if found is None or list(map(_turn, found.messages)) != list(map(_turn, asked.messages)):
        return asked
    return found


def held_out(run: Run) -> tuple[Question, ...]:
    """The first question of each held-out row, with the row's own answer; at most `MOST_ROWS`.

    Raises:
        UserError: the data cannot be had any more, or no row was held out.
    """
    return _held_out(run.recipe_file, stamp(run.recipe_file))


def problems(run: Run) -> tuple[Problem, ...]:
    """Those of the newest evaluation, as they were frozen; before there is one, the recipe's, where they are at hand.

    A data set of the hub is not at hand before an evaluation has fetched it.

    Raises:
        UserError: the recipe's file of problems cannot be read.
    """
    frozen = _frozen_files(run)
    if frozen:
        return _frozen(frozen[-1], stamp(frozen[-1]))
    settings = run.recipe.evaluate
    if not is_at_hand(settings.problems):
        return ()
    return load_benchmark(settings.problems, settings.limit, settings.max_tests, settings.seed).problems


def problem_named(run: Run, name: str | None) -> Problem:
    """Raises:
    UserError: the run has no such problem any more.
    """
    for problem in problems(run):
        if problem.name == name:
            return problem
    raise UserError(f"{name} is not among the run's problems any more.", "Ask the problem again, then run the code.")


@lru_cache(maxsize=8)
def _held_out(recipe_file: Path, changed: tuple[int, int]) -> tuple[Question, ...]:
    return tuple(map(_first_question, from_held_out(read_recipe(recipe_file), MOST_ROWS)))


def _first_question(row: Question) -> Question:
    """What the user says first, for which the page has room, and what the assistant answered to that."""
    asked = next(place for place, message in enumerate(row.messages) if message["role"] == "user")
    answers = [message["content"] for message in row.messages[asked:] if message["role"] == "assistant"]
    return typed(row.messages[asked]["content"], row.system)._replace(expected=[*answers, row.expected][0])


def _frozen_files(run: Run) -> list[Path]:
    return [file for each in list_evaluations(run) for file in _asked_of_contests(each) if file.exists()]


def _one_way(value: str) -> str:
    """As every browser writes it: their line ends are their own."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def _turn(message: dict[str, str]) -> tuple[str, str]:
    return message["role"], _one_way(message["content"])


def _asked_of_contests(evaluation: Evaluation) -> list[Path]:
    return [evaluation.suite(name).items_file for name in CONTESTS]


@lru_cache(maxsize=8)
def _frozen(file: Path, changed: tuple[int, int]) -> tuple[Problem, ...]:
    return tuple(item.task.problem for item in read_lines(file, Item) if isinstance(item.task, Program))
