"""Answers that were had side by side, and what somebody thought of them: a file each in `RUN/comparisons`.

Where several runs answered, the first of them keeps the comparison.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qwenlab.errors import UserError
from qwenlab.files import Record
from qwenlab.runs.run import Run


class Column(Record):
    """What one model answered."""

    model: str
    """`base`, or the run's name."""
    text: str
    """The answer, without the reasoning."""
    reasoning: str = ""
    reasoning_tokens: int = 0
    """Of `tokens`; 0 where it did not think, and where a server does not count them apart."""
    finish: str
    """`stop`: it came to its end; `length`: it ran out of tokens; `thinking`: it did so before its reasoning ended;
    `stopped`: whoever had asked wanted no more of it."""
    tokens: int
    """0 where nobody has counted them."""
    seconds: float
    """From the request to the last token."""
    stamp: dict[str, Any]
    """The weights and the adapter that answered, as the server tells them."""
    verdict: str | None = None
    """Of the program in it, once it was run; empty: it holds none. None: it was not run."""
    detail: str = ""
    """What the verdict rests on."""


class Turn(Record):
    """What was asked after the first answers: of each column in its own conversation."""

    question: str
    columns: tuple[Column, ...]
    """In the order of the first ones."""


class Comparison(Record):
    """One prompt and its answers, and what was asked after them."""

    version: Literal[1] = 1
    created: datetime
    messages: tuple[dict[str, str], ...]
    max_tokens: int
    """Of the answer."""
    max_thinking_tokens: int = 0
    temperature: float
    seed: int
    problem: str | None = None
    """The contest problem that was asked, where it was one, word for word."""
    columns: tuple[Column, ...]
    """In the order in which they are shown."""
    blind: bool = False
    """Shown without names until there is a choice."""
    expected: str = ""
    """The answer that the data has for the prompt, where the prompt is the data's, word for word."""
    later: tuple[Turn, ...] = ()
    """Records of earlier editions have none."""
    choice: str | None = None
    """The model that was preferred; empty: neither. None: nobody has chosen."""

    @property
    def name(self) -> str:
        """Its file's name without the ending; sorts by time."""
        return f"{self.created:%Y%m%d-%H%M%S-%f}"

    @property
    def is_hidden(self) -> bool:
        """Whether the names must not be told yet."""
        return self.blind and self.choice is None

    def conversation(self, place: int) -> tuple[dict[str, str], ...]:
        """All that the column at this place was asked and has answered, its reasoning left out."""
        asked = ["", *(turn.question for turn in self.later)]
        answers = [self.columns[place].text, *(turn.columns[place].text for turn in self.later)]
        said = list(self.messages)
        for question, answer in zip(asked, answers, strict=True):
            said += [{"role": "user", "content": question}] if question else []
            said.append({"role": "assistant", "content": answer})
        return tuple(said)


def now() -> datetime:
    """The time to write into a comparison."""
    return datetime.now(UTC).astimezone()


def keep(run: Run, comparison: Comparison) -> None:
    """Write the comparison into the run's folder, over an earlier state of it."""
    file = _file(run, comparison.name)
    file.parent.mkdir(exist_ok=True)
    comparison.write(file)


def read_comparison(run: Run, name: str) -> Comparison:
    """Raises:
    UserError: there is none of that name, or it cannot be read.
    """
    file = _file(run, name)
    if not file.exists():
        raise UserError(f"{run.name} has no comparison {name}.", "It was deleted; make another.")
    return Comparison.read(file)


def list_comparisons(run: Run) -> list[Comparison]:
    """All comparisons of the run that can be read, oldest first."""
    return [found for found in _all(run) if isinstance(found, Comparison)]


def unreadable(run: Run) -> list[str]:
    """Why each of the others cannot be read, as a sentence."""
    return [found for found in _all(run) if isinstance(found, str)]


def choose(run: Run, name: str, choice: str) -> Comparison:
    """Keep which model was preferred, empty for neither; only the first choice counts.

    Raises:
        UserError: there was a choice already, or no such comparison.
    """
    found = read_comparison(run, name)
    if found.choice is not None:
        raise UserError("This comparison has been decided already.", "Ask again for another.")
    if choice and choice not in {column.model for column in found.columns}:
        raise ValueError(f"{choice} did not answer in this comparison")
    chosen = found.model_copy(update={"choice": choice})
    keep(run, chosen)
    return chosen


def tally(run: Run, other: str = "base") -> tuple[int, int, int]:
    """Blind choices between `other` and this run alone: preferred, against it, neither."""
    pair = {run.name, other}
    choices = [
        each.choice
        for each in list_comparisons(run)
        if each.blind and {column.model for column in each.columns} == pair
    ]
    return choices.count(run.name), choices.count(other), choices.count("")


def _all(run: Run) -> Iterator[Comparison | str]:
    for file in sorted((run.folder / "comparisons").glob("[!.]*.json")):
        try:
            yield Comparison.read(file)
        except UserError as error:
            yield error.message


def _file(run: Run, name: str) -> Path:
    return run.folder / "comparisons" / f"{Path(name).name}.json"
