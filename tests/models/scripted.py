"""A loaded model that says what a test wants it to say, token by token; everything around it is real."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import trl

from qwenlab.inference.load import Inference

QWEN3 = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text(encoding="utf-8")
"""Thinks unless it is told not to: then the prompt ends in an empty think block."""

ALWAYS_OPEN = QWEN3.replace(
    r"{{- '<think>\n\n</think>\n\n' }}", r"{{- '<think>\n\n</think>\n\n' }}{%- else %}{{- '<think>\n' }}"
)
"""As Qwen3.5 from 4B: where it thinks, the prompt opens the reasoning."""


def script(loaded: Inference, said: Callable[[str], str], pace_s: float = 0.0) -> None:
    """From now on each prompt, as text, is answered by `said`, and by the end token after it.

    `pace_s`: seconds between two tokens.
    """
    tokenizer = loaded.tokenizer.backend_tokenizer

    def generate(
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        max_new_tokens: int,
        stopping_criteria: Iterable[Callable[..., Any]],
        **_: Any,
    ) -> None:
        prompts = [
            tokenizer.decode(ids[mask.bool()].tolist(), skip_special_tokens=False)
            for ids, mask in zip(input_ids, attention_mask, strict=True)
        ]
        rows = [tokenizer.encode(said(prompt), add_special_tokens=False).ids for prompt in prompts]
        end = min(loaded.end_tokens)
        for step in range(max_new_tokens):
            time.sleep(pace_s)
            column = [[row[step] if step < len(row) else end] for row in rows]
            input_ids = torch.cat([input_ids, torch.tensor(column)], dim=1)
            if all(bool(ended.all()) for ended in [each(input_ids, None) for each in stopping_criteria]):
                return

    loaded.model.generate = generate
