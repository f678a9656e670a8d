"""What a model thought and what it answered, in one text: Qwen's models think between `<think>` and `</think>`.

The opening tag may stand in the prompt: then the text begins inside the reasoning, and holds the closing tag alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from qwenlab.tags import CLOSING, OPENING


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
    body = text.lstrip()
    if not (opened or CLOSING in text or body.startswith(OPENING)):
        return Split("", text)
    before, _, answer = body.partition(CLOSING)
    return Split(before.removeprefix(OPENING).strip(), answer.lstrip())


class Growing:
    """A text that grows, and the pieces of it that are sure: not the beginning of what may be a tag or a stop text.

    They make up what `split` says of the whole; but where a closing tag comes after an answer has begun, they keep to
    the answer, tag included, since what was told cannot be taken back. What was read once is not read again: the work
    for a token does not grow with the text.
    """

    def __init__(self, opened: bool = False, stop: Sequence[str] = ()) -> None:
        """`opened`: the prompt has opened the reasoning; `stop`: texts that end the answer and are no part of it."""
        self.text = ""
        self.stopped = False
        """A stop text was found; the text ends before it."""
        self._opened = opened
        self._stop = stop
        self._ended = False
        # Places in the text. None: it has not begun, and may never.
        self._reasoning: int | None = None
        self._answer: int | None = None
        self._reasoning_end = 0
        self._reasoning_told = self._answer_told = 0
        self._searched = 0
        """Up to here there is no closing tag, or no stop text, but for the beginning of one."""

    @property
    def thinks(self) -> bool:
        """The reasoning has begun and is not closed."""
        return self._answer is None and (self._opened or self._reasoning is not None)

    @property
    def split(self) -> Split:
        """Of the text as it stands, as if it went on no more."""
        return split(self.text, self._opened)

    def add(self, piece: str) -> None:
        self.text += piece
        self._read()

    def end(self) -> None:
        """Nothing follows: what was held back is sure."""
        self._ended = True
        self._read()

    def news(self) -> list[Piece]:
        """What has become sure since the last time, reasoning first."""
        pieces = [Piece(self._more_reasoning(), is_reasoning=True), Piece(self._more_answer())]
        return [piece for piece in pieces if piece.text]

    def _read(self) -> None:
        if self._reasoning is None and self._answer is None:
            self._find_beginning()
        if self._reasoning is not None and self._answer is None:
            self._find_closing(self._reasoning)
        if self._answer is not None and not self.stopped:
            self._find_stop(self._answer)

    def _find_beginning(self) -> None:
        body = self.text.lstrip()
        start = len(self.text) - len(body)
        if not self._ended and body != OPENING and OPENING.startswith(body):  # as the empty text does
            return
        if body.startswith(OPENING):
            self._reasoning = start + len(OPENING)
        elif self._opened:
            self._reasoning = start
        else:
            self._answer = 0
        self._reasoning_told = self._reasoning or 0

    def _find_closing(self, reasoning: int) -> None:
        at = self.text.find(CLOSING, max(reasoning, self._searched - len(CLOSING) + 1))
        self._searched = len(self.text)
        if at >= 0:
            self._reasoning_end = at
            self._answer = self._answer_told = self._searched = at + len(CLOSING)

    def _find_stop(self, answer: int) -> None:
        if self._reasoning is not None and self._answer_told == answer:  # white space after reasoning is no answer
            answer += len(self.text[answer:]) - len(self.text[answer:].lstrip())
            self._answer = self._answer_told = answer
        longest = max(map(len, self._stop), default=0)
        begin = max(answer, self._searched - longest + 1)
        self._searched = len(self.text)
        found = [at for at in (self.text.find(stop, begin) for stop in self._stop) if at >= 0]
        if found:
            self.text, self.stopped = self.text[: min(found)], True

    def _more_reasoning(self) -> str:
        if self._reasoning is None:
            return ""
        end = len(self.text) if self._answer is None else self._reasoning_end
        more = self.text[self._reasoning_told : end]
        if self._answer is None and not self._ended:
            more = more[: len(more) - overlap(more, CLOSING)]
        more = more.rstrip()  # it is told once something follows
        is_first = self._reasoning_told == self._reasoning
        self._reasoning_told += len(more)
        return more.lstrip() if is_first else more

    def _more_answer(self) -> str:
        if self._answer is None:
            return ""
        more = self.text[self._answer_told :]
        if not (self._ended or self.stopped):
            more = more[: len(more) - max((overlap(more, stop) for stop in self._stop), default=0)]
        self._answer_told += len(more)
        return more


def overlap(text: str, mark: str) -> int:
    """Characters at the text's end that are the beginning of `mark`."""
    return next((size for size in range(min(len(mark), len(text)), 0, -1) if text.endswith(mark[:size])), 0)
