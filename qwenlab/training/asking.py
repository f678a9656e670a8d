"""Asking the model that is being trained, between two steps, so that the training does not notice.

It answers by its likeliest tokens, all prompts in one batch, in the precision of the training's own validation.
Evaluations ask otherwise: by `inference/`, with nothing trained in the same process.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import GenerationConfig

from qwenlab.answering.reasoning import opens_reasoning, split
from qwenlab.data.chat_template import prompt_text
from qwenlab.runs.samples import SampleAnswer, SamplePrompt, SamplePrompts
from qwenlab.training.load import LoadedModel
from qwenlab.training.turn_ends import end_tokens

FLAGS = ("training", "gradient_checkpointing")
"""What is set on each part of a model for training, and put back as it was."""


def answers(loaded: LoadedModel, asked: SamplePrompts) -> list[SampleAnswer]:
    """One answer to each prompt, in their order; nothing is drawn, and model and generators are left as they were.

    Raises:
        UserError: the chat template refuses a prompt.
    """
    texts = [prompt_of(prompt, loaded.tokenizer, asked.thinking) for prompt in asked.prompts]
    prompts = [token_ids(text, loaded.tokenizer) for text in texts]
    ends = end_tokens(loaded.source, loaded.tokenizer)
    with _undisturbed(loaded):
        written = _likeliest(loaded, prompts, asked.max_new_tokens, ends)
    return [_answer(loaded, ids, ends, opens_reasoning(text)) for text, ids in zip(texts, written, strict=True)]


def prompt_of(prompt: SamplePrompt, tokenizer: Any, thinking: bool | None) -> str:
    """The text that it is asked with, as in training.

    Raises:
        UserError: the chat template refuses it.
    """
    return prompt_text([turn.model_dump(exclude_defaults=True) for turn in prompt.messages], tokenizer, thinking)


def token_ids(text: str, tokenizer: Any) -> list[int]:
    """As the template wrote it: no token is added."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _answer(loaded: LoadedModel, ids: list[int], ends: Sequence[int], opened: bool) -> SampleAnswer:
    """Of the tokens that were written, up to the first that ends an answer."""
    end = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    reasoning, text = split(loaded.tokenizer.decode(ids[:end], skip_special_tokens=True), opened)
    return SampleAnswer(text=text, reasoning=reasoning, tokens=end, cut=end == len(ids))


def _likeliest(loaded: LoadedModel, prompts: list[list[int]], most: int, ends: list[int]) -> list[list[int]]:
    """The tokens that follow each prompt, at most so many; behind one that ends the answer they mean nothing."""
    engine = loaded.engine
    mixed = engine.device == "cuda" and engine.dtype != "float32"
    pad = loaded.tokenizer.pad_token_id if loaded.tokenizer.pad_token_id is not None else ends[0]
    write = _read_anew if engine.name == "unsloth" else _read_once
    with torch.no_grad(), torch.autocast(engine.device, getattr(torch, engine.dtype), enabled=mixed):
        return write(loaded.model.get_base_model(), prompts, most, ends, pad)


def _read_once(model: Any, prompts: list[list[int]], most: int, ends: list[int], pad: int) -> list[list[int]]:
    """By a cache of what was read; the prompts stand at the end of their rows."""
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    settings = GenerationConfig(max_new_tokens=most, do_sample=False, eos_token_id=ends, pad_token_id=pad)
    # The model's own settings hold penalties, which would be taken where these say nothing.
    own, model.generation_config = model.generation_config, settings
    try:
        written = model.generate(input_ids=ids, attention_mask=mask, use_cache=True)
    finally:
        model.generation_config = own
    rows: list[list[int]] = written[:, width:].tolist()
    return rows


def _read_anew(model: Any, prompts: list[list[int]], most: int, ends: list[int], pad: int) -> list[list[int]]:
    """All for each token, in the way that a validation reads; rows are padded at their end, which no token sees.

    Unsloth's own way to answer turns the model's settings for training over, keeps buffers on its layers, and computes
    in torch's inference mode, whose tensors cannot be trained with.
    """
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    longest, rows = max(map(len, prompts)), torch.arange(len(prompts), device=model.device)
    ids = torch.tensor([prompt + [pad] * (longest + most - len(prompt)) for prompt in prompts], device=model.device)
    begin = torch.tensor([len(prompt) for prompt in prompts], device=model.device)
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=model.device)
    for count in range(most):
        read = decoder(input_ids=ids[:, : longest + count], use_cache=False).last_hidden_state
        last = read[rows.to(read.device), begin.to(read.device) + count - 1]
        token = head(last.to(head.weight.dtype)).float().argmax(dim=-1).to(model.device)
        ids[rows, begin + count] = token
        ended |= torch.isin(token, torch.tensor(ends, device=model.device))
        if ended.all():
            break
    written: list[list[int]] = [row[len(prompt) :] for row, prompt in zip(ids.tolist(), prompts, strict=True)]
    return [row[: count + 1] for row in written]


@contextmanager
def _undisturbed(loaded: LoadedModel) -> Iterator[None]:
    """Inside the block the model answers; after it, whatever happened there, it trains on as it would have."""
    model, on_gpu = loaded.model, loaded.engine.device == "cuda"
    flags = [(part, name, vars(part)[name]) for part in model.modules() for name in FLAGS if name in vars(part)]
    strict = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(list(range(torch.cuda.device_count())) if on_gpu else []):
        try:
            # Some of what generating needs has no deterministic way on a GPU, and nothing is learned here.
            torch.use_deterministic_algorithms(False)
            model.eval()
            for part, name, _ in flags:
                setattr(part, name, False)
            yield
        finally:
            for part, name, value in flags:
                setattr(part, name, value)
            torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
