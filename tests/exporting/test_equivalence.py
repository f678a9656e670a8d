"""Exports are held against the adapter's own answers, and a parting is told with its place and its margin.

llama.cpp is not here: a stand-in for its server answers from a list, so only the comparing is real.
"""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from qwenlab.errors import UserError
from qwenlab.exporting import equivalence
from qwenlab.exporting.equivalence import Reference, answer_greedily, choose_prompts
from qwenlab.exporting.merge import merge
from qwenlab.inference.load import load_inference
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training.engine import Engine
from qwenlab.training.source import find_model, load_tokenizer
from tests.exporting.stand_ins import stand_in_server
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY


@pytest.fixture(scope="module")
def tiny() -> Recipe:
    return read_recipe(TINY).with_values(data={"max_samples": 100})


@pytest.fixture(scope="module")
def adapter(tiny: Recipe, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small enough that the answers stay sensible."""
    folder = tmp_path_factory.mktemp("adapter") / "adapter"
    random_adapter(tiny, engine, seed=1, strength=0.02).save_adapter(folder)
    return folder


@pytest.fixture(scope="module")
def reference(tiny: Recipe, engine: Engine, adapter: Path) -> Reference:
    return Reference(tiny, tiny.model, engine, adapter)


@pytest.fixture(scope="module")
def merged(tiny: Recipe, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("merged") / "merged"
    merge(tiny.model, adapter, folder, "float16")
    return folder


def test_prompts_are_held_out_rows_and_then_the_contest_s(reference: Reference) -> None:
    assert len(reference.prompts.conversations) == 20
    assert reference.prompts.origin == "5 held-out rows and 15 problems of the mini contest"
    assert all(messages[-1]["role"] == "user" for messages in reference.prompts.conversations)


def test_a_check_that_runs_out_of_memory_is_a_sentence(
    tiny: Recipe, engine: Engine, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_inference(tiny.model, engine, {"run": adapter})

    def generate(**_: object) -> None:
        raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")

    monkeypatch.setattr(loaded.model, "generate", generate)
    with pytest.raises(UserError, match="too small to check the export with 1 prompts") as caught:
        answer_greedily(loaded, "run", [[{"role": "user", "content": "Add."}]])
    assert "nvidia-smi" in caught.value.hint


def test_without_the_data_the_contest_asks(tiny: Recipe) -> None:
    source = find_model(tiny.model)
    gone = tiny.with_values(data={"source": "/nowhere/data.jsonl"})
    prompts = choose_prompts(gone, load_tokenizer(source), 1024)
    assert len(prompts.conversations) == 20 and prompts.origin.startswith("20 problems of the mini contest (")


def test_prompts_without_room_for_an_answer_are_passed_over(tiny: Recipe) -> None:
    tokenizer = load_tokenizer(find_model(tiny.model))
    assert choose_prompts(tiny, tokenizer, 100).origin == "20 problems of the mini contest"


def test_a_merged_model_answers_as_the_adapter(reference: Reference, merged: Path) -> None:
    assert "equal the adapter's on 20 prompts" in reference.check_merged(merged)


def test_the_base_is_not_taken_for_the_adapter(reference: Reference) -> None:
    with pytest.raises(UserError, match=r"\d+ of 20 greedy answers are not the adapter's"):
        reference.check_merged(find_model(reference._settings).folder)


def test_a_changed_weight_parts_and_is_told_where(reference: Reference, merged: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(merged, tmp_path / "changed")
    weights = load_file(changed / "model.safetensors")
    weights["model.layers.3.mlp.down_proj.weight"][:, ::2] = 0
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"part at token \d+: .* logits ahead of the next, not a near tie"):
        reference.check_merged(changed)


def test_near_ties_are_accepted_and_told(reference: Reference, merged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding swaps some in most models of real language: a refusal for that would be one for nothing."""
    base = find_model(reference._settings).folder
    monkeypatch.setattr(equivalence, "NEAR_TIE", 1000.0)  # every parting is one
    told = reference.check_merged(base)
    assert "The rest part at a near tie" in told and "equal the adapter's on" in told


@pytest.fixture
def canned(reference: Reference) -> dict[str, dict[str, str]]:
    """What the stand-in server answers: by default, what is right."""
    prompts = {
        messages[-1]["content"]: reference._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )
        for messages in reference.prompts.conversations
    }
    answers = [answer.text for answer in reference.answers]
    return {"prompts": prompts, "answers": dict(zip(prompts.values(), answers, strict=True))}


def gguf_check(reference: Reference, canned: dict[str, dict[str, str]], folder: Path) -> str:
    server = stand_in_server(folder)
    (folder / "canned.json").write_text(json.dumps(canned), encoding="utf-8")
    return reference.check_gguf(folder / "model.gguf", str(server))


def test_a_gguf_file_is_checked_by_the_server(
    reference: Reference, canned: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    assert "equal the adapter's on 20 prompts" in gguf_check(reference, canned, tmp_path)


def test_a_gguf_file_that_answers_otherwise_fails(
    reference: Reference, canned: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    prompt, answer = next(iter(canned["answers"].items()))
    canned["answers"][prompt] = answer[:10] + "otherwise"
    with pytest.raises(UserError, match=r"1 of 20 .*\n.* part at token .*the exported model with '.*otherwise'"):
        gguf_check(reference, canned, tmp_path)


def test_a_gguf_file_that_goes_on_after_the_end_fails(
    reference: Reference, canned: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    prompt, answer = next(iter(canned["answers"].items()))
    canned["answers"][prompt] = answer + " and on"
    with pytest.raises(UserError, match="the exported model with ' and on'"):
        gguf_check(reference, canned, tmp_path)


def test_another_chat_template_in_the_file_fails(
    reference: Reference, canned: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    canned["prompts"] = dict.fromkeys(canned["prompts"], "[INST]")
    with pytest.raises(UserError, match="The chat template in the GGUF file"):
        gguf_check(reference, canned, tmp_path)
