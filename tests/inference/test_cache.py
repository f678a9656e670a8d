"""A cache with room holds what transformers' own holds, and writes new tokens in place."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3_5TextConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from qwenlab.inference import cache
from qwenlab.inference.attention import enable_gqa_decode
from qwenlab.inference.cache import preallocated_cache

LAYERS, ROWS, HEADS, SIZE = 2, 3, 2, 4
CONFIG = Qwen3Config(num_hidden_layers=LAYERS)


def states(tokens: int, seed: int) -> torch.Tensor:
    return torch.randn(ROWS, HEADS, tokens, SIZE, generator=torch.Generator().manual_seed(seed))


def read(asked: Any, tokens: int, seed: int) -> torch.Tensor:
    """What all layers then hold: shape (layers, keys and values, rows, heads, tokens, size)."""
    return torch.stack(
        [
            torch.stack(asked.update(states(tokens, seed), states(tokens, seed + 100), layer))
            for layer in range(len(asked.layers))
        ]
    )


def test_it_holds_what_transformers_own_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "GROWTH_TOKENS", 3)
    ours, theirs = preallocated_cache(CONFIG), DynamicCache(config=CONFIG)
    assert ours.get_seq_length() == 0
    for seed, tokens in enumerate((5, 1, 1, 1, 1, 1, 4, 1, 1, 9)):
        assert torch.equal(read(ours, tokens, seed), read(theirs, tokens, seed))
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1, 0) == theirs.get_mask_sizes(1, 0)


def test_tokens_are_written_in_place_until_the_room_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "GROWTH_TOKENS", 3)
    asked = preallocated_cache(CONFIG)
    places = []
    for seed, tokens in enumerate((5, 1, 1, 1, 1, 1)):
        read(asked, tokens, seed)
        places.append((asked.layers[1].keys.data_ptr(), asked.layers[1].values.data_ptr()))
    assert [before == after for before, after in pairwise(places)] == [True, True, True, False, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: asked.reorder_cache(torch.tensor([2, 0, 1])),
        lambda asked: asked.batch_select_indices(torch.tensor([1, 1, 0])),
        lambda asked: asked.crop(-2),
    ],
    ids=["reorder", "select", "crop"],
)
def test_what_was_changed_outside_is_what_goes_on(change: Callable[[Any], None]) -> None:
    ours, theirs = preallocated_cache(CONFIG), DynamicCache(config=CONFIG)
    for asked in (ours, theirs):
        read(asked, 5, 0)
        change(asked)
    assert torch.equal(read(ours, 1, 1), read(theirs, 1, 1))
    assert torch.equal(read(ours, 1, 2), read(theirs, 1, 2))


def test_layers_with_a_window_stay_transformers_own() -> None:
    config = Qwen3Config(
        num_hidden_layers=2,
        use_sliding_window=True,
        sliding_window=4,
        layer_types=["full_attention", "sliding_attention"],
    )
    full, window = preallocated_cache(config).layers
    assert isinstance(full, DynamicLayer) and type(full) is not DynamicLayer
    assert type(window) is DynamicSlidingWindowLayer


SMALL = {
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
STATES = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}
KINDS = {
    "Qwen2": Qwen2Config(**SMALL),
    "Qwen2 with windows": Qwen2Config(**SMALL, use_sliding_window=True, sliding_window=8, max_window_layers=2),
    "Qwen3": Qwen3Config(**SMALL),
    "Qwen3 of experts": Qwen3MoeConfig(**SMALL, **EXPERTS),
    "Qwen3.5 with states": Qwen3_5TextConfig(**SMALL, **STATES),
}


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("config", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_qwen_writes_as_with_transformers_own(config: PreTrainedConfig, device: str) -> None:
    torch.manual_seed(0)
    asked = AutoModelForCausalLM.from_config(config).eval().to(device)
    for parameter in asked.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)  # fresh ones hardly attend
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [0, 0, 0, 7, 8, 9]], device=device)
    greedy = {"attention_mask": (ids > 0).long(), "max_new_tokens": 24, "do_sample": False}
    with torch.inference_mode():
        expected = asked.generate(ids, **greedy)
        enable_gqa_decode(asked)
        assert torch.equal(asked.generate(ids, **greedy, past_key_values=preallocated_cache(config)), expected)
    assert len(expected.unique()) > 10
