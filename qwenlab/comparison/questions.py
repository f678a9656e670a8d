"""What is asked: a prompt, a file of prompts, rows that were held out of the training, or contest problems."""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qwenlab.answering.answerer import Messages
from qwenlab.errors import UserError
from qwenlab.evaluation import Problem
from qwenlab.evaluation.benchmark import load_benchmark
from qwenlab.evaluation.prompt import prompt as asked_for
from qwenlab.recipe import Recipe


class Question(NamedTuple):
    """A conversation that waits for its answer, and the contest problem that it asks, if it does."""

    messages: Messages
    problem: Problem | None = None

    @property
    def text(self) -> str:
        """What the user said last."""
        return self.messages[-1]["content"]


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")
    prompt: str | None = None
    messages: list["_Message"] = Field(default_factory=list)


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")
    role: str
    content: str


def from_prompt(text: str, recipe: Recipe) -> Question:
    """The text as the run's training data would ask it: with the recipe's system prompt, where it has one."""
    system = recipe.data.system_prompt
    first: Messages = ({"role": "system", "content": system},) if system else ()
    return Question((*first, {"role": "user", "content": text}))


def from_file(path: Path, recipe: Recipe) -> list[Question]:
    """Prompts of a file: a line of text each, or in a .jsonl file objects with `prompt` or `messages`.

    Raises:
        UserError: the file cannot be read, or a line is no question; says which.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
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
    from qwenlab import data

    rows = data.load(recipe.data, recipe.train.seed).validation["messages"].head(count).to_list()
    if not rows:
        raise UserError("This run held no rows out.", "data.validation_split was 0; name prompts with --prompt.")
    return [Question(_unanswered(messages)) for messages in rows]


def from_problems(source: str, count: int, recipe: Recipe) -> list[Question]:
    """Contest problems, as an evaluation asks them, drawn by the recipe's seed; 0: all.

    Raises:
        UserError: they cannot be had.
    """
    settings = recipe.evaluate
    problems = load_benchmark(source, count, settings.max_tests, settings.seed).problems
    return [Question(tuple(asked_for(problem)), problem) for problem in problems]


def _from_line(line: str, place: str, recipe: Recipe) -> Question:
    try:
        found = _Line.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise UserError(f"{place} is not JSON: {error}.", 'A line: {"prompt": "..."}') from None
    except ValidationError as error:
        raise UserError(f"{place}: {error.errors()[0]['msg']}.", 'A line: {"prompt": "..."}') from None
    if found.messages:
        messages = _unanswered([message.model_dump() for message in found.messages])
        if messages and messages[-1]["role"] == "user":
            return Question(messages)
    elif found.prompt:
        return from_prompt(found.prompt, recipe)
    raise UserError(f"{place} asks nothing.", 'A line: {"prompt": "..."}, or {"messages": [...]} with a user message.')


def _unanswered(messages: list[dict[str, str]]) -> Messages:
    """Up to where the assistant speaks for the last time, if nobody speaks after it; else all."""
    cut = messages[:-1] if messages and messages[-1]["role"] == "assistant" else messages
    return tuple(cut)
