"""One new token attends without copies, to what PyTorch's attention with copies gives."""

from pathlib import Path
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

from qwenlab.inference.attention import GROUPED, enable_gqa_decode

IDS = torch.tensor([[5, 6, 7, 8, 9], [0, 0, 7, 8, 9], [0, 0, 0, 0, 9]])
NEXT = torch.tensor([[3], [4], [5]])


def model(qwen: Path, **settings: Any) -> Any:
    return AutoModelForCausalLM.from_pretrained(qwen, **settings).eval()


def prompt_and_next(asked: Any, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a batch of prompts, and of the token that comes after each."""
    with torch.inference_mode():
        prompt = asked(IDS, attention_mask=mask)
        longer = torch.cat([mask, torch.ones_like(NEXT)], dim=1)
        return prompt.logits, asked(NEXT, attention_mask=longer, past_key_values=prompt.past_key_values).logits


@pytest.mark.parametrize("mask", [(IDS > 0).long(), torch.ones_like(IDS)], ids=["padded", "no padding"])
def test_it_attends_as_transformers_does(qwen: Path, mask: torch.Tensor) -> None:
    theirs, theirs_next = prompt_and_next(model(qwen), mask)
    asked = model(qwen)
    enable_gqa_decode(asked)
    ours, ours_next = prompt_and_next(asked, mask)
    assert torch.equal(ours, theirs)
    torch.testing.assert_close(ours_next, theirs_next, rtol=1e-5, atol=1e-6)


def many_tokens(asked: Any, cache: Any) -> torch.Tensor:
    """Logits of 40 tokens read one by one after the prompts: shape (tokens, rows, vocabulary)."""
    mask = (IDS > 0).long().to(asked.device)
    ids, logits = IDS.to(asked.device), []
    with torch.inference_mode():
        for _ in range(41):
            logits.append(asked(ids, attention_mask=mask, past_key_values=cache).logits[:, -1])
            ids = NEXT.to(asked.device)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
    return torch.stack(logits[1:]).float()


@pytest.mark.parametrize(
    ("device", "dtype", "share"),
    [
        ("cpu", torch.float32, 1e-5),
        pytest.param("cuda", torch.float16, 0.02, marks=pytest.mark.gpu),
        pytest.param("cuda", torch.bfloat16, 0.03, marks=pytest.mark.gpu),
    ],
)
def test_it_attends_so_over_many_lengths(qwen: Path, device: str, dtype: torch.dtype, share: float) -> None:
    """Over those that a GPU's kernels are aligned to and others."""
    theirs, asked = (model(qwen, dtype=dtype).to(device) for _ in range(2))
    enable_gqa_decode(asked)
    expected = many_tokens(theirs, DynamicCache(config=theirs.config))
    difference = many_tokens(asked, DynamicCache(config=asked.config)) - expected
    assert difference.abs().max() < share * expected.std()


def test_a_new_token_copies_no_keys(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    theirs = torch.Tensor.expand

    def counted(self: torch.Tensor, *sizes: int) -> torch.Tensor:
        copied.append(len(sizes))
        return theirs(self, *sizes)

    monkeypatch.setattr(torch.Tensor, "expand", counted)
    for share, expected in ((False, 4), (True, 0)):
        asked = model(qwen)
        if share:
            enable_gqa_decode(asked)
        with torch.inference_mode():
            past = asked(IDS).past_key_values
            copied.clear()
            asked(
                NEXT, attention_mask=torch.cat([(IDS > 0).long(), torch.ones_like(NEXT)], dim=1), past_key_values=past
            )
        # Five sizes: rows, key heads, copies, tokens, size. Keys and values of two layers.
        assert copied.count(5) == expected


def test_another_attention_is_left_as_it_was_chosen(qwen: Path) -> None:
    asked = model(qwen, attn_implementation="eager")
    enable_gqa_decode(asked)
    assert asked.config._attn_implementation == "eager"


def test_it_is_not_written_into_a_saved_model(qwen: Path, tmp_path: Path) -> None:
    asked = model(qwen)
    enable_gqa_decode(asked)
    asked.save_pretrained(tmp_path)
    assert GROUPED not in (tmp_path / "config.json").read_text()
    assert model(tmp_path).config._attn_implementation == "sdpa"


SMALL: dict[str, Any] = {
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
        assert torch.equal(asked.generate(ids, **greedy), expected)
    assert len(expected.unique()) > 10
