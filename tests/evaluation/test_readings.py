"""Items that are read: what is kept of them, and what a kill leaves. The reader is a script."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from qwenlab.answering.answerer import Messages
from qwenlab.answering.likelihood import Conversation, LetterShares, Likelihood
from qwenlab.evaluation.item import Choice, Item, Reference, ShortAnswer
from qwenlab.evaluation.readings import Letters, Loss, Reading, read_items
from qwenlab.files import read_lines


class Scripted:
    """Knows the loss of an answer by its length, and finds every letter half as likely as the one before."""

    def __init__(self, fails_at: int = 99) -> None:
        self.asked: list[tuple[str, bool | None]] = []
        self._fails_at = fails_at

    def _ask(self, question: str, thinking: bool | None) -> None:
        if len(self.asked) == self._fails_at:
            raise KeyboardInterrupt
        self.asked.append((question, thinking))

    def likelihoods(self, conversations: Sequence[Conversation], model: str, thinking: bool | None) -> list[Likelihood]:
        [messages] = conversations
        self._ask(messages[0]["content"], thinking)
        assert messages[-1]["role"] == "assistant"
        tokens = len(messages[-1]["content"])
        return [Likelihood(tokens, tokens / 10, tokens / 20, 0.5) if tokens else Likelihood(0, 0.0, 0.0, 0.0)]

    def letters(self, messages: Messages, choices: Sequence[str], model: str, thinking: bool | None) -> LetterShares:
        self._ask(messages[0]["content"], thinking)
        halves = tuple(0.5 ** (n + 2) for n in range(len(choices)))
        return LetterShares(halves, halves[::-1])


def item(name: str, task: Choice | Reference | ShortAnswer) -> Item:
    return Item(name=name, messages=({"role": "user", "content": name},), shown=name, task=task)


ITEMS = [
    item("first", Choice(letters=("A", "B", "C"), right="B")),
    item("second", Reference(answer="twenty letters long.")),
    item("third", Reference(answer="")),
    item("fourth", Choice(letters=("A", "B"), right="A")),
]


def silent(done: int) -> None: ...


@pytest.mark.parametrize(("trained", "letters"), [(True, False), (False, False), (None, None)])
def test_both_sides_of_every_item_are_kept(tmp_path: Path, trained: bool | None, letters: bool | None) -> None:
    reader, told = Scripted(), list[int]()
    path = tmp_path / "readings.jsonl"
    readings = read_items(ITEMS, reader, "tuned", trained, path, told.append)
    assert [reading.item for reading in readings] == ["first", "second", "third", "fourth"]
    first = readings[0].found
    assert isinstance(first, Letters)
    assert (first.chosen("base"), first.chosen("tuned")) == ("A", "C")
    assert first.mass("base") == first.mass("tuned") == 0.25 + 0.125 + 0.0625
    assert readings[1].found == Loss(tokens=20, base=2.0, tuned=1.0, divergence=0.5)
    assert readings[2].found == Loss(tokens=0, base=None, tuned=None, divergence=None)
    assert told == [1, 2, 3, 4]
    assert reader.asked == [("first", letters), ("second", trained), ("third", trained), ("fourth", letters)]
    assert read_lines(path, Reading) == readings


def test_after_a_kill_only_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    with pytest.raises(KeyboardInterrupt):
        read_items(ITEMS, Scripted(fails_at=2), "tuned", None, path, silent)
    with path.open("a") as file:
        file.write('{"item": "thi')
    reader, told = Scripted(), list[int]()
    again = read_items(ITEMS, reader, "tuned", None, path, told.append)
    assert [name for name, _ in reader.asked] == ["third", "fourth"]
    assert told == [3, 4]
    whole = read_items(ITEMS, Scripted(), "tuned", None, tmp_path / "other.jsonl", silent)
    assert again == whole == read_lines(path, Reading)
    assert read_items(ITEMS[::-1], Scripted(fails_at=0), "tuned", None, path, silent) == whole[::-1]


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.3, 0.3)])
def test_a_tie_chooses_nothing(shares: tuple[float, float]) -> None:
    found = Letters(letters=("A", "B"), base=shares, tuned=(0.2, 0.3))
    assert (found.chosen("base"), found.chosen("tuned")) == (None, "B")


def test_losses_that_are_no_numbers_are_kept_as_they_are() -> None:
    reading = Reading(item="x", found=Loss(tokens=1, base=1.0, tuned=math.inf, divergence=math.nan))
    found = Reading.model_validate_json(reading.model_dump_json()).found
    assert isinstance(found, Loss) and found.tuned == math.inf and found.divergence is not None
    assert math.isnan(found.divergence)


def test_what_has_to_be_generated_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a short_answer is not read"):
        read_items([item("x", ShortAnswer(form="number", gold="1"))], Scripted(), "tuned", None, tmp_path / "r", silent)
