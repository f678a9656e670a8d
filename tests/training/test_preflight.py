"""What would stop a training is a sentence with a remedy, before a weight is fetched."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs.record import Hardware
from qwenlab.training.engine import Engine
from qwenlab.training.preflight import check_placed, check_recipe, check_room
from qwenlab.training.source import ModelSource
from tests.models.published import PUBLISHED
from tests.training.cards import answers

GPU = Engine("transformers", "", "cuda", "float16")
CPU = Engine("transformers", "", "cpu", "float32")


def machine(memory_gb: float | None = 25.8, free_gb: float | None = None) -> Hardware:
    return Hardware(
        gpu="a card", gpu_memory_gb=memory_gb, gpu_free_gb=free_gb, cpu="", cpu_cores=2, memory_gb=24, system=""
    )


@pytest.fixture
def seven(tmp_path: Path) -> ModelSource:
    """The configuration of a Qwen2.5-7B, and no weights."""
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED["Qwen2.5-7B"]))
    return ModelSource("Qwen/Qwen2.5-7B-Instruct", tmp_path, None)


@pytest.fixture(autouse=True)
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    for function, answer in answers("a card", "8.9", 25.8).items():
        monkeypatch.setattr(torch.cuda, function, answer)


def test_the_document_s_recipe_passes_on_24_gb(seven: ModelSource) -> None:
    check_recipe(Recipe(), GPU, seven, machine())
    check_room(Recipe(), GPU, seven, machine(free_gb=25.3))


@pytest.mark.parametrize("engine", [GPU, CPU, GPU._replace(name="unsloth")])
def test_rows_longer_than_the_context_are_refused_by_every_engine(seven: ModelSource, engine: Engine) -> None:
    recipe = Recipe().with_values(data={"max_length": 40_000})
    with pytest.raises(UserError, match=r"max_length = 40,000: .* reads 32,768 tokens at most") as caught:
        check_recipe(recipe, engine, seven, machine())
    assert "32768" in caught.value.hint


def test_weights_that_no_card_of_that_size_holds(seven: ModelSource) -> None:
    with pytest.raises(UserError, match=r"take 15\.2 GB in float16, and the GPU has 12\.9 GB") as caught:
        check_recipe(Recipe(), GPU, seven, machine(12.9))
    assert "load_in_4bit = true" in caught.value.hint
    check_recipe(Recipe().with_values(model={"load_in_4bit": True}), GPU, seven, machine(12.9))


def test_weights_beside_other_programs(seven: ModelSource) -> None:
    with pytest.raises(UserError, match=r"has 11\.5 GB for them\. Other programs hold 14\.3 GB") as caught:
        check_room(Recipe(), GPU, seven, machine(free_gb=11.5))
    assert caught.value.hint.startswith("nvidia-smi lists them.")


def test_a_driver_that_does_not_say_stops_nothing(seven: ModelSource) -> None:
    check_room(Recipe(), GPU, seven, machine(free_gb=None))


def test_several_cards_are_left_to_find_out(seven: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_recipe(Recipe(), GPU, seven, machine(12.9))


def test_a_cpu_has_no_card_to_fill(seven: ModelSource) -> None:
    check_recipe(Recipe(), CPU, seven, machine(None))


def test_bfloat16_on_a_card_without_it(seven: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    for function, answer in answers("Tesla T4", "7.5", 25.8).items():
        monkeypatch.setattr(torch.cuda, function, answer)
    with pytest.raises(UserError, match="has no bfloat16") as caught:
        check_recipe(Recipe(), GPU._replace(dtype="bfloat16"), seven, machine())
    assert '"auto"' in caught.value.hint
    check_recipe(Recipe(), GPU, seven, machine())


def test_all_reasons_are_told_at_once(seven: ModelSource) -> None:
    with pytest.raises(UserError) as caught:
        check_recipe(Recipe().with_values(data={"max_length": 40_000}), GPU, seven, machine(8.0))
    assert "max_length" in caught.value.message and "15.2 GB" in caught.value.message


@pytest.mark.parametrize(("places", "words"), [({"a": 0, "b": "cpu"}, "the cpu"), ({"a": "disk"}, "the disk")])
def test_layers_outside_of_the_gpus_are_refused(places: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=f"layers were put on {words}"):
        check_placed(SimpleNamespace(hf_device_map=places))


def test_layers_on_gpus_are_well_placed() -> None:
    check_placed(SimpleNamespace(hf_device_map={"a": 0, "b": 1, "c": torch.device("cuda", 1)}))
    check_placed(SimpleNamespace())


# The command line, on cards that are not there. Nothing can be loaded there, so what is said is said before.
Told = subprocess.CompletedProcess[str]
On = Callable[..., Told]


@pytest.fixture
def on_card(tmp_path: Path, qwen: Path) -> On:
    """Run `qwenlab.train` on tiny.toml's data with the small random model, on an RTX 4090 of which 22 GB are free."""
    recipe = Path(__file__).parent.parent.parent / "recipes" / "tiny.toml"
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\necho 'NVIDIA GeForce RTX 4090, 24564, 21000'\n")
    smi.chmod(0o755)

    def run(*arguments: str, path: str = "/usr/bin:/bin", free: int = 21000, card: str = "8.9") -> Told:
        smi.write_text(f"#!/bin/sh\necho 'NVIDIA GeForce RTX 4090, 24564, {free}'\n")
        command = [sys.executable, "-m", "tests.training.cards", "NVIDIA GeForce RTX 4090", card, "25.8", "--"]
        command += ["qwenlab.train", str(recipe), "--set", f"model.name={qwen}", "--set", "data.max_samples=60"]
        environment = os.environ | {"PATH": f"{smi.parent}:{path}", "CC": ""}
        return subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def refused(told: Told) -> str:
    assert told.returncode == 2, told.stdout[-2000:] + told.stderr[-2000:]
    assert "Traceback" not in told.stderr
    return " ".join(told.stderr.split())


