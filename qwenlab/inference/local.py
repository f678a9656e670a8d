"""A loaded base and its adapters as those who answer."""

import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from qwenlab.answering.answerer import Answer, Ask, Listener, Messages, TooLargeError
from qwenlab.answering.likelihood import Conversation, LetterShares, Likelihood
from qwenlab.data.chat_template import Rendering
from qwenlab.inference import likelihood
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_runs
from qwenlab.training.memory import first_line, is_out_of_memory

__all__ = ["LocalAnswerer", "load_runs"]

A_TEXT, SHORTER = "reading a single text", "leave out the longest ones"

Result = TypeVar("Result")


class LocalAnswerer:
    """Answers with the base and each adapter that is loaded, all rows in one batch."""

    def __init__(self, loaded: Inference) -> None:
        self._loaded = loaded
        self._stamps = {name: loaded.stamp(name)._asdict() for name in loaded.names}

    @property
    def names(self) -> Sequence[str]:
        return self._loaded.names

    def stamp(self, name: str) -> dict[str, Any]:
        return self._stamps[name]

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        """As `Answerer.answer`."""
        how_many = f"{len(asks)} answers at once" if len(asks) > 1 else "a single answer"
        answers = _in_memory(lambda: generate(self._loaded, asks, listener), how_many, "allow fewer new tokens")
        torch.cuda.empty_cache()
        return answers

    def likelihoods(self, conversations: Sequence[Conversation], model: str, thinking: bool | None) -> list[Likelihood]:
        """As `Reader.likelihoods`."""
        sides = likelihood.loaded_sides(self._loaded, model)
        return _in_memory(lambda: likelihood.likelihoods(sides, conversations, Rendering(thinking)), A_TEXT, SHORTER)

    def letters(self, messages: Messages, choices: Sequence[str], model: str, thinking: bool | None) -> LetterShares:
        """As `Reader.letters`."""
        sides = likelihood.loaded_sides(self._loaded, model)
        return _in_memory(lambda: likelihood.letters(sides, messages, choices, thinking), A_TEXT, SHORTER)

    def forget(self) -> None:
        """Give the memory back, of the card as well; nothing can be asked after it."""
        self._loaded.model = None
        gc.collect()
        torch.cuda.empty_cache()


def _in_memory(compute: Callable[[], Result], what: str, otherwise: str) -> Result:
    """What `compute` returns.

    Raises:
        TooLargeError: the GPU's memory does not suffice for `what`.
    """
    full = ""
    try:
        return compute()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        full = first_line(error)
    # Here the error is gone, and with it the tensors that its traceback held.
    torch.cuda.empty_cache()
    raise TooLargeError(
        f"The GPU's memory is too small for {what} ({full}).",
        f"Set model.load_in_4bit = true in the recipe, or {otherwise}.",
    )
