"""Answers, batched: each row with its own adapter, its own sampling, its own end, told as it is written.

Base and tuned answer from the same weights in the same memory, and in the same batch. A row's samples depend on its
own seed and on nothing else, so neither the batch nor the order nor a resumed run changes what is drawn.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from tokenizers.decoders import DecodeStream
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from qwenlab.errors import UserError
from qwenlab.inference.cache import preallocated_cache
from qwenlab.inference.load import BASE, Inference, on_device

Conversation = Sequence[dict[str, str]]
Finish = Literal["stop", "length", "cancelled"]


class Sampling(NamedTuple):
    """How an answer's tokens are chosen, and where it ends."""

    max_new_tokens: int
    temperature: float = 0.0
    """0: greedy."""
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts that end the answer, and are not part of it."""


class Ask(NamedTuple):
    """One row: a conversation, who answers, and how."""

    messages: Conversation
    sampling: Sampling
    model: str = BASE


class Answer(NamedTuple):
    """What was answered. `length`: it ran out of tokens before its end."""

    text: str
    finish: Finish
    tokens: int
    """Tokens generated, the end token counted."""
    prompt_tokens: int


class Listener:
    """Hears the rows while they are written; by default it is silent. Rows end at different times."""

    def text(self, row: int, piece: str) -> None:
        """More of the row's answer."""

    def done(self, row: int, answer: Answer) -> None:
        """The row has ended, be the batch done or not."""

    def gone(self, row: int) -> bool:
        """Whether nobody waits for this row any more; then it ends."""
        return False


def generate(loaded: Inference, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
    """One answer for each ask, all in one batch, in their order.

    Raises:
        UserError: a prompt and its answer do not fit into the model's context.
        KeyError: an ask is for a model that is not loaded.
    """
    prompts = [render(loaded, ask.messages) for ask in asks]
    inputs = loaded.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    prompt_tokens = inputs["attention_mask"].sum(dim=1).tolist()
    for ask, tokens in zip(asks, prompt_tokens, strict=True):
        check_fits(loaded, tokens, ask.sampling.max_new_tokens)
    rows = [_Row(loaded, ask, tokens) for ask, tokens in zip(asks, prompt_tokens, strict=True)]
    watch = _Watch(rows, listener or Listener())
    with torch.inference_mode(), loaded.answering([ask.model for ask in asks]):
        loaded.model.generate(
            **on_device(loaded, inputs),
            past_key_values=preallocated_cache(loaded.model.config),
            max_new_tokens=max(ask.sampling.max_new_tokens for ask in asks),
            logits_processor=LogitsProcessorList([_Draw([ask.sampling for ask in asks])]),
            stopping_criteria=StoppingCriteriaList([watch]),
        )
    return [row.answer for row in rows]


def render(loaded: Inference, messages: Conversation) -> str:
    """The prompt as the model reads it, ending where the assistant begins."""
    text: str = loaded.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    return text


def check_fits(loaded: Inference, prompt_tokens: int, max_new_tokens: int) -> None:
    """Raises:
    UserError: prompt and answer together are longer than the model's context.
    """
    if prompt_tokens + max_new_tokens > loaded.context:
        raise UserError(
            f"The prompt has {prompt_tokens:,} tokens and the answer may have {max_new_tokens:,}: "
            f"the model's context is {loaded.context:,}.",
            "Shorten the prompt, or ask for fewer tokens.",
        )


class _Row:
    """An answer as it grows."""

    def __init__(self, loaded: Inference, ask: Ask, prompt_tokens: int) -> None:
        self.sampling = ask.sampling
        self.prompt_tokens = prompt_tokens
        self.tokens = 0
        self.text = ""
        self.told = 0
        self.finish: Finish | None = None
        self._ends = loaded.end_tokens
        self._tokenizer = loaded.tokenizer.backend_tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def add(self, token: int) -> None:
        self.tokens += 1
        if token in self._ends:
            self.finish = "stop"
            return
        self.text += self._stream.step(self._tokenizer, token) or ""
        found = [at for at in map(self.text.find, self.sampling.stop) if at >= 0]
        if found:
            self.text, self.finish = self.text[: min(found)], "stop"
        elif self.tokens >= self.sampling.max_new_tokens:
            self.finish = "length"

    def news(self) -> str:
        """What can be told: not the beginning of what may become a stop text, while the row goes on."""
        end = len(self.text)
        if not self.finish:
            end -= max((_overlap(self.text, stop) for stop in self.sampling.stop), default=0)
        piece = self.text[self.told : end]
        self.told = max(self.told, end)
        return piece

    @property
    def answer(self) -> Answer:
        return Answer(self.text, self.finish or "length", self.tokens, self.prompt_tokens)


def _overlap(text: str, stop: str) -> int:
    """Characters at the text's end that are the beginning of `stop`."""
    return next((size for size in range(min(len(stop), len(text)), 0, -1) if text.endswith(stop[:size])), 0)


class _Watch(StoppingCriteria):  # type: ignore[misc]
    """Follows each row, tells what is new, and says which rows have ended."""

    def __init__(self, rows: list[_Row], listener: Listener) -> None:
        self._rows = rows
        self._listener = listener

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        for number, (row, token) in enumerate(zip(self._rows, input_ids[:, -1].tolist(), strict=True)):
            if row.finish:
                continue
            row.add(token)
            if not row.finish and self._listener.gone(number):
                row.finish = "cancelled"
            piece = row.news()
            if piece:
                self._listener.text(number, piece)
            if row.finish:
                self._listener.done(number, row.answer)
        return torch.tensor([row.finish is not None for row in self._rows], device=input_ids.device)


class _Draw(LogitsProcessor):  # type: ignore[misc]
    """Draws the token of each row that is sampled, with the row's own generator; the others stay greedy.

    The drawn token is left as the only one, so that the greedy choice which follows takes it.
    """

    def __init__(self, samplings: Sequence[Sampling]) -> None:
        self._drawn = [
            (row, sampling, torch.Generator().manual_seed(sampling.seed))
            for row, sampling in enumerate(samplings)
            if sampling.temperature > 0
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for row, sampling, generator in self._drawn:
            token = _draw(scores[row].float().cpu(), sampling, generator)
            scores[row] = -torch.inf
            scores[row, token] = 0.0
        return scores


def _draw(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """A token by temperature and nucleus (Holtzman et al., arXiv 1904.09751); logits of shape (vocabulary,)."""
    shares, tokens = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    before = shares.cumsum(dim=-1) - shares
    shares[before >= sampling.top_p] = 0.0  # the likeliest always stays: nothing comes before it
    return int(tokens[torch.multinomial(shares, 1, generator=generator)])
