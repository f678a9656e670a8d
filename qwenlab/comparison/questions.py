"""What is asked: a prompt, a file of prompts, rows that were held out of the training, or contest problems."""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qwenlab import data
from qwenlab.answering.answerer import Messages
from qwenlab.errors import UserError, refused
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.programs.prompt import prompt
from qwenlab.recipe import Recipe


class Question(NamedTuple):
    """A conversation that waits for its answer."""

    messages: Messages
    problem: Problem | None = None
    """The contest problem that it asks, word for word, if it does."""
    expected: str = ""
    """The answer that the data has for it, if it has one."""

    @property
    def text(self) -> str:
        """What the user said last."""
        return self.messages[-1]["content"]

    @property
    def system(self) -> str:
        """The system message; empty where there is none."""
        return self.messages[0]["content"] if self.messages[0]["role"] == "system" else ""


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")
    prompt: str | None = None
    messages: list["_Message"] = Field(default_factory=list)


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")
    role: str
    content: str


def typed(text: str, system: str | None = None, problem: Problem | None = None) -> Question:
    """What somebody typed, with a system message or none."""
    first: tuple[dict[str, str], ...] = ({"role": "system", "content": system},) if system else ()
    return Question((*first, {"role": "user", "content": text}), problem)


def from_prompt(text: str, recipe: Recipe) -> Question:
    """The text as the run's training data would ask it: with the recipe's system prompt, where it has one."""
    return typed(text, recipe.data.system_prompt)


def from_problem(problem: Problem) -> Question:
    """The problem as an evaluation asks it."""
    return Question(tuple(prompt(problem)), problem, problem.solution or "")


def from_file(path: Path, recipe: Recipe) -> list[Question]:
    """Prompts of a file: a line of text each, or in a .jsonl file objects with `prompt` or `messages`.

    Raises:
        UserError: the file cannot be read, or a line is no question; says which.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise refused(error, f"{path} cannot be read", "Look at its name and its permissions.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text.", "A file of prompts has a prompt a line.") from None
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise UserError(f"{path} is empty.", "A file of prompts has a prompt a line.")
    if path.suffix != ".jsonl":
        return [from_prompt(line.strip(), recipe) for _, line in numbered]
    return [_from_line(line, f"{path}, line {number}", recipe) for number, line in numbered]


def from_held_out(recipe: Recipe, count: int) -> list[Question]:
    """The first rows of the run's validation part, up to where the assistant speaks.

    Raises:
        UserError: the data cannot be had any more, or nothing was held out.
    """
    rows = data.load(recipe.data, recipe.train.seed).validation["messages"].head(count).to_list()
    if not rows:
        raise UserError("This run held no rows out: data.validation_split was 0.", "Ask something else.")
    said = ("role", "content")
    return [_unanswered([{field: turn[field] for field in said} for turn in messages]) for messages in rows]


def from_problems(source: str, count: int, recipe: Recipe) -> list[Question]:
    """Contest problems, as an evaluation asks them, drawn by the recipe's seed; 0: all.

    Raises:
        UserError: they cannot be had.
    """
    settings = recipe.evaluate
    problems = load_benchmark(source, count, settings.max_tests, settings.seed).problems
    return [from_problem(problem) for problem in problems]


def _from_line(line: str, place: str, recipe: Recipe) -> Question:
    try:
        found = _Line.model_validate(json.loads(line))
    except ValidationError as error:
        raise UserError(f"{place}: {error.errors()[0]['msg']}.", 'A line: {"prompt": "..."}') from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place} is not JSON: {error}.", 'A line: {"prompt": "..."}') from None
    if found.messages:
        question = _unanswered([message.model_dump() for message in found.messages])
        if question.messages and question.messages[-1]["role"] == "user":
            return question
    elif found.prompt:
        return from_prompt(found.prompt, recipe)
    raise UserError(f"{place} asks nothing.", 'A line: {"prompt": "..."}, or {"messages": [...]} with a user message.')


def _unanswered(messages: list[dict[str, str]]) -> Question:
    """Up to where the assistant speaks for the last time, if nobody speaks after it; else all."""
    if messages and messages[-1]["role"] == "assistant":
        return Question(tuple(messages[:-1]), expected=messages[-1]["content"])
    return Question(tuple(messages))
