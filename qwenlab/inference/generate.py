"""Answers, batched: each row with its own adapter, its own sampling, its own end, told as it is written.

Base and tuned answer from the same weights in the same memory, and in the same batch. A row's samples depend on its
own seed and on nothing else, so neither the batch nor the order nor a resumed run changes what is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from tokenizers.decoders import DecodeStream
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from qwenlab.answering.answerer import NO_ROOM, Answer, Ask, ContextError, Listener, Sampling
from qwenlab.answering.reasoning import Growing, Piece, opens_reasoning
from qwenlab.data.chat_template import prompt_text
from qwenlab.errors import UserError
from qwenlab.inference.load import Inference, on_device

COLDEST = 1e-5
"""Temperatures below are greedy: there a token is drawn as surely as it is chosen, and numbers run out."""


class DrawError(Exception):
    """No token can be drawn for a row: a fault of the model or of this program."""


class Prompt(NamedTuple):
    """An ask as the model reads it; it and its answer fit into the context."""

    ids: list[int]
    sampling: Sampling
    model: str
    thinks: bool = False
    """It ends inside the reasoning."""


def generate(loaded: Inference, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
    """One answer for each ask, all in one batch, in their order.

    Raises:
        ContextError: a prompt and its answer do not fit into the model's context.
        UserError: the chat template refuses a conversation.
        KeyError: an ask is for a model that is not loaded.
    """
    listener = listener or Listener()
    prompts: dict[int, Prompt] = {}
    answers: dict[int, Answer] = {}
    for row, ask in enumerate(asks):
        try:
            prompts[row] = read(loaded, ask)
        except UserError as error:
            if not (ask.shorten and isinstance(error, ContextError)):
                listener.failed(row, error)
                raise
            answers[row] = NO_ROOM
            listener.done(row, NO_ROOM)
    answers |= answer_prompts(loaded, prompts, listener)
    return [answers[row] for row in range(len(asks))]


def answer_prompts(loaded: Inference, prompts: Mapping[int, Prompt], listener: Listener) -> dict[int, Answer]:
    """The answers of one batch, by the numbers under which the listener hears of them.

    A row for which no token can be drawn fails alone: the listener hears of it at once, all others are answered, and
    only then is it raised.

    Raises:
        KeyError: a prompt is for a model that is not loaded.
        DrawError: a row has failed.
    """
    if not prompts:
        return {}
    rows = [_Row(loaded, number, prompt) for number, prompt in prompts.items()]
    with torch.inference_mode(), loaded.answering([prompt.model for prompt in prompts.values()]):
        loaded.model.generate(
            **on_device(loaded, _padded(loaded, [prompt.ids for prompt in prompts.values()])),
            max_new_tokens=max(row.sampling.most_tokens for row in rows),
            logits_processor=LogitsProcessorList([_Draw(rows)]),
            stopping_criteria=StoppingCriteriaList([_Watch(rows, listener)]),
        )
    return {row.number: row.answer for row in rows}


def read(loaded: Inference, ask: Ask) -> Prompt:
    """Render the conversation and make tokens of it; any number of threads may do so beside the one that generates.

    Raises:
        ContextError: prompt and answer are longer than the model's context.
        UserError: the chat template refuses the conversation.
    """
    text = prompt_text(ask.messages, loaded.tokenizer, ask.thinking)
    # Not by the tokenizer's own call, which pads, and to that end changes what other threads read from.
    ids = loaded.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    return Prompt(ids, _fitted(ask, len(ids), loaded.context), ask.model, opens_reasoning(text))


def _fitted(ask: Ask, prompt: int, context: int) -> Sampling:
    """The sampling that the context has room for beside a prompt of so many tokens: reasoning has what the answer may
    not need.

    Raises:
        ContextError: there is too little for the answer, and it may not be shortened.
    """
    answer, room = ask.sampling.max_new_tokens, context - prompt
    if ask.shorten:
        answer = max(1, min(answer, room))
    if answer > room:
        raise ContextError(
            f"The prompt has {prompt:,} tokens and the answer may have {answer:,}: the model's context is {context:,}.",
            "Shorten the prompt, or ask for fewer tokens.",
        )
    thinking = 0 if ask.thinking is False else min(ask.sampling.max_thinking_tokens, room - answer)
    return ask.sampling._replace(max_new_tokens=answer, max_thinking_tokens=thinking)


def _padded(loaded: Inference, prompts: Sequence[list[int]]) -> dict[str, torch.Tensor]:
    """Ids and mask of shape (rows, longest prompt), the prompts at their end."""
    width, pad = max(map(len, prompts)), loaded.model.generation_config.pad_token_id
    return {
        "input_ids": torch.tensor([[pad] * (width - len(ids)) + ids for ids in prompts]),
        "attention_mask": torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]),
    }


class _Row:
    """An answer as it grows."""

    def __init__(self, loaded: Inference, number: int, prompt: Prompt) -> None:
        self.number = number
        self.sampling = prompt.sampling
        self.prompt_tokens = len(prompt.ids)
        self.tokens = 0
        self.reasoning_tokens = 0
        self.finish: str | None = None
        self.error: DrawError | None = None
        self._text = Growing(prompt.thinks, prompt.sampling.stop)
        self._ends = loaded.end_tokens
        self._tokenizer = loaded.tokenizer.backend_tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def add(self, token: int) -> None:
        self.tokens += 1
        thought = self._text.thinks  # then the token is one of the reasoning, also if it closes it
        if token not in self._ends:
            self._text.add(self._stream.step(self._tokenizer, token) or "")
        if thought or self._text.thinks:
            self.reasoning_tokens = self.tokens
        self.finish = "stop" if token in self._ends or self._text.stopped else self._limit_reached()

    def news(self) -> list[Piece]:
        """What can be told."""
        if self.finish:
            self._text.end()
        return self._text.news()

    def _limit_reached(self) -> str | None:
        budget = self.sampling.max_thinking_tokens
        thought = self.reasoning_tokens if budget else 0
        if self._text.thinks and budget:
            return "thinking" if thought >= budget else None
        if self.tokens - thought >= self.sampling.max_new_tokens:
            return "thinking" if self._text.thinks else "length"
        return None

    @property
    def answer(self) -> Answer:
        """Raises:
        DrawError: there is none.
        """
        if self.error:
            raise self.error
        reasoning, text = self._text.split
        finish = self.finish or "length"
        return Answer(text, finish, self.tokens, self.prompt_tokens, reasoning, self.reasoning_tokens)


class _Watch(StoppingCriteria):  # type: ignore[misc]
    """Follows each row, tells what is new, and says which rows have ended."""

    def __init__(self, rows: list[_Row], listener: Listener) -> None:
        self._rows = rows
        self._listener = listener

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        for row, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            if row.finish:
                continue
            if row.error:
                row.finish = "failed"
                self._listener.failed(row.number, row.error)
                continue
            row.add(token)
            if not row.finish and self._listener.gone(row.number):
                row.finish = "cancelled"
            self._listener.told(row.number, row.news())
            if row.finish:
                self._listener.done(row.number, row.answer)
        return torch.tensor([row.finish is not None for row in self._rows], device=input_ids.device)


class _Draw(LogitsProcessor):  # type: ignore[misc]
    """Draws the token of each row that is sampled, with the row's own generator; the others stay greedy.

    The drawn token is left as the only one, so that the greedy choice which follows takes it.
    """

    def __init__(self, rows: Sequence[_Row]) -> None:
        self._drawn = [
            (place, row, torch.Generator().manual_seed(row.sampling.seed))
            for place, row in enumerate(rows)
            if row.sampling.temperature >= COLDEST
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for place, row, generator in self._drawn:
            if row.finish or row.error:  # nobody reads on
                continue
            try:
                token = _draw(scores[place].float().cpu(), row.sampling, generator)
            except DrawError as error:
                row.error = error
                continue
            scores[place] = -torch.inf
            scores[place, token] = 0.0
        return scores


def _draw(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """A token by temperature and nucleus (Holtzman et al., arXiv 1904.09751); logits of shape (vocabulary,).

    Raises:
        DrawError: the logits are no numbers.
    """
    shares, tokens = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    if not torch.isfinite(shares).all():
        raise DrawError("The model's logits are no numbers.")
    before = shares.cumsum(dim=-1) - shares
    shares[1:][before[1:] >= sampling.top_p] = 0.0  # the likeliest always stays, however small top_p is
    return int(tokens[torch.multinomial(shares, 1, generator=generator)])
