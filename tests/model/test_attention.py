"""One new token attends without copies, to what PyTorch's attention with copies gives."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from qwenlab.model.attention import GROUPED, share_keys

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
    share_keys(asked)
    ours, ours_next = prompt_and_next(asked, mask)
    assert torch.equal(ours, theirs)
    torch.testing.assert_close(ours_next, theirs_next, rtol=1e-5, atol=1e-6)


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
            share_keys(asked)
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
    share_keys(asked)
    assert asked.config._attn_implementation == "eager"


def test_it_is_not_written_into_a_saved_model(qwen: Path, tmp_path: Path) -> None:
    asked = model(qwen)
    share_keys(asked)
    asked.save_pretrained(tmp_path)
    assert GROUPED not in (tmp_path / "config.json").read_text()
    assert model(tmp_path).config._attn_implementation == "sdpa"
