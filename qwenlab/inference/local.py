"""A loaded base and its adapters as those who answer."""

import gc
from collections.abc import Sequence
from typing import Any

import torch

from qwenlab.answering.answerer import Answer, Ask, Listener, TooLargeError
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_runs
from qwenlab.training.memory import first_line, is_out_of_memory

__all__ = ["LocalAnswerer", "load_runs"]


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
        answers, full = None, ""
        try:
            answers = generate(self._loaded, asks, listener)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            full = first_line(error)
        # Here the error is gone, and with it the tensors that its traceback held.
        torch.cuda.empty_cache()
        if answers is None:
            how_many = f"{len(asks)} answers at once" if len(asks) > 1 else "a single answer"
            raise TooLargeError(
                f"The GPU's memory is too small for {how_many} ({full}).",
                "Set model.load_in_4bit = true in the recipe, or allow fewer new tokens.",
            )
        return answers

    def forget(self) -> None:
        """Give the memory back, of the card as well; nothing can be asked after it."""
        self._loaded.model = None
        gc.collect()
        torch.cuda.empty_cache()
