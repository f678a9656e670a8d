"""Base and tuned from one loaded model."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from qwenlab.model.engine import Engine
from qwenlab.model.generate import generate
from qwenlab.model.load import LoadedModel, load
from qwenlab.recipe import Recipe

CONVERSATIONS = [[{"role": "user", "content": text}] for text in ("hello", "a much longer question than that", "x")]


@pytest.fixture
def loaded(recipe: Recipe, engine: Engine) -> LoadedModel:
    """With an adapter that changes the answers."""
    loaded = load(recipe, engine)
    torch.manual_seed(1)
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=1.0)
    return loaded


def test_the_base_s_answers_are_those_of_the_model_without_an_adapter(loaded: LoadedModel, qwen: Path) -> None:
    with loaded.base_only():
        base = generate(loaded, CONVERSATIONS, 8)
    tuned = generate(loaded, CONVERSATIONS, 8)
    alone = LoadedModel(
        AutoModelForCausalLM.from_pretrained(qwen), loaded.tokenizer, loaded.engine, loaded.source, patched=None
    )
    assert base == generate(alone, CONVERSATIONS, 8)
    assert base != tuned


def test_a_batch_answers_as_each_alone(loaded: LoadedModel) -> None:
    together = generate(loaded, CONVERSATIONS, 8)
    assert together == [generate(loaded, [one], 8)[0] for one in CONVERSATIONS]


def test_a_saved_adapter_answers_as_the_one_that_was_saved(
    loaded: LoadedModel, recipe: Recipe, engine: Engine, tmp_path: Path
) -> None:
    loaded.save_adapter(tmp_path / "adapter")
    again = load(recipe.with_values(lora={"start_from": str(tmp_path / "adapter")}), engine)
    assert generate(again, CONVERSATIONS, 8) == generate(loaded, CONVERSATIONS, 8)


def test_a_base_from_the_hub_is_named_as_there(loaded: LoadedModel, tmp_path: Path) -> None:
    loaded.source = loaded.source._replace(name="Qwen/Some-Model", revision="abc123")
    loaded.save_adapter(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("Qwen/Some-Model", "abc123")
