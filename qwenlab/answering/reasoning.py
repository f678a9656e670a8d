"""What a model thought and what it answered, in one text: Qwen's models think between `<think>` and `</think>`.

The opening tag may stand in the prompt: then the text begins inside the reasoning, and holds the closing tag alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

OPENING, CLOSING = "<think>", "</think>"


class Split(NamedTuple):
    """A text without its tags, and without the white space around them."""

    reasoning: str
    answer: str


class Piece(NamedTuple):
    """What a growing text has more of."""

    text: str
    is_reasoning: bool = False


def opens_reasoning(prompt: str) -> bool:
    """Whether the prompt ends inside the reasoning, so that what is written after it begins there."""
    return prompt.rstrip().endswith(OPENING)


def split(text: str, opened: bool = False) -> Split:
    """Reasoning and answer of a whole text; a text that never thinks is all answer, as it stands.

    What stands before a closing tag is reasoning even where nothing has opened it: so reads what was generated after a
    prompt that nobody kept.

    `opened`: the prompt has opened the reasoning.
    """
    return _split(text, opened or CLOSING in text, ended=True)


class Growing:
    """A text that grows, and the pieces of it that are sure: not the beginning of what may be a tag or a stop text.

    They make up what `split` says of the whole; but where a closing tag comes after an answer has begun, they keep to
    the answer, tag included, since what was told cannot be taken back.
    """

    def __init__(self, opened: bool = False, stop: Sequence[str] = ()) -> None:
        """`opened`: the prompt has opened the reasoning; `stop`: texts that end the answer and are no part of it."""
        self.text = ""
        self.stopped = False
        """A stop text was found; the text ends before it."""
        self._opened = opened
        self._stop = stop
        self._sure = self._told = Split("", "")

    @property
    def thinks(self) -> bool:
        """The reasoning has begun and is not closed."""
        return _thinks(self.text, self._opened) and CLOSING not in self.text

    @property
    def split(self) -> Split:
        """Of the text as it stands, as if it went on no more."""
        return split(self.text, self._opened)

    def add(self, piece: str) -> None:
        self.text += piece
        self._read(ended=False)

    def end(self) -> None:
        """Nothing follows: what was held back is sure."""
        self._read(ended=True)

    def news(self) -> list[Piece]:
        """What has become sure since the last time, reasoning first."""
        pieces = [
            Piece(self._sure.reasoning[len(self._told.reasoning) :], is_reasoning=True),
            Piece(self._sure.answer[len(self._told.answer) :]),
        ]
        self._told = self._sure
        return [piece for piece in pieces if piece.text]

    def _read(self, ended: bool) -> None:
        reasoning, answer = _split(self.text, self._opened, ended)
        found = [at for at in map(answer.find, self._stop) if at >= 0]
        if found:
            self.text = self.text[: len(self.text) - len(answer) + min(found)]  # the answer is the text's end
            self.stopped = True
            answer = answer[: min(found)]
        elif not ended:
            answer = answer[: len(answer) - max((overlap(answer, stop) for stop in self._stop), default=0)]
        self._sure = Split(reasoning, answer)


def _split(text: str, opened: bool, ended: bool) -> Split:
    body = text.lstrip()
    if not ended and OPENING.startswith(body):  # as the empty text does
        return Split("", "")
    if not _thinks(text, opened):
        return Split("", text)
    before, closed, answer = body.partition(CLOSING)
    if not (closed or ended):
        before = before[: len(before) - overlap(before, CLOSING)]
    return Split(before.removeprefix(OPENING).strip(), answer.lstrip())


def _thinks(text: str, opened: bool) -> bool:
    return opened or text.lstrip().startswith(OPENING)


def overlap(text: str, mark: str) -> int:
    """Characters at the text's end that are the beginning of `mark`."""
    return next((size for size in range(min(len(mark), len(text)), 0, -1) if text.endswith(mark[:size])), 0)
