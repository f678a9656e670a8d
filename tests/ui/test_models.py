"""What there is to choose from: bundled, on this disk, and what fits the card."""

import os
import time
from pathlib import Path

import huggingface_hub
import pytest

from qwenlab import hub, nvidia
from qwenlab.recipe import read_recipe
from qwenlab.training.estimate import estimate_memory
from qwenlab.training.shape import Shape
from qwenlab.ui import models
from qwenlab.ui.models import RECOMMENDED, Known, data_choices, model_choices
from tests.conftest import ROOT
from tests.models.published import PUBLISHED, published
from tests.ui.made import made_run


def shape_of(name: str) -> str:
    return name.removeprefix("Qwen/").removesuffix("-Instruct-2507").removesuffix("-Instruct").replace("-Coder", "")


@pytest.mark.parametrize("model", RECOMMENDED, ids=lambda model: model.name)
def test_the_memory_is_what_is_estimated_for_the_small_recipe(model: Known) -> None:
    assert shape_of(model.name) in PUBLISHED
    shape, recipe = Shape.of(published(shape_of(model.name))), read_recipe(ROOT / "recipes" / "small_gpu.toml")
    for is_4_bit, told in ((True, model.in_4_bits), (False, model.in_16_bits)):
        needed = estimate_memory(shape, recipe.with_values(model={"load_in_4bit": is_4_bit})).total
        assert told is None or told == pytest.approx(needed, abs=0.05)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_models_on_the_disk_are_told(cache: Path) -> None:
    snapshot = cache / "models--Qwen--Qwen3-8B" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (cache / "models--owner--only--config" / "snapshots" / "abc").mkdir(parents=True)
    assert hub.cached_models() == []
    (snapshot / "model.safetensors").write_bytes(b"")
    assert hub.cached_models() == ["Qwen/Qwen3-8B"]
    values = [value for _, value in model_choices()]
    assert values[:2] == ["tiny", "Qwen/Qwen3-8B"] and len(values) == len(set(values)) == len(RECOMMENDED) + 1


def test_what_fits_comes_first_and_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "cards", lambda: [nvidia.Card("A card", 8.0, 8.0)])
    shown = {value: label for label, value in model_choices()}
    assert "fits your 8 GB in 4 bits" in shown["Qwen/Qwen3-4B-Instruct-2507"]
    assert "tight on your 8 GB in 4 bits" in shown["Qwen/Qwen2.5-7B-Instruct"]
    assert "needs 8 GB, your card has 8" not in shown.values() and "fits your 8 GB" in shown["Qwen/Qwen3.5-2B"]
    assert "needs 20 GB" in list(shown.values())[-1]
    monkeypatch.setattr(nvidia, "cards", list)
    assert any("Qwen3-4B" in label and "needs a GPU with 5 GB" in label for label, _ in model_choices())


def test_a_download_tells_how_much_has_come(cache: Path) -> None:
    assert hub.downloaded("owner/name") is None
    blobs = cache / "models--owner--name" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "a").write_bytes(bytes(1_000_000))
    assert hub.downloaded("owner/name") is None
    unfinished = blobs / "b.incomplete"
    unfinished.write_bytes(bytes(2_000_000))
    assert hub.downloaded("owner/name") == pytest.approx(0.003)
    os.utime(unfinished, (0, time.time() - 2 * hub.STALLED_S))
    assert hub.downloaded("owner/name") is None


def test_data_is_offered_once_and_by_its_name(tmp_path: Path) -> None:
    assert [value for _, value in data_choices(tmp_path)] == ["tiny"]
    file = tmp_path / ".uploads" / "abc" / "maths300.csv"
    file.parent.mkdir(parents=True)
    file.write_text("question,answer\n")
    made_run(tmp_path)
    run = made_run(tmp_path, "mine")
    run.write_recipe(run.recipe.with_values(data={"source": str(file)}))
    shown = data_choices(tmp_path)
    assert [value for _, value in shown] == ["tiny", str(file)]
    assert shown[1][0].startswith("maths300.csv · ")
    assert models.card_gb() is None or models.card_gb()
