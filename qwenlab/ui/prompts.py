"""What a run can be asked without typing: rows that were held out of its training, and problems of its contest."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from qwenlab.data import load
from qwenlab.errors import UserError
from qwenlab.evaluation import Problem, prompt
from qwenlab.evaluation.benchmark import is_at_hand, load_benchmark
from qwenlab.files import read_lines
from qwenlab.recipe import read_recipe
from qwenlab.runs import Run, list_evaluations
from qwenlab.ui.run_cache import stamp

MOST_ROWS = 200
"""Held-out rows that are offered."""


class Question(NamedTuple):
    """What is asked, and the answer that the data has for it."""

    system: str
    user: str
    expected: str = ""

    @property
    def messages(self) -> list[dict[str, str]]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": self.user}]


def held_out(run: Run) -> tuple[Question, ...]:
    """The first question of each held-out row, with the row's own answer; at most `MOST_ROWS`.

    Raises:
        UserError: the data cannot be had any more.
    """
    return _held_out(run.recipe_file, stamp(run.recipe_file))


def problems(run: Run) -> tuple[Problem, ...]:
    """Those of the newest evaluation, as they were frozen; before there is one, the recipe's, where they are at hand.

    A data set of the hub is not at hand before an evaluation has fetched it.

    Raises:
        UserError: the recipe's file of problems cannot be read.
    """
    frozen = [each.problems_file for each in list_evaluations(run) if each.problems_file.exists()]
    if frozen:
        return _frozen(frozen[-1], stamp(frozen[-1]))
    settings = run.recipe.evaluate
    if not is_at_hand(settings.problems):
        return ()
    return load_benchmark(settings.problems, settings.limit, settings.max_tests, settings.seed).problems


def question(problem: Problem) -> Question:
    """The problem as an evaluation asks it."""
    system, user = (message["content"] for message in prompt(problem))
    return Question(system, user, problem.solution or "")


def is_problem(run: Run, which: str | None, asked: Question) -> bool:
    """Whether what is asked is the run's problem of that name, word for word: only then its tests say anything."""
    found = {problem.name: question(problem) for problem in problems(run)}.get(which or "")
    return found is not None and found.messages == asked.messages


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
    recipe = read_recipe(recipe_file)
    rows = load(recipe.data, recipe.train.seed).validation["messages"].head(MOST_ROWS)
    return tuple(filter(None, map(_first_question, rows.to_list())))


def _first_question(messages: list[dict[str, str]]) -> Question | None:
    """Of a conversation: what comes before the first answer, and that answer."""
    texts: dict[str, str] = {}
    for message in messages:
        texts.setdefault(message["role"], message["content"])
    return Question(texts.get("system", ""), texts["user"], texts.get("assistant", "")) if "user" in texts else None


@lru_cache(maxsize=8)
def _frozen(file: Path, changed: tuple[int, int]) -> tuple[Problem, ...]:
    return tuple(read_lines(file, Problem))
