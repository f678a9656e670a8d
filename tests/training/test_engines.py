"""Two engines behind one seam: the same recipe and data give the same losses. The real Unsloth, on a CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings, Recipe
from qwenlab.training import choose_engine
from qwenlab.training.rows import Rows
from tests.models.qwen import save_random_qwen
from tests.models.random_rows import random_rows
from tests.models.small import small_model
from tests.training.engines import alike

# Unsloth on a CPU computes in float32, so that its kernels can be held against plain TRL to the fourth digit. From rows
# of 512 tokens on its checkpoints go to pinned memory, which needs a driver.
SMALL: dict[str, dict[str, Any]] = {
    "data": {"max_length": 64},
    "lora": {"lora_dropout": 0.0, "target_modules": "all-linear"},
    "train": {"max_steps": 2, "per_device_train_batch_size": 2, "eval_steps": 2, "save_steps": 1},
}


@pytest.mark.slow
def test_unsloth_trains_validates_and_resumes_a_qwen3_as_plain_trl_does(recipe: Recipe, tmp_path: Path) -> None:
    """With checkpointing, workers that load batches, and a second go from the first checkpoint."""
    model = str(save_random_qwen(tmp_path / "model", kind="qwen3"))
    recipe = recipe.with_values(**SMALL).with_values(
        model={"name": model},
        train={"gradient_checkpointing": True, "dataloader_num_workers": 2},
    )
    rows = Rows(random_rows(8, longest=24), random_rows(2, longest=24, seed=1))
    told = alike(recipe, tmp_path, rows, 1e-4, again=True)
    assert told["losses"] == pytest.approx(told["undisturbed"], abs=1e-6) and len(set(told["losses"])) == 2
    assert len(told["eval_losses"]) == 2
    assert "patched 2 layers" in told["engine"]["patched"]
    assert told["engine"]["attention"] == "sdpa"
    for attention in ("xformers", "sdpa"):
        assert told[f"asked for {attention}"] == [attention, attention], "padded and packed"
    assert told["target_gb"] == "1"
    assert (told["remembered"], told["forgotten"]) == ([1, False], [0, None])


@pytest.mark.slow
def test_unsloth_packs_for_a_qwen2_as_plain_trl_does_also_without_xformers(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENLAB_TEST_HIDDEN", "xformers")
    recipe = recipe.with_values(**SMALL).with_values(
        train={"packing": True, "gradient_checkpointing": True, "deterministic": False}
    )
    told = alike(recipe, tmp_path, Rows(random_rows(8, longest=24), random_rows(2, longest=24, seed=1)), 1e-4)
    assert told["engine"]["attention"] == "sdpa"
    assert told["execution"] == ["xformers is not installed, attention is PyTorch's own: pip install xformers"]
    assert "xformers" not in told["versions"] and "unsloth" in told["versions"]


@pytest.mark.slow
def test_unsloth_trains_a_qwen3_5_s_text_as_plain_trl_does(recipe: Recipe, tmp_path: Path) -> None:
    """Its layers have the names that plain peft looks for, so that base and adapter answer by the plain engine."""
    model = str(small_model(tmp_path / "model", "qwen3.5"))
    recipe = recipe.with_values(**SMALL).with_values(model={"name": model}, train={"gradient_checkpointing": True})
    alike(recipe, tmp_path, Rows(random_rows(8, longest=24), random_rows(2, longest=24, seed=1)), 1e-4)
    folders = list(tmp_path.glob("*/*/adapter"))
    assert len(folders) == 2
    names, layers = (
        [set(load_file(folder / "adapter_model.safetensors")) for folder in folders],
        [set(json.loads((folder / "adapter_config.json").read_text())["target_modules"]) for folder in folders],
    )
    assert names[0] == names[1] and any(".model.layers.0.linear_attn.in_proj_qkv.lora_A" in name for name in names[0])
    assert layers[0] == layers[1] >= {"in_proj_qkv", "out_proj", "q_proj", "down_proj"}


def test_without_a_gpu_auto_is_plain_trl_and_says_why() -> None:
    engine = choose_engine(ModelSettings(device_map="cpu"))
    assert (engine.name, engine.why, engine.device, engine.dtype) == (
        "transformers",
        "there is no GPU",
        "cpu",
        "float32",
    )


def test_unsloth_where_it_cannot_run_is_a_sentence() -> None:
    code = """
from qwenlab.errors import UserError
from qwenlab.training import choose_engine
from qwenlab.recipe import ModelSettings
import torch
torch.cuda.is_available = lambda: False
try:
    choose_engine(ModelSettings(engine="unsloth"))
except UserError as error:
    print(error.message, "|", error.hint)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Unsloth does not run here: Unsloth cannot find any torch accelerator" in result.stdout
    assert 'model.engine = "auto"' in result.stdout


def test_unsloth_after_the_libraries_that_it_patches_is_a_bug() -> None:
    import transformers  # noqa: F401

    with pytest.raises(RuntimeError, match="imported before unsloth"):
        choose_engine(ModelSettings(engine="unsloth"))


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    from qwenlab.training.source import find_model

    with pytest.raises(UserError, match="holds no model"):
        find_model(ModelSettings(name=str(tmp_path)))
    with pytest.raises(UserError, match="There is no model folder"):
        find_model(ModelSettings(name=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match="the hub cannot be reached") as caught:
        find_model(ModelSettings(name="Qwen/Qwen2.5-7B-Instruct"))
    assert "HF_HUB_OFFLINE" in caught.value.hint
