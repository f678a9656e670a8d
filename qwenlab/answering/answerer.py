"""Asking models: a batch of questions, each for one model, answered by whoever can."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from qwenlab.answering.reasoning import Piece
from qwenlab.errors import UserError

BASE = "base"
"""The name under which the model without any adapter answers."""

Messages = Sequence[dict[str, str]]
"""A conversation that waits for its answer: `role` and `content` of each turn."""


class Sampling(NamedTuple):
    """How an answer's tokens are chosen, and where it ends."""

    max_new_tokens: int
    """Of the answer, its reasoning not counted."""
    temperature: float = 0.0
    """0: greedy."""
    top_p: float = 1.0
    seed: int = 0
    max_thinking_tokens: int = 0
    """Of the reasoning; it ends with the tag that closes it. 0: reasoning counts as part of the answer."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer, and are not part of it; in the reasoning they end nothing."""

    @property
    def most_tokens(self) -> int:
        """Of reasoning and answer together."""
        return self.max_new_tokens + self.max_thinking_tokens


class Ask(NamedTuple):
    """One question to one model."""

    messages: Messages
    sampling: Sampling
    model: str = BASE
    thinking: bool | None = None
    """Whether it thinks first; None: as the chat template does of itself."""
    shorten: bool = False
    """Whether a context too small for prompt and answer shortens the answer, down to none, and is no error."""


class Answer(NamedTuple):
    """What was answered."""

    text: str
    """Without the reasoning."""
    finish: str
    """`stop`: it came to its end; `length`: it ran out of tokens; `thinking`: it did so before its reasoning ended;
    `cancelled`: nobody waited for it any more. A server may have other words."""
    tokens: int
    """Tokens generated, reasoning and the end token counted; 0 where a server does not count."""
    prompt_tokens: int
    reasoning: str = ""
    """What stood between `<think>` and `</think>`, or what there is of it where it was cut."""
    reasoning_tokens: int = 0
    """Of `tokens`, those of the reasoning, tags included; 0 also where a server does not count them apart."""

    @property
    def is_cut(self) -> bool:
        """It ran out of tokens."""
        return self.finish in ("length", "thinking")


NO_ROOM = Answer("", "length", 0, 0)
"""Where the prompt fills the context, and the answer may be shortened."""


class Listener:
    """Hears rows, by their number among the asks, while they are written; by default it is silent.

    Rows end at different times. What is heard of one row comes from one thread, but rows may have threads of their own.
    """

    hears_pieces = True
    """False: the ends alone, so that a server need not stream."""

    def text(self, row: int, piece: str) -> None:
        """More of the row's answer."""

    def reasoning(self, row: int, piece: str) -> None:
        """More of what the row thinks before its answer."""

    def told(self, row: int, pieces: Sequence[Piece]) -> None:
        """More of either: calls the two above."""
        for piece in pieces:
            (self.reasoning if piece.is_reasoning else self.text)(row, piece.text)

    def done(self, row: int, answer: Answer) -> None:
        """The row has ended, be the others done or not."""

    def failed(self, row: int, error: Exception) -> None:
        """The row cannot be answered, and whoever asked gets the error: at once, or when the others have ended."""

    def gone(self, row: int) -> bool:
        """Whether nobody waits for this row any more; then it ends."""
        return False


class ContextError(UserError):
    """Prompt and answer together are longer than the model's context."""


class TooLargeError(UserError):
    """The GPU's memory does not suffice for so many rows at once."""


class Answerer(Protocol):
    """Models in memory or behind a server."""

    @property
    def names(self) -> Sequence[str]:
        """The models that can be asked."""

    def stamp(self, name: str) -> dict[str, Any]:
        """What answers under a name: weights and adapter with their hashes, or a server's model and its address.

        Raises:
            KeyError: no such name.
        """

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        """All answers in the order of their asks; in pieces as they come, where somebody listens.

        Raises:
            ContextError: a prompt and its answer do not fit, and the answer may not be shortened.
            TooLargeError: fewer asks at once may fit into the memory.
            UserError: the chat template refuses a conversation, or a server cannot be asked.
            KeyError: an ask is for a model that is not there.
        """
