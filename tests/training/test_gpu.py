"""On a GPU: each recipe as it ships, in both engines, on four layers of a Qwen2.5-7B with random weights."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training.rows import Rows
from tests.models.qwen import save_random_qwen
from tests.models.random_rows import random_rows
from tests.training.engines import alike, trained

pytestmark = pytest.mark.gpu

RECIPES = Path(__file__).parent.parent.parent / "recipes"
SEVEN: dict[str, Any] = {
    "hidden": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 4,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
}
ROWS = Rows(random_rows(96, longest=600), random_rows(8, longest=600, seed=1))
APART = 0.1
"""Between the losses of two engines, of about 12: 16-bit sums in another order differ in the third digit."""


@pytest.fixture(scope="session")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model, 4 GB in bfloat16."""
    with torch.device("cuda"):
        return save_random_qwen(tmp_path_factory.mktemp("seven"), dtype=torch.bfloat16, **SEVEN)


def short(recipe: str, model: Path, **train: Any) -> Recipe:
    """The recipe as it ships, for six steps, without dropout: the engines draw it in another order."""
    steps = {"max_steps": 6, "eval_steps": 3, "save_steps": 3, "max_eval_samples": 0, "torch_compile": False}
    return read_recipe(RECIPES / f"{recipe}.toml").with_values(
        model={"name": str(model)}, lora={"lora_dropout": 0.0}, train=steps | train
    )


@pytest.mark.parametrize("name", ["default", "small_gpu", "fast"])
def test_both_engines_train_each_recipe_alike(seven: Path, tmp_path: Path, name: str) -> None:
    told = alike(short(name, seven), tmp_path, ROWS, APART)
    assert "patched 4 layers" in told["engine"]["patched"]
    free = not told["engine"]["deterministic"] and importlib.util.find_spec("xformers")
    assert told["engine"]["attention"] == ("xformers" if free else "sdpa")
    assert all(math.isfinite(loss) for loss in told["losses"])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("load_in_4bit", [False, True])
def test_both_engines_train_alike_in_each_precision(
    seven: Path, tmp_path: Path, dtype: str, load_in_4bit: bool
) -> None:
    recipe = short("default", seven, max_steps=3)
    recipe = recipe.with_values(model={"dtype": dtype, "load_in_4bit": load_in_4bit})
    told = alike(recipe, tmp_path, ROWS, APART)
    assert (told["engine"]["dtype"], told["engine"]["load_in_4bit"]) == (dtype, load_in_4bit)
    assert all(memory > 0 for memory in told["gpu_memory_gb"])


@pytest.mark.parametrize("engine", ["unsloth", "transformers"])
def test_a_resumed_run_is_the_same_with_its_loss_scaler(seven: Path, tmp_path: Path, engine: str) -> None:
    told = trained(engine, short("default", seven), tmp_path, ROWS, again=True)
    assert told["engine"]["deterministic"] is True, told["notes"]
    assert told["losses"] == told["undisturbed"]


@pytest.mark.parametrize("engine", ["unsloth", "transformers"])
def test_a_batch_that_does_not_fit_is_halved_and_the_peak_is_the_new_attempt_s(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("QWENLAB_TEST_GPU_GB", "14")
    few: dict[str, Any] = {"gradient_checkpointing": False, "max_steps": 2}

    def fitted(rows: int) -> dict[str, Any]:
        """With so many rows at once, and 64 a step."""
        batch = {"per_device_train_batch_size": rows, "gradient_accumulation_steps": 64 // rows}
        (folder := tmp_path / str(rows)).mkdir()
        return trained(engine, short("default", seven, **few, **batch), folder, ROWS)

    told = fitted(64)
    batches = [note["micro_batch"] for note in told["notes"] if note["about"] == "memory"]
    assert batches and all(64 % batch == 0 for batch in batches)
    assert len(told["losses"]) == 2
    alone = fitted(batches[-1])
    assert told["gpu_memory_gb"][-1] == pytest.approx(alone["gpu_memory_gb"][-1], rel=0.1)
    assert told["losses"] == pytest.approx(alone["losses"], abs=1e-3)


def test_auto_is_unsloth(seven: Path, tmp_path: Path) -> None:
    told = trained("auto", short("default", seven, max_steps=1), tmp_path, ROWS)
    assert told["engine"]["name"] == "unsloth"
    assert told["engine"]["why"].endswith("is supported")


def test_float32_is_the_plain_engine_s(qwen: Path, tmp_path: Path) -> None:
    recipe = short("tiny", qwen, max_steps=2)
    told = trained("auto", recipe, tmp_path, Rows(random_rows(64), None))
    assert (told["engine"]["name"], told["engine"]["dtype"]) == ("transformers", "float32")
