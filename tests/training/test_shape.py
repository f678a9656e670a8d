"""What is read from a configuration is what the model has, layer by layer and parameter by parameter."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedConfig

from qwenlab.recipe import ALL_LINEAR, LINEAR_LAYERS, ModelSettings
from qwenlab.training.shape import Shape, linear_layers
from qwenlab.training.source import find_model
from tests.models.published import PUBLISHED, published
from tests.models.small import Family, small_model

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def built(config: PreTrainedConfig) -> torch.nn.Module:
    """The model without the memory for it."""
    with torch.device("meta"):
        model: torch.nn.Module = AutoModelForCausalLM.from_config(config)
    return model


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_parameters_and_the_layers_are_those_of_the_model(name: str) -> None:
    config = published(name)
    shape, model = Shape.of(config), built(config)
    assert shape.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert set(shape.linear_layers) == set(linear_layers(model)) <= set(LINEAR_LAYERS)
    assert shape.has_linear_attention == ("3.5" in name)


@pytest.mark.parametrize(
    ("name", "billions"), [("Qwen2.5-7B", 7.616), ("Qwen3-8B", 8.191), ("Qwen3.5-9B", 8.954), ("Qwen3.5-0.8B", 0.752)]
)
def test_the_published_sizes(name: str, billions: float) -> None:
    assert Shape.of(published(name)).parameters / 1e9 == pytest.approx(billions, abs=5e-4)


@pytest.mark.parametrize("targets", [ATTENTION, ("layers.3.self_attn.q_proj", "mlp.up_proj"), (ALL_LINEAR,)])
@pytest.mark.parametrize("name", ["Qwen2.5-1.5B", "Qwen3-4B", "Qwen3.5-0.8B"])
def test_an_adapter_has_the_parameters_that_peft_gives_it(name: str, targets: tuple[str, ...]) -> None:
    config = published(name, num_hidden_layers=4)
    shape = Shape.of(config)
    names = shape.linear_layers if ALL_LINEAR in targets else targets
    with torch.device("meta"):
        model = get_peft_model(built(config), LoraConfig(r=16, target_modules=list(names)))
    assert shape.lora_parameters(16, names) == model.get_nb_trainable_parameters()[0]


def test_a_model_of_another_family_is_counted_too() -> None:
    config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, vocab_size=100, attention_bias=True, mlp_bias=True)  # fmt: skip
    assert Shape.of(config).parameters == sum(parameter.numel() for parameter in built(config).parameters())


@pytest.mark.parametrize("family", ["qwen2.5", "qwen3", "qwen3.5"])
def test_a_folder_s_text_is_what_is_loaded_of_it(family: Family, tmp_path: Path) -> None:
    """Of a Qwen3.5, the vision tower and the multi-token prediction stay on the disk."""
    source = find_model(ModelSettings(name=str(small_model(tmp_path, family))))
    model, said = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    shape = Shape.of(source.text_config)
    assert shape.parameters == model.num_parameters()
    assert set(shape.linear_layers) == set(linear_layers(model))
    assert not said["missing_keys"] and not said["unexpected_keys"] and not said["mismatched_keys"]
    assert not any("visual" in name for name, _ in model.named_modules())
    assert source.text_config.max_position_embeddings == model.config.max_position_embeddings
