"""Two engines behind one seam: the same recipe and data give the same losses. The real Unsloth, on a CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from qwenlab.errors import UserError
from qwenlab.model import choose_engine
from qwenlab.recipe import ModelSettings, Recipe, recipe_toml
from tests.model.conftest import random_rows

SCRIPT = Path(__file__).parent / "train_rows.py"


def trained(engine: str, recipe: Recipe, folder: Path, table: pa.Table) -> dict[str, Any]:
    """Losses and what the run recorded, from a process in which the engine was imported first."""
    folder = folder / engine
    folder.mkdir()
    rows = folder / "rows.arrow"
    with pa.OSFile(str(rows), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    path = folder / "recipe.toml"
    path.write_text(recipe_toml(recipe.with_values(model={"engine": engine})), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(path), str(rows), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told


@pytest.mark.slow
def test_unsloth_trains_as_plain_trl_does(recipe: Recipe, tmp_path: Path) -> None:
    recipe = recipe.with_values(
        lora={"lora_dropout": 0.0, "target_modules": "all-linear"},
        train={"max_steps": 3, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1},
    )
    unsloth, plain = (
        trained(engine, recipe, tmp_path, random_rows(16, longest=24)) for engine in ("unsloth", "transformers")
    )
    assert unsloth["losses"] == pytest.approx(plain["losses"], abs=1e-4)
    assert len(set(plain["losses"])) == 3
    assert unsloth["trainer"] == "UnslothSFTTrainer", "the trainer is the one that Unsloth rewrites"
    assert plain["module"].startswith("trl.")
    assert unsloth["engine"]["name"] == "unsloth"
    assert "patched 2 layers" in unsloth["engine"]["patched"]


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
from qwenlab.model import choose_engine
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
    from qwenlab.model.source import find_model

    with pytest.raises(UserError, match="holds no model"):
        find_model(ModelSettings(name=str(tmp_path)))
    with pytest.raises(UserError, match="There is no model folder"):
        find_model(ModelSettings(name=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match="the hub cannot be reached") as caught:
        find_model(ModelSettings(name="Qwen/Qwen2.5-7B-Instruct"))
    assert "HF_HUB_OFFLINE" in caught.value.hint


GPU_RECIPE: dict[str, Any] = {
    "model": {"device_map": "auto"},
    "lora": {"lora_dropout": 0.0, "target_modules": "all-linear"},
    "train": {"max_steps": 10, "optim": "paged_adamw_8bit", "learning_rate": 2e-4},
}


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("load_in_4bit", [False, True])
def test_both_engines_train_alike_on_a_gpu(recipe: Recipe, tmp_path: Path, dtype: str, load_in_4bit: bool) -> None:
    """16-bit arithmetic in another order differs in the third digit of a loss of about 5.6."""
    recipe = recipe.with_values(**GPU_RECIPE).with_values(model={"dtype": dtype, "load_in_4bit": load_in_4bit})
    rows = random_rows(64)
    unsloth, plain = (trained(engine, recipe, tmp_path, rows) for engine in ("unsloth", "transformers"))
    assert unsloth["losses"] == pytest.approx(plain["losses"], abs=0.05)
    assert unsloth["engine"]["dtype"] == plain["engine"]["dtype"] == dtype
    assert "patched 2 layers with" in unsloth["engine"]["patched"]
    assert unsloth["engine"]["attention"] in ("flash", "xformers", "sdpa")
    assert all(memory > 0 for memory in unsloth["gpu_memory_gb"] + plain["gpu_memory_gb"])


@pytest.mark.gpu
@pytest.mark.parametrize("packing", [False, True])
def test_auto_is_unsloth_on_a_gpu(recipe: Recipe, tmp_path: Path, packing: bool) -> None:
    recipe = recipe.with_values(**GPU_RECIPE).with_values(train={"packing": packing, "gradient_checkpointing": True})
    told = trained("auto", recipe, tmp_path, random_rows(64))
    assert told["engine"]["name"] == "unsloth"
    assert told["engine"]["why"].endswith("is supported")


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["unsloth", "transformers"])
def test_a_batch_that_does_not_fit_the_card_is_halved(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("QWENLAB_TEST_GPU_GB", "1.0")
    big = recipe.with_values(**GPU_RECIPE).with_values(
        data={"max_length": 1024},
        train={"max_steps": 2, "per_device_train_batch_size": 256, "gradient_checkpointing": False},
    )
    told = trained(engine, big, tmp_path, random_rows(512, longest=1000))
    batches = [note["micro_batch"] for note in told["notes"] if note["about"] == "memory"]
    assert batches and all(256 % batch == 0 for batch in batches)
    assert len(told["losses"]) == 2
