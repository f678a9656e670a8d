"""The attention of one new token a row, for models whose query heads share keys and values.

Transformers copies keys and values for each query head before PyTorch's attention whenever there is a mask, and of
prompts of different lengths there is one: at every token all that was read so far is copied, six times over in a Qwen
of 7 billion parameters. A single query position needs no copies: the heads that share keys (grouped-query attention,
Ainslie et al., arXiv 2305.13245) are put where its positions would be.
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

GROUPED = "sdpa_grouped"


def enable_gqa_decode(model: Any) -> None:
    """Let the model attend so, where it attends by PyTorch's own attention; another choice stands."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(GROUPED)


def _grouped(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Query of shape (rows, heads, new tokens, size), keys and values (rows, fewer heads, all tokens, size)."""
    rows, heads, new_tokens, size = query.shape
    shared = key.shape[1]
    if new_tokens > 1 or heads == shared:
        attended: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return attended
    # The others do not matter here: a model that answers drops nothing out, and one position sees all before it.
    output = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(rows, shared, heads // shared, size),
        key,
        value,
        # The mask of a single position has one line, which all heads have in common.
        attn_mask=None if attention_mask is None else attention_mask.expand(-1, -1, heads // shared, -1),
        scale=scaling,
    )
    return output.reshape(rows, new_tokens, heads, size), None


AttentionInterface.register(GROUPED, _grouped)
AttentionMaskInterface.register(GROUPED, sdpa_mask)
