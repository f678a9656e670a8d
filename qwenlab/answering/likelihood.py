"""Asking models how likely they find what stands there already: only models in memory can tell."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from qwenlab.answering.answerer import Messages

Conversation = Sequence[dict[str, Any]]
"""Messages, the last of them the assistant's."""


class Likelihood(NamedTuple):
    """What base and tuned make of the same text."""

    tokens: int
    """That were looked at; 0 where a cut has left none, and the figures are 0 then."""
    base: float
    """The loss of each side, in nats a token."""
    tuned: float
    divergence: float
    """KL(base || tuned), in nats a token: how far the adapter has moved the model."""


class LetterShares(NamedTuple):
    """How probable it is that an answer begins with each of some letters, in their order.

    Those of a side add up to what all letters have together, at most 1: the rest would have been another answer. All
    are 0 where the question fills the context.
    """

    base: tuple[float, ...]
    tuned: tuple[float, ...]


@runtime_checkable
class Reader(Protocol):
    """A base and an adapter in memory."""

    def likelihoods(self, conversations: Sequence[Conversation], model: str, thinking: bool | None) -> list[Likelihood]:
        """Of each conversation's last answer, for the base and the model of that name.

        A conversation that is longer than the model's context is cut there.

        Raises:
            UserError: the chat template refuses a conversation, or the memory does not suffice for one.
            KeyError: no such model.
        """

    def letters(self, messages: Messages, choices: Sequence[str], model: str, thinking: bool | None) -> LetterShares:
        """Of an answer's next token, for the base and the model of that name.

        A letter's probability is summed over the single tokens that spell it, with a space before it or without one.

        Raises:
            UserError: the chat template refuses the conversation, a letter has no token of its own, or the memory does
                not suffice.
            KeyError: no such model.
        """
