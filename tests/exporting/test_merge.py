"""Merged weights are the base's plus the adapter's, rounded once, or they are refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from qwenlab.errors import UserError
from qwenlab.exporting.merge import Dtype, copy_adapter, export_dtype, merge
from qwenlab.recipe import ModelSettings, Recipe
from qwenlab.training.engine import Engine
from tests.models.adapters import random_adapter

LAYER = "model.layers.0.self_attn.q_proj"


@pytest.fixture
def adapter(recipe: Recipe, engine: Engine, tmp_path: Path) -> Path:
    random_adapter(recipe, engine, seed=1).save_adapter(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_sum_is_rounded_once(recipe: Recipe, qwen: Path, adapter: Path, tmp_path: Path, dtype: Dtype) -> None:
    merge(recipe.model, adapter, tmp_path / "merged", dtype)
    merged, base = load_file(tmp_path / "merged" / "model.safetensors"), load_file(qwen / "model.safetensors")
    lora = load_file(adapter / "adapter_model.safetensors")
    kind = getattr(torch, dtype)
    scale = recipe.lora.lora_alpha / recipe.lora.r
    prefix = f"base_model.model.{LAYER}"
    change = lora[f"{prefix}.lora_B.weight"] @ lora[f"{prefix}.lora_A.weight"] * scale
    wanted = (base[f"{LAYER}.weight"].to(kind).float() + change).to(kind)
    assert merged[f"{LAYER}.weight"].dtype == kind
    assert torch.equal(merged[f"{LAYER}.weight"], wanted)
    assert torch.equal(merged["model.norm.weight"], base["model.norm.weight"].to(kind))


def test_the_model_s_own_generation_settings_are_kept(recipe: Recipe, adapter: Path, tmp_path: Path) -> None:
    own = json.loads((Path(recipe.model.name) / "generation_config.json").read_text())
    merge(recipe.model, adapter, tmp_path / "merged", "float16")
    assert json.loads((tmp_path / "merged" / "generation_config.json").read_text()) == own


def test_a_quantised_base_is_refused(recipe: Recipe, qwen: Path, adapter: Path, tmp_path: Path) -> None:
    quantised = shutil.copytree(qwen, tmp_path / "quantised")
    config = json.loads((quantised / "config.json").read_text()) | {"quantization_config": {"load_in_4bit": True}}
    (quantised / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="stored quantised"):
        merge(recipe.model.model_copy(update={"name": str(quantised)}), adapter, tmp_path / "merged", "float16")


def test_what_float16_cannot_hold_is_refused(recipe: Recipe, adapter: Path, tmp_path: Path) -> None:
    lora = load_file(adapter / "adapter_model.safetensors")
    lora[f"base_model.model.{LAYER}.lora_B.weight"] *= 1e6
    save_file(lora, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"{LAYER}.weight does not fit into float16"):
        merge(recipe.model, adapter, tmp_path / "merged", "float16")
    merge(recipe.model, adapter, tmp_path / "merged", "bfloat16")


@pytest.mark.parametrize(
    ("recipe_s", "computed", "stored"),
    [
        ("float32", "float32", "float16"),
        ("float16", "float32", "float16"),
        ("bfloat16", "float32", "bfloat16"),
        ("auto", "bfloat16", "bfloat16"),
        ("auto", "float32", "float16"),
    ],
)
def test_the_precision_that_is_stored(recipe_s: str, computed: str, stored: str, engine: Engine) -> None:
    settings = ModelSettings.model_validate({"dtype": recipe_s})
    assert export_dtype(settings, engine._replace(dtype=computed)) == stored  # type: ignore[arg-type]


def test_a_copied_adapter_names_its_base_as_it_is_told(adapter: Path, tmp_path: Path) -> None:
    copy_adapter(adapter, tmp_path / "same")
    copy_adapter(adapter, tmp_path / "published", base_name="qwen")
    bases = [
        json.loads((tmp_path / name / "adapter_config.json").read_text())["base_model_name_or_path"]
        for name in ("same", "published")
    ]
    assert bases == [json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"], "qwen"]