def planned(told: Told) -> str:
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
    return " ".join(told.stdout.split())


def test_without_a_compiler_unsloth_is_a_sentence_and_auto_the_plain_engine(on_card: On, tmp_path: Path) -> None:
    nothing = str(tmp_path)
    wanted = ("--set", "model.dtype=float16")
    told = refused(on_card(*wanted, "--set", "model.engine=unsloth", "--dry-run", path=nothing))
    assert "Unsloth does not run here: Triton finds no C compiler (gcc or clang)." in told
    assert "sudo apt install build-essential" in told
    told = planned(on_card(*wanted, "--set", "train.torch_compile=true", "--dry-run", path=nothing))
    assert "engine transformers: Unsloth does not run here: Triton finds no C compiler" in told
    assert "note trains without torch.compile. Triton finds no C compiler" in told
    assert "attention sdpa, deterministic" in told


def test_without_python_s_headers_unsloth_is_a_sentence_and_auto_the_plain_engine(
    on_card: On, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENLAB_TEST_HEADERS", str(tmp_path))
    wanted = ("--set", "model.dtype=float16", "--dry-run")
    told = refused(on_card(*wanted, "--set", "model.engine=unsloth"))
    assert "Unsloth does not run here: Triton does not find Python.h of Python 3." in told
    assert "sudo apt install python3." in told
    assert "engine transformers: Unsloth does not run here: Triton does not find Python.h" in planned(on_card(*wanted))


@pytest.mark.parametrize("error", ["AttributeError", "OSError"])
def test_an_unsloth_that_breaks_as_it_is_imported_leaves_the_plain_engine(
    on_card: On, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    (tmp_path / "unsloth.py").write_text(f"raise {error}('its torchao is too old')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ['PYTHONPATH']}")
    wanted = ("--set", "model.dtype=float16", "--dry-run")
    assert "engine transformers: Unsloth does not run here: its torchao is too old" in planned(on_card(*wanted))
    if error == "AttributeError":
        told = refused(on_card(*wanted, "--set", "model.engine=unsloth"))
        assert "Unsloth does not run here: its torchao is too old" in told and 'model.engine = "auto"' in told


def test_float32_on_a_gpu_is_the_plain_engine_s(on_card: On) -> None:
    told = planned(on_card("--dry-run"))
    assert "engine transformers: Unsloth trains in 16 bits, and the recipe asks for float32" in told
    told = refused(on_card("--dry-run", "--set", "model.engine=unsloth"))
    assert 'model.dtype = "float32": Unsloth trains in 16 bits on a GPU.' in told


def test_what_other_programs_hold_is_in_the_plan(on_card: On) -> None:
    told = planned(on_card("--dry-run"))
    assert "of 25.8 GB, of which 22.0 GB are free: fits" in told
    told = planned(on_card("--dry-run", free=200))
    assert "of which 0.2 GB are free: will not fit" in told
    assert "note other programs hold 25.6 GB of the card; nvidia-smi lists them" in told


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_row_length_over_the_context_is_refused(on_card: On, dry: list[str]) -> None:
    told = refused(on_card(*dry, "--set", "data.max_length=5000"))
    assert "data.max_length = 5,000" in told and "1,024 tokens at most" in told


def test_bfloat16_on_an_rtx_20_is_refused(on_card: On) -> None:
    told = refused(
        on_card("--dry-run", "--set", "model.dtype=bfloat16", "--set", "model.engine=transformers", card="7.5")
    )
    assert "has no bfloat16" in told


def configured(folder: Path, **config: Any) -> ModelSource:
    (folder / "config.json").write_text(json.dumps(config))
    return ModelSource("Qwen/Some-Model", folder, None)


@pytest.mark.parametrize(
    ("model_type", "said"),
    [
        ("qwen3_moe", "is a mixture of 128 experts: only dense models are trained"),
        ("qwen3_5_moe", "is a mixture of 256 experts"),
        ("qwen3_next", "is a mixture of 512 experts"),
        ("qwen3_omni_moe", "is a mixture of 128 experts"),
        ("qwen3_vl", r"\(qwen3_vl\) cannot be loaded for text alone"),
        ("qwen2_audio", r"\(qwen2_audio\) cannot be loaded for text alone"),
        ("qwen7", "is of no model that transformers .* knows .*qwen7"),
        ("olmo_hybrid", r"has layers of the kind \w+, which are not known here"),
        ("gpt2", "of the type gpt2 is built in another way"),
    ],
)
def test_models_that_are_not_dense_text_are_refused_with_what_to_take_instead(
    tmp_path: Path, model_type: str, said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        check_recipe(Recipe(), CPU, configured(tmp_path, model_type=model_type), machine())
    assert "Qwen/Qwen3.5-4B" in caught.value.hint


@pytest.mark.parametrize("name", ["Qwen2.5-7B", "Qwen3-8B", "Qwen3.5-9B"])
def test_each_dense_family_passes_alone_and_as_the_text_of_a_model_that_sees(tmp_path: Path, name: str) -> None:
    check_recipe(Recipe(), CPU, configured(tmp_path, **PUBLISHED[name]), machine())
    if "3.5" in name:
        seeing = configured(tmp_path, model_type="qwen3_5", text_config=PUBLISHED[name], vision_config={})
        check_recipe(Recipe(), CPU, seeing, machine())
        with pytest.raises(UserError, match="reads 262,144 tokens at most"):
            check_recipe(Recipe().with_values(data={"max_length": 300_000}), CPU, seeing, machine())


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["q_proj", "qkv_proj"], "lora.target_modules names qkv_proj: Qwen/Qwen2.5-7B-Instruct has no such layer"),
        (["q_proj", "lm_head"], "names lm_head: an adapter stands beside the linear layers of the blocks; the output"),
        (["embed_tokens"], "names embed_tokens: .* the embeddings stay as they are"),
        (["in_proj_qkv"], "has no such layer"),
    ],
)
def test_layers_that_take_no_adapter_are_named_with_those_that_do(
    seven: ModelSource, targets: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        check_recipe(Recipe().with_values(lora={"target_modules": targets}), CPU, seven, machine())
    assert "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; all-linear" in caught.value.hint


def test_packing_is_refused_where_a_state_would_run_from_sample_to_sample(tmp_path: Path, seven: ModelSource) -> None:
    recipe = Recipe().with_values(train={"packing": True})
    check_recipe(recipe, CPU, seven, machine())
    with pytest.raises(UserError, match=r"train.packing = true: .* linear attention") as caught:
        check_recipe(recipe, CPU, configured(tmp_path, **PUBLISHED["Qwen3.5-4B"]), machine())
    assert caught.value.hint == "Set train.packing = false."
