"""How likely base and tuned find what stands there already: nothing is generated.

Both sides read the same tokens, in batches of the same shape, so that nothing but the adapter differs between them.
Short conversations are padded at their end, where no token that counts sees it: these models read from left to right.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from qwenlab.answering.answerer import BASE, Messages
from qwenlab.answering.likelihood import Conversation, LetterShares, Likelihood
from qwenlab.data.chat_template import Rendering, prompt_text
from qwenlab.data.loss_mask import encode
from qwenlab.errors import UserError
from qwenlab.inference.load import Inference

POSITIONS = 128
"""Tokens whose logits are in memory at once: of 152,000 words each, in 32 bits and for two sides, 0.16 GB, and some
times that while they are made into figures."""

BATCH_TOKENS = 1024
"""Tokens that a side reads at once, padding counted; a longer conversation is read alone. On a CPU four to eight short
conversations at once take four fifths of the time, and more at once no less; on a GPU each pass is a wait saved."""


class Sides(NamedTuple):
    """A base and a tuned model that read the same tokens."""

    model: Any
    """Without peft around it; the adapters are in its layers all the same."""
    tokenizer: Any
    context: int
    """Tokens that both can read."""
    hidden: Callable[[torch.Tensor], torch.Tensor]
    """From ids of shape (rows, tokens) to hidden states of shape (2, rows, tokens, width), the base's first."""

    def shares(self, hidden: torch.Tensor) -> torch.Tensor:
        """Log-probabilities over the vocabulary, of what follows hidden states, in 32 bits."""
        head = self.model.get_output_embeddings()
        return torch.log_softmax(head(hidden.to(head.weight.dtype)).float(), dim=-1)


def loaded_sides(loaded: Inference, tuned: str) -> Sides:
    """The base and an adapter of those that are loaded, as rows of one batch.

    Raises:
        KeyError: on reading, no such adapter.
    """
    model = loaded.model.get_base_model() if hasattr(loaded.model, "get_base_model") else loaded.model
    decoder = model.get_decoder()

    def hidden(ids: torch.Tensor) -> torch.Tensor:
        with loaded.answering([BASE] * len(ids) + [tuned] * len(ids)):
            read: torch.Tensor = decoder(input_ids=ids.repeat(2, 1), use_cache=False).last_hidden_state
        return read.unflatten(0, (2, len(ids)))

    return Sides(model, loaded.tokenizer, loaded.context, hidden)


def likelihoods(sides: Sides, conversations: Sequence[Conversation], how: Rendering) -> list[Likelihood]:
    """Of the last answer of each conversation, as it would be learned.

    A conversation longer than the context is cut there. The divergence at a position is KL(base || tuned), the sum over
    the vocabulary of p_base (log p_base - log p_tuned).

    Raises:
        UserError: the chat template refuses a conversation.
    """
    asked = [[*({**earlier, "learned": False} for earlier in turns[:-1]), turns[-1]] for turns in conversations]
    encoded = encode(asked, sides.tokenizer, how, sides.context)
    found: dict[int, Likelihood] = {}
    with torch.no_grad():
        for batch in _batches([len(ids) for ids in encoded.input_ids]):
            ids, masks = ([of_all[row] for row in batch] for of_all in (encoded.input_ids, encoded.assistant_masks))
            found |= zip(batch, _read(sides, ids, masks), strict=True)
    return [found[row] for row in range(len(conversations))]


def letters(sides: Sides, messages: Messages, choices: Sequence[str], thinking: bool | None) -> LetterShares:
    """The probability that an answer begins with each of the choices.

    Raises:
        UserError: the chat template refuses the conversation, or a choice has no token of its own.
    """
    tokens = letter_tokens(sides.tokenizer, choices)
    backend = sides.tokenizer.backend_tokenizer
    ids = backend.encode(prompt_text(messages, sides.tokenizer, thinking), add_special_tokens=False).ids
    if len(ids) >= sides.context:
        return LetterShares((0.0,) * len(choices), (0.0,) * len(choices))
    with torch.no_grad():
        hidden = sides.hidden(torch.tensor([ids], device=sides.model.device))
        base, tuned = sides.shares(hidden[:, 0, -1]).exp().double().cpu()
    return LetterShares(*(tuple(side[spelt].sum().item() for spelt in tokens) for side in (base, tuned)))


def letter_tokens(tokenizer: Any, choices: Sequence[str]) -> list[list[int]]:
    """The single tokens that spell each choice, alone or behind a space.

    Raises:
        UserError: a choice has none, or shares it with another.
    """

    def single(text: str) -> set[int]:
        ids = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        return set(ids) - {tokenizer.unk_token_id} if len(ids) == 1 else set()

    spelt = [single(choice) | single(f" {choice}") for choice in choices]
    owners = Counter(token for tokens in spelt for token in tokens)
    for choice, tokens in zip(choices, spelt, strict=True):
        if not tokens or any(owners[token] > 1 for token in tokens):
            raise UserError(
                f"The tokenizer of {tokenizer.name_or_path} has no single token for the letter {choice!r} alone, so "
                "that its probability cannot be read.",
                "Leave out the suites that are answered by letters.",
            )
    return [sorted(tokens) for tokens in spelt]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of conversations, so that those of about the same length are read together."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _read(sides: Sides, ids: Sequence[list[int]], masks: Sequence[list[int]]) -> list[Likelihood]:
    """Of each row's tokens that its mask names."""
    longest = max(map(len, ids))
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids], device=sides.model.device)
    learned = [[place for place, one in enumerate(mask) if one and place] for mask in masks]
    rows = torch.tensor([row for row, places in enumerate(learned) for _ in places], dtype=torch.long)
    places = torch.tensor([place for row in learned for place in row], dtype=torch.long)
    hidden = sides.hidden(padded)[:, rows, places - 1]  # a token is predicted from the position before it
    following = padded[rows, places].to(hidden.device)
    parts = [torch.zeros(3, 0, dtype=torch.float64)]
    for begin in range(0, len(rows), POSITIONS):
        part = slice(begin, begin + POSITIONS)
        base, tuned = sides.shares(hidden[:, part])
        losses = [-side.gather(-1, following[part, None]).squeeze(-1) for side in (base, tuned)]
        parts.append(torch.stack([*losses, (base.exp() * (base - tuned)).sum(-1)]).double().cpu())
    figures = torch.cat(parts, dim=1).split([len(places) for places in learned], dim=1)
    return [
        Likelihood(one.shape[1], *(one.mean(dim=1).tolist() if one.shape[1] else (0.0, 0.0, 0.0))) for one in figures
    ]
