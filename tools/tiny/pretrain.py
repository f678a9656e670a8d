"""Makes the tiny model from nothing: `python -m tools.tiny.pretrain --out DIR` (20 to 40 minutes on two cores).

A byte-level BPE tokenizer and a Qwen2 of 1.8 million parameters, trained on the stream of `corpus`. Answers count
fully in the loss and prompts a little, so that the model learns English as well. A folder that transformers loads is
written every few minutes: a run that is cut short leaves a usable one.
"""

import argparse
import copy
import hashlib
import json
import math
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, set_seed

from tools.tiny.corpus import MIXTURE, Item, corpus

VOCABULARY = 1024
LENGTH = 1024  # positions; the longest item is far shorter
TOKENIZER_ITEMS = 20_000
BATCH = 32
BUCKET = 80  # batches among which items are sorted by length
LEARNING_RATE = 3e-3
WARMUP_TOKENS = 300_000
WEIGHT_DECAY = 0.05
PROMPT_WEIGHT = 0.15
TEXT_WEIGHT = 0.4
SAVE_EVERY_S = 300

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = """\
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful coding assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if not (loop.first and message.role == 'system') %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


class Encoded(NamedTuple):
    """One item as tokens, each with its weight in the loss."""

    tokens: list[int]
    weights: list[float]


class Batch(NamedTuple):
    """Items padded on the right: tokens and weights, both [items, longest]; padding weighs nothing."""

    tokens: Any
    weights: Any


def main() -> None:
    """Tokenizer, model, training, and everything that a model folder holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--tokens", type=int, default=9_000_000, help="tokens to train on")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    set_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(arguments.seed)
    tokenizer.save_pretrained(arguments.out)
    model = make_model(tokenizer)
    train(model, tokenizer, arguments.out, arguments.tokens, arguments.seed)


def make_tokenizer(seed: int) -> Any:
    """Qwen2's kind of tokenizer, with a vocabulary learned from the beginning of the corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = (_plain(item) for item in islice(corpus(seed), TOKENIZER_ITEMS))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 3, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        additional_special_tokens=[START],
        eos_token=END,
        model_max_length=LENGTH,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def make_model(tokenizer: Any) -> Any:
    """A Qwen2 with random weights."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id],
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
    )
    return model


def train(model: Any, tokenizer: Any, out: Path, budget: int, seed: int) -> None:
    """One pass over as much of the corpus as the budget of tokens allows, with a cosine schedule."""
    optimizer = _optimizer(model)
    model.train()
    began = saved = time.perf_counter()
    seen = 0
    average = math.nan
    for steps, batch in enumerate(batches(tokenizer, seed), start=1):
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(seen, budget)
        loss = _loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        seen += int((batch.weights > 0).sum())
        average = loss.item() if steps == 1 else 0.98 * average + 0.02 * loss.item()
        elapsed = time.perf_counter() - began
        if steps % 50 == 0:
            pace = f"{seen / elapsed:.0f} tokens/s  {elapsed:.0f} s"
            print(f"step {steps}  {seen / budget:4.0%}  loss {average:.4f}  {pace}", flush=True)
        finished = seen >= budget
        if finished or time.perf_counter() - saved > SAVE_EVERY_S:
            saved = time.perf_counter()
            figures = {"tokens": seen, "steps": steps, "seconds": round(elapsed), "loss": round(average, 4)}
            save(model, out, {"finished": finished, "seed": seed, **figures})
        if finished:
            return


def batches(tokenizer: Any, seed: int) -> Iterator[Batch]:
    """An endless stream of batches whose items have about the same length."""
    rng = random.Random(f"batches-{seed}")
    stream = corpus(seed)
    while True:
        encoded = sorted(_encode(tokenizer, list(islice(stream, BATCH * BUCKET))), key=lambda item: len(item.tokens))
        starts = list(range(0, len(encoded), BATCH))
        rng.shuffle(starts)
        for start in starts:
            yield _pad(encoded[start : start + BATCH], tokenizer.pad_token_id)


