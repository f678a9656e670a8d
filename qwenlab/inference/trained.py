"""The model that a training leaves in memory, as one that reads: base and tuned without loading anything again.

Unsloth's kernels know one adapter for a whole batch, so the base reads first and the tuned model after it, whatever
engine trained.
"""

from collections.abc import Sequence

import torch

from qwenlab.answering.answerer import Messages
from qwenlab.answering.likelihood import Conversation, LetterShares, Likelihood
from qwenlab.data.chat_template import Rendering
from qwenlab.inference import likelihood
from qwenlab.inference.likelihood import Sides
from qwenlab.training.load import LoadedModel


class TrainedReader:
    """Reads with the trained model; its adapter is the only one, by whatever name it is asked for."""

    def __init__(self, trained: LoadedModel) -> None:
        """From here on the model is evaluated and no longer trained."""
        trained.model.eval()
        self._sides = trained_sides(trained)

    def likelihoods(self, conversations: Sequence[Conversation], model: str, thinking: bool | None) -> list[Likelihood]:
        """As `Reader.likelihoods`."""
        return likelihood.likelihoods(self._sides, conversations, Rendering(thinking))

    def letters(self, messages: Messages, choices: Sequence[str], model: str, thinking: bool | None) -> LetterShares:
        """As `Reader.letters`."""
        return likelihood.letters(self._sides, messages, choices, thinking)


def trained_sides(trained: LoadedModel) -> Sides:
    """The model with its adapter off, and on; in the precision of the training's own validation."""
    model, engine = trained.model, trained.engine
    decoder = model.get_base_model().get_decoder()
    mixed = engine.device == "cuda" and engine.dtype != "float32"

    def read(ids: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = decoder(input_ids=ids, use_cache=False).last_hidden_state
        return hidden

    def hidden(ids: torch.Tensor) -> torch.Tensor:
        with torch.autocast(engine.device, getattr(torch, engine.dtype), enabled=mixed):
            with model.disable_adapter():
                base = read(ids)
            return torch.stack([base, read(ids)])

    context = int(model.config.get_text_config(decoder=True).max_position_embeddings)
    # Unsloth cuts what is longer than the rows that it trained on.
    return Sides(model.get_base_model(), trained.tokenizer, getattr(decoder, "max_seq_length", context), hidden)
