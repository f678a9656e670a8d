"""The script that makes the model, on a budget of a few steps."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tools.tiny import pretrain


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrain, "TOKENIZER_ITEMS", 300)
        return pretrain.make_tokenizer(seed=0)


def test_a_short_run_leaves_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "TOKENIZER_ITEMS", 300)
    monkeypatch.setattr(pretrain, "BATCH", 4)
    monkeypatch.setattr(pretrain, "BUCKET", 4)
    monkeypatch.setattr(sys, "argv", ["pretrain", "--out", str(tmp_path), "--tokens", "1500"])
    pretrain.main()
    figures = json.loads((tmp_path / "pretraining.json").read_text())
    assert figures["finished"]
    assert figures["tokens"] >= 1500
    assert "Apache-2.0" in (tmp_path / "README.md").read_text()
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert model.dtype == torch.bfloat16
    assert 1_700_000 < model.num_parameters() < 1_900_000
    assert len(AutoTokenizer.from_pretrained(tmp_path)) == model.config.vocab_size


def test_a_batch_weighs_answers_fully_and_padding_not_at_all(tokenizer: Any) -> None:
    batch = next(pretrain.batches(tokenizer, seed=0))
    assert batch.tokens.shape == batch.weights.shape
    assert batch.tokens.shape[0] == pretrain.BATCH
    weights = {round(weight, 4) for weight in batch.weights.unique().tolist()}
    assert weights <= {0.0, pretrain.PROMPT_WEIGHT, pretrain.TEXT_WEIGHT, 1.0}
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    for tokens, row in zip(batch.tokens.tolist(), batch.weights.tolist(), strict=True):
        if start in tokens:  # a conversation: what counts fully is the answer, to its end mark
            answer = [token for token, weight in zip(tokens, row, strict=True) if weight == 1.0]
            last_start = len(tokens) - 1 - tokens[::-1].index(start)
            assert row.index(1.0) == last_start + 3  # the mark, the role, the line break
            assert answer.count(end) == 1
            assert tokenizer.pad_token_id not in answer
            assert 0.0 not in row[: row.index(1.0)]


def test_padding_does_not_change_the_loss(tokenizer: Any) -> None:
    torch.manual_seed(0)
    model = pretrain.make_model(tokenizer).eval()
    batch = next(pretrain.batches(tokenizer, seed=0))
    wider = pretrain.Batch(
        torch.nn.functional.pad(batch.tokens, (0, 7), value=tokenizer.pad_token_id),
        torch.nn.functional.pad(batch.weights, (0, 7), value=0.0),
    )
    with torch.no_grad():
        assert pretrain._loss(model, wider).item() == pytest.approx(pretrain._loss(model, batch).item(), rel=1e-3)


def test_the_learning_rate_rises_then_falls() -> None:
    budget = 9_000_000
    rates = [pretrain._learning_rate(seen, budget) for seen in (0, pretrain.WARMUP_TOKENS, budget // 2, budget)]
    assert rates[0] < rates[1] > rates[2] > rates[3] > 0
    assert rates[1] == pytest.approx(pretrain.LEARNING_RATE, rel=0.01)