def save(model: Any, out: Path, figures: dict[str, Any]) -> None:
    """The weights in bfloat16, the figures of the run, and a model card that tells them."""
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(out)
    figures = {
        **figures,
        "parameters": model.num_parameters(),
        "mixture": {make.__name__: share for make, share in MIXTURE.items()},
        "corpus_sha256": corpus_fingerprint(figures["seed"]),
        "torch": torch.__version__,
    }
    (out / "pretraining.json").write_text(json.dumps(figures, indent=2) + "\n")
    (out / "README.md").write_text(card(figures))


def card(figures: dict[str, Any]) -> str:
    """The model card, from what `pretraining.json` holds."""
    return f"""---
license: apache-2.0
language: en
library_name: transformers
---

# The tiny Qwen2 of qwenlab

A Qwen2 with the ChatML template, made for one purpose: to let the whole job of fine-tuning and judging run on a machine
without a GPU. It knows nothing but small list, string and integer problems.

It answers a contest problem with a right-looking function instead of a program that reads standard input, and a short
LoRA corrects that habit. The habit is all that is wrong: a plain request that begins with "Write a program." gets a
program from this base as well. What fine-tuning shows here is a change of form, not new knowledge.

It was trained from random weights on the synthetic corpus of `tools/tiny/corpus.py`, in which no program and no
statement of the test problems occurs, by

    python -m tools.tiny.pretrain --out qwenlab/tiny/model

- parameters: {figures["parameters"] / 1e6:.2f} million, stored in bfloat16
- seed: {figures["seed"]}
- tokens: {figures["tokens"] / 1e6:.1f} million, in {figures["steps"]:,} steps
- time: {figures["seconds"] / 60:.0f} minutes on a CPU
- loss at the end: {figures["loss"]:.3f}

The same figures are in `pretraining.json`. Apache-2.0.
"""


def corpus_fingerprint(seed: int, items: int = 1000) -> str:
    """A hash of the beginning of the corpus: it tells whether the generator still is the one of the weights."""
    return hashlib.sha256("\n".join(_plain(item) for item in islice(corpus(seed), items)).encode()).hexdigest()


def _plain(item: Item) -> str:
    if isinstance(item, str):
        return item
    return "\n".join(f"{message['role']}\n{message['content']}" for message in item)


def _encode(tokenizer: Any, items: list[Item]) -> list[Encoded]:
    prompts, answers = [], []
    for item in items:
        if isinstance(item, str):
            prompts.append("")
            answers.append(item + PAD)
        else:
            prompts.append(tokenizer.apply_chat_template(item[:-1], tokenize=False, add_generation_prompt=True))
            answers.append(item[-1]["content"] + END + "\n")
    encoded = []
    for prompt, answer in zip(tokenizer(prompts)["input_ids"], tokenizer(answers)["input_ids"], strict=True):
        weight = 1.0 if prompt else TEXT_WEIGHT
        encoded.append(Encoded(prompt + answer, [PROMPT_WEIGHT] * len(prompt) + [weight] * len(answer)))
    return encoded


def _pad(items: list[Encoded], pad: int) -> Batch:
    longest = max(len(item.tokens) for item in items)
    missing = [longest - len(item.tokens) for item in items]
    return Batch(
        torch.tensor([item.tokens + [pad] * gap for item, gap in zip(items, missing, strict=True)]),
        torch.tensor([item.weights + [0.0] * gap for item, gap in zip(items, missing, strict=True)]),
    )


def _loss(model: Any, batch: Batch) -> Any:
    # right padding under a causal mask: no item sees it, so no attention mask is needed
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=batch.tokens, use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), batch.tokens[:, 1:].flatten(), reduction="none"
    )
    weights = batch.weights[:, 1:].flatten()
    return (losses * weights).sum() / weights.sum()


def _optimizer(model: Any) -> Any:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98), fused=True)


def _learning_rate(seen: int, budget: int) -> float:
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, seen / budget)))
    return LEARNING_RATE * min(1.0, (seen + BATCH) / WARMUP_TOKENS) * cosine


if __name__ == "__main__":
    main()
