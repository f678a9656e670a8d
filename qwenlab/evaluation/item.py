"""What base and tuned are asked, and what their answers are held against: one type for the items of every suite."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from qwenlab.evaluation.programs.problem import Problem
from qwenlab.files import Record

Message = dict[str, str]


class Program(Record):
    """The answer is a program that is run on hidden tests."""

    kind: Literal["program"] = "program"
    problem: Problem


Form = Literal["number", "choice", "text", "contains", "regex", "json", "math"]
"""What a short answer is, and so what of a text is compared."""


class ShortAnswer(Record):
    """The answer is one value at the end of a text."""

    kind: Literal["short_answer"] = "short_answer"
    form: Form
    gold: str
    """As the data has it; what of it counts is found as it is in an answer."""
    pattern: str = ""
    """For `regex`: its first group, or the whole match, is the value."""


class Constraint(Record):
    """Something that a text must keep to, by IFEval's name of it."""

    name: str
    arguments: dict[str, int | str | list[str]] = {}


class Constrained(Record):
    """The answer is any text that keeps to all constraints."""

    kind: Literal["constrained"] = "constrained"
    constraints: tuple[Constraint, ...] = Field(min_length=1)


class Choice(Record):
    """The answer is the likeliest of some letters: nothing is generated."""

    kind: Literal["choice"] = "choice"
    letters: tuple[str, ...]
    right: str


class Reference(Record):
    """No answer is right or wrong: measured is how likely the model finds the data's own answer."""

    kind: Literal["reference"] = "reference"
    answer: str
    reasoning: str = ""
    """What the data has before the answer; it is learned too, and so is in the loss."""


Task = Annotated[Program | ShortAnswer | Constrained | Choice | Reference, Field(discriminator="kind")]


class Item(Record):
    """One thing that is asked."""

    name: str
    messages: tuple[Message, ...]
    """The conversation that waits for an answer: `role` and `content` of each turn."""
    shown: str
    """The question, as a report shows it."""
    group: str = "all"
    """The difficulty, or the kind of question."""
    cluster: str | None = None
    """Items of one cluster, such as the problems of a contest, are not independent of one another."""
    task: Task


def asked_by(question: str, system: str) -> tuple[Message, ...]:
    """A question as the user's turn, after a system prompt where there is one."""
    first = ({"role": "system", "content": system},) if system else ()
    return (*first, {"role": "user", "content": question})


class Items(NamedTuple):
    """What a suite asks, before any of it is drawn."""

    items: tuple[Item, ...]
    version: str
    """The file's SHA-256, or the hub's commit."""
    left_out: dict[str, tuple[str, ...]]
    """Names of items that cannot be asked or scored, by reason."""
    available: int | None = None
    """Of how many the suite itself has drawn them; None: it has drawn none."""
    tests_cut: int = 0
    """Of programs: tests that a cap on a problem's tests left away."""
    source: str = ""
    """Where they came from, if not from the suite's own source."""
    contamination: str = ""
    """What is known of these items beyond what the suite says; empty: nothing."""
