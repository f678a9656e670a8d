"""Each Qwen family answers in a padded batch as it does alone, the base beside adapters on all of its linear layers."""

import pytest
import torch
from transformers import DynamicCache

from qwenlab.answering.answerer import BASE, Ask, Sampling
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_inference, on_device
from qwenlab.recipe import ModelSettings, read_recipe
from qwenlab.training.engine import Engine
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY
from tests.models.small import Family, small_model

LONGER = "Here is a question of some length, so that every row but this one begins with padding. " * 3
"""Longer than the 64 tokens that linear attention takes at once."""

CONVERSATIONS = [[{"role": "user", "content": text}] for text in ("1 2", LONGER, "A question in between.")]
GREEDY = Sampling(12)


@pytest.fixture(scope="module", params=["qwen2.5", "qwen3", "qwen3.5"])
def loaded(request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Inference:
    family: Family = request.param
    folder = tmp_path_factory.mktemp("family")
    recipe = read_recipe(TINY).with_values(
        model={"name": str(small_model(folder / "model", family)), "engine": "transformers"},
        lora={"target_modules": "all-linear"},
    )
    for seed, name in enumerate(("one", "two")):
        random_adapter(recipe, engine, seed, strength=0.1).save_adapter(folder / name)
    return load_inference(recipe.model, engine, {name: folder / name for name in ("one", "two")})


def test_a_row_s_answer_in_a_mixed_padded_batch_is_the_one_alone(loaded: Inference) -> None:
    asks = [Ask(messages, GREEDY, name) for messages in CONVERSATIONS for name in loaded.names]
    together = generate(loaded, asks)
    assert together == [generate(loaded, [ask])[0] for ask in asks]
    # The prompt of a model that thinks opens the reasoning, and all that it says is of it.
    texts = {name: [one.reasoning + one.text for one in together[at::3]] for at, name in enumerate(loaded.names)}
    assert len({tuple(said) for said in texts.values()}) == 3, "each adapter answers otherwise"


def test_the_base_s_logits_beside_adapters_are_those_of_the_base(loaded: Inference, engine: Engine) -> None:
    alone = load_inference(ModelSettings(name=loaded.source.name, engine="transformers"), engine, {})
    ids = torch.tensor([loaded.tokenizer.encode(LONGER[:80])] * 3)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.inference_mode():
        expected = alone.model(**on_device(alone, inputs)).logits
        with loaded.answering([BASE, "one", BASE]):
            got = loaded.model(**on_device(loaded, inputs)).logits
    assert torch.equal(got[[0, 2]], expected[[0, 2]])
    assert not torch.allclose(got[1], expected[1], atol=0.1)


def test_what_padding_holds_changes_no_answer(loaded: Inference) -> None:
    """Layers of linear attention hear of the mask too: without it they would read the padding into their state."""
    ids = loaded.tokenizer.encode(LONGER[:60])
    logits = []
    for pad in (0, 7, 300):
        rows = torch.tensor([[pad] * 9 + ids, ids + [5] * 9])
        mask = torch.tensor([[0] * 9 + [1] * len(ids), [1] * (len(ids) + 9)])
        with torch.inference_mode():
            cache = DynamicCache(config=loaded.model.config)
            logits.append(loaded.model(input_ids=rows, attention_mask=mask, past_key_values=cache).logits[0, -1])
    assert torch.equal(logits[0], logits[1]) and torch.equal(logits[0], logits[2])
