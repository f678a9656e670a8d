"""Answers from one loaded model, adapter on or off: base and tuned are the same weights in the same memory."""

from collections.abc import Sequence
from typing import Any

import torch

from qwenlab.model.load import LoadedModel

Conversation = Sequence[dict[str, str]]


def generate(loaded: LoadedModel, conversations: Sequence[Conversation], max_new_tokens: int) -> list[str]:
    """Greedy answers, one for each conversation, all in one batch; special tokens are left out.

    Use `loaded.base_only()` around it for the base's answers.
    """
    tokenizer, model = loaded.tokenizer, _for_inference(loaded)
    texts = [
        tokenizer.apply_chat_template(list(conversation), tokenize=False, add_generation_prompt=True)
        for conversation in conversations
    ]
    tokenizer.padding_side = "left"
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    inputs = {name: inputs[name].to(model.device) for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        output = model.generate(
            **inputs, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
        )
    answers: list[str] = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def _for_inference(loaded: LoadedModel) -> Any:
    if loaded.engine.name == "unsloth":
        from unsloth import FastLanguageModel

        FastLanguageModel.for_inference(loaded.model)
    return loaded.model.eval()
