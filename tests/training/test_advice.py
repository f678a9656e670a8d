"""Advice in the plan: the evidence and the `--set`, where there is a reason, and silence where there is none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from qwenlab.data.report import TokenLengths
from qwenlab.recipe import Recipe, parse_recipe
from qwenlab.tiny import MODEL_DIR
from qwenlab.training import advice
from qwenlab.training.advice import about_a_base_model, advise
from qwenlab.training.engine import Engine
from qwenlab.training.source import ModelSource, load_tokenizer
from tests.models.published import PUBLISHED
from tests.training.cards import answers

GPU = Engine("unsloth", "", "cuda", "float16")
QUIET: dict[str, Any] = {"model": {"dtype": "bfloat16"}, "lora": {"target_modules": "all-linear"}}


def tokens(
    learned: int = 1000, truncated: int = 0, share: float = 0.0, beyond: int = 0, longest: int = 0
) -> TokenLengths:
    return TokenLengths(
        min=1, median=1, mean=1, p95=1, max=1, histogram=[], total=1, learned_total=learned, truncated=truncated,
        truncated_share=share, beyond=beyond, percentile_99=longest, nothing_to_learn=[],
    )  # fmt: skip


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    for function, answer in answers("a card", "8.9", 25.8).items():
        monkeypatch.setattr(torch.cuda, function, answer)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(advice, "about_a_base_model", lambda *_: None)


def model(folder: Path, name: str, **others: Any) -> ModelSource:
    (folder / "config.json").write_text(json.dumps(PUBLISHED[name] | {"dtype": "bfloat16"} | others))
    return ModelSource(f"Qwen/{name}", folder, None)


def told_by(recipe: Recipe, engine: Engine, source: ModelSource, lengths: TokenLengths) -> tuple[str, ...]:
    """All but what its tokenizer tells, which has a test of its own."""
    return advise(recipe, engine, source, None, lengths)


def follow(told: str) -> Recipe:
    """A recipe with what the advice says to set, as it is said."""
    return parse_recipe("", [told.partition("--set ")[2].split()[0].rstrip(",")])


@pytest.mark.parametrize("name", ["Qwen2.5-7B", "Qwen3-4B", "Qwen3.5-4B"])
def test_nothing_is_said_where_there_is_nothing_to_say(tmp_path: Path, name: str) -> None:
    recipe = Recipe().with_values(**QUIET)
    assert told_by(recipe, GPU._replace(dtype="bfloat16"), model(tmp_path, name), tokens()) == ()


def test_the_document_s_float16_is_kept_and_its_risk_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe().with_values(lora=QUIET["lora"])
    (told,) = told_by(recipe, GPU, model(tmp_path, "Qwen2.5-7B"), tokens())
    assert told.startswith("float16: the model was trained in bfloat16") and "QwenLM/Qwen3#868" in told
    assert follow(told).model.dtype == "bfloat16" and "which this card has" in told
    (told,) = told_by(recipe, GPU, model(tmp_path, "Qwen3.5-4B"), tokens())
    assert told.startswith("float16: the gradients of linear attention become NaN")

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    (told,) = told_by(recipe, GPU, model(tmp_path, "Qwen2.5-7B"), tokens())
    assert "--set" not in told, "an older card has no bfloat16 to switch to"
    assert told_by(recipe, GPU, model(tmp_path, "Qwen2.5-7B", dtype="float16"), tokens()) == ()
    assert told_by(recipe, Engine("transformers", "", "cpu", "float32"), model(tmp_path, "Qwen2.5-7B"), tokens()) == ()


def test_an_adapter_on_attention_alone_beside_more_tokens_than_it_has_parameters(tmp_path: Path) -> None:
    recipe = Recipe()
    bfloat16 = GPU._replace(dtype="bfloat16")
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen2.5-7B"), tokens(50_000_000))
    assert "on attention alone has 10.1 million parameters beside 50.0 million tokens to learn" in told
    assert "LoRA Without Regret" in told and told.endswith("--set lora.target_modules=all-linear has 40.4 million")
    assert follow(told).lora.target_modules == "all-linear"
    assert told_by(recipe, bfloat16, model(tmp_path, "Qwen2.5-7B"), tokens(10_000_000)) == ()
    with_mlp = Recipe().with_values(lora={"target_modules": ["q_proj", "up_proj"], "r": 1})
    assert told_by(with_mlp, bfloat16, model(tmp_path, "Qwen2.5-7B"), tokens(50_000_000)) == ()
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen3.5-4B"), tokens(50_000_000))
    assert "on attention alone in 8 of 32 blocks has" in told


def test_answers_that_are_cut_and_the_length_that_keeps_them(tmp_path: Path) -> None:
    recipe, bfloat16 = Recipe().with_values(**QUIET), GPU._replace(dtype="bfloat16")
    cut = tokens(9_000, truncated=1200, share=0.12, beyond=1_000, longest=3_500)
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen2.5-7B"), cut)
    assert told.startswith("data.max_length: 1,200 rows (12.0 %) are cut at 2,048 tokens. Up to 10.0 % of all")
    assert follow(told).data.max_length == 3520, "the next multiple of 64"
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen2.5-7B"), cut.model_copy(update={"percentile_99": 40_000}))
    assert told.endswith("to keep 99 % whole takes 40,000, and the model reads 32,768")
    few = tokens(9_000, truncated=1, share=0.005, beyond=10, longest=1_000)
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen2.5-7B"), few)
    assert "--set" not in told, "99 % are whole"


def test_quantising_a_model_of_linear_attention(tmp_path: Path) -> None:
    recipe, bfloat16 = (
        Recipe().with_values(**QUIET).with_values(model={"load_in_4bit": True}),
        GPU._replace(dtype="bfloat16"),
    )
    (told,) = told_by(recipe, bfloat16, model(tmp_path, "Qwen3.5-4B"), tokens())
    assert told.startswith("4 bits: Unsloth does not recommend them") and not follow(told).model.load_in_4bit
    assert told_by(recipe, bfloat16, model(tmp_path, "Qwen3-4B"), tokens()) == ()
    assert told_by(recipe, Engine("transformers", "", "cpu", "float32"), model(tmp_path, "Qwen3.5-4B"), tokens()) == ()


@pytest.mark.parametrize(
    ("name", "generation", "config", "told_ends", "told_set"),
    [
        (
            "Qwen/Qwen2.5-7B",
            {"eos_token_id": 1022},
            1021,
            "<|endoftext|>",
            ": --set model.name=Qwen/Qwen2.5-7B-Instruct",
        ),
        ("Qwen/Qwen3-4B-Base", None, 1022, "<|endoftext|>", ": --set model.name=Qwen/Qwen3-4B"),
        ("/my/folder", {"eos_token_id": [1022]}, 1021, "<|endoftext|>", ""),
        ("Qwen/Qwen2.5-7B-Instruct", {"eos_token_id": [1021, 1022]}, 1022, "", ""),
        ("Qwen/Some", None, None, "", ""),
    ],
)
def test_a_base_model_whose_template_was_never_trained(
    tmp_path: Path, name: str, generation: dict[str, Any] | None, config: int | None, told_ends: str, told_set: str
) -> None:
    """In each way in which Qwen's base models say where they end by themselves."""
    folder = shutil.copytree(MODEL_DIR, tmp_path / "base")
    settings = json.loads((folder / "config.json").read_text()) | {"eos_token_id": config}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "generation_config.json").unlink()
    if generation:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    source = ModelSource(name, folder, None)
    told = about_a_base_model(source, load_tokenizer(source))
    assert (told is None) == (not told_ends)
    if told:
        assert f"by itself it ends at {told_ends}, its chat template at <|im_end|>" in told
        assert told.endswith(f"The instruct model knows the template{told_set}")
