"""What a run can be asked without typing: rows that were held out of its training, and problems of its contest."""

from functools import lru_cache
from pathlib import Path

from qwenlab.comparison.questions import Question, from_held_out, from_problem, typed
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Program
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.benchmark import is_at_hand, load_benchmark
from qwenlab.files import read_lines
from qwenlab.recipe import read_recipe
from qwenlab.runs import Evaluation, Run, list_evaluations
from qwenlab.ui.run_cache import stamp

CONTESTS = ("tiny", "code_contests")
"""Suites of contest problems."""

MOST_ROWS = 200
"""Held-out rows that are offered."""


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
    frozen = [file for each in list_evaluations(run) for file in _asked_of_contests(each) if file.exists()]
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


def problem_asked(run: Run, name: str | None, asked: Question) -> Problem | None:
    """The run's problem of that name, if it is asked word for word: only then its tests say anything."""
    found = next((problem for problem in problems(run) if problem.name == name), None)
    return found if found and from_problem(found).messages == asked.messages else None


@lru_cache(maxsize=8)
def _held_out(recipe_file: Path, changed: tuple[int, int]) -> tuple[Question, ...]:
    return tuple(map(_first_question, from_held_out(read_recipe(recipe_file), MOST_ROWS)))


def _first_question(row: Question) -> Question:
    """What the user says first, for which the page has room, and what the assistant answered to that."""
    asked = next(place for place, message in enumerate(row.messages) if message["role"] == "user")
    answers = [message["content"] for message in row.messages[asked:] if message["role"] == "assistant"]
    return typed(row.messages[asked]["content"], row.system)._replace(expected=[*answers, row.expected][0])


def _asked_of_contests(evaluation: Evaluation) -> list[Path]:
    return [evaluation.suite(name).items_file for name in CONTESTS]


@lru_cache(maxsize=8)
def _frozen(file: Path, changed: tuple[int, int]) -> tuple[Problem, ...]:
    return tuple(item.task.problem for item in read_lines(file, Item) if isinstance(item.task, Program))
