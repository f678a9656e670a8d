"""A model's folder is a stranger's: its code is not run, its pickles are not read, its template comes to an end."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from qwenlab.data import chat_template
from qwenlab.data.chat_template import prompt_text
from qwenlab.errors import UserError
from qwenlab.inference.load import load_inference
from qwenlab.recipe import ModelSettings, Recipe
from qwenlab.training import template_trial
from qwenlab.training.engine import Engine
from qwenlab.training.load import load, load_base
from qwenlab.training.source import find_model, load_tokenizer
from qwenlab.training.template_trial import check_template
from tests.models.adapters import random_adapter

CPU = Engine("transformers", "test", "cpu", "float32")
LOOP = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3


@pytest.fixture
def model(qwen: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(qwen, tmp_path / "model"))


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


class Touch:
    """Makes a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


def refusal(folder: Path) -> str:
    """Why the model cannot be used."""
    with pytest.raises(UserError) as caught:
        source = find_model(ModelSettings(name=str(folder)))
        load_tokenizer(source)
        load_base(ModelSettings(name=str(folder)), CPU, source)
    assert caught.value.hint
    return caught.value.message


def test_code_of_a_model_is_refused_and_nobody_is_asked(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it was asked"))
    ran = model.parent / "ran"
    (model / "mine.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    change(model / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config"})
    assert "it brings code of its own, which is not run" in refusal(model)
    assert not ran.exists()


def test_code_of_a_tokenizer_is_not_run(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it was asked"))
    ran = model.parent / "ran"
    (model / "mine.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    auto_map = {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}
    change(model / "tokenizer_config.json", tokenizer_class="Mine", auto_map=auto_map)
    try:
        load_tokenizer(find_model(ModelSettings(name=str(model))))
    except UserError as error:
        assert "its tokenizer cannot be loaded" in error.message
    assert not ran.exists()


def test_pickled_weights_are_not_read(model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(model.parent / "ran")))
    assert "no weights as .safetensors" in refusal(model)
    assert not (model.parent / "ran").exists()


@pytest.mark.parametrize("part", ["pytorch_model.bin", "../other.safetensors", "absent.safetensors"])
def test_an_index_names_safetensors_of_the_folder_alone(model: Path, part: str) -> None:
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(model.parent / "ran")))
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": part}}))
    assert part in refusal(model)


def test_a_pickled_adapter_is_not_read(qwen: Path, tmp_path: Path) -> None:
    recipe = Recipe().with_values(model={"name": str(qwen), "dtype": "float32"})
    adapter = tmp_path / "adapter"
    random_adapter(recipe, CPU, seed=1).save_adapter(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    with pytest.raises(UserError, match=r"has no adapter_model\.safetensors"):
        load_inference(recipe.model, CPU, {"tuned": adapter})
    with pytest.raises(UserError, match=r"has no adapter_model\.safetensors"):
        load(recipe.with_values(lora={"start_from": str(adapter)}), CPU)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_adapter_is_a_sentence(qwen: Path, tmp_path: Path, content: bytes) -> None:
    recipe = Recipe().with_values(model={"name": str(qwen), "dtype": "float32"})
    adapter = tmp_path / "adapter"
    random_adapter(recipe, CPU, seed=1).save_adapter(adapter)
    (adapter / "adapter_model.safetensors").write_bytes(content)
    with pytest.raises(UserError):
        load_inference(recipe.model, CPU, {"tuned": adapter})
    (adapter / "adapter_config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"adapter_config\.json in .* cannot be read"):
        load_inference(recipe.model, CPU, {"tuned": adapter})


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", b"[" * 100_000, "its config.json cannot be read"),
        ("config.json", b"[]", "its config.json is no object"),
        ("generation_config.json", b'{"eos', "its generation_config.json cannot be read"),
        ("tokenizer.json", b'{"version": "1.0"', "its tokenizer cannot be loaded"),
        ("tokenizer_config.json", b"[" * 100_000, "its tokenizer cannot be loaded"),
        ("model.safetensors", b"<html>", "are damaged or cut short"),
    ],
)
def test_a_file_that_is_damaged_is_a_sentence(model: Path, file: str, content: bytes, said: str) -> None:
    (model / file).write_bytes(content)
    if file == "generation_config.json":
        with pytest.raises(UserError, match=said):
            load_inference(ModelSettings(name=str(model)), CPU, {})
    else:
        assert said in refusal(model)


@pytest.mark.parametrize("value", [0, -1, 10**9, 10**400, 1.5, "12", True])
def test_a_size_that_no_model_has_is_a_sentence(model: Path, value: Any) -> None:
    change(model / "config.json", num_hidden_layers=value)
    assert "says num_hidden_layers = " in refusal(model)


def test_weights_of_other_shapes_are_a_sentence(model: Path) -> None:
    change(model / "config.json", intermediate_size=96)
    assert "have other shapes than its config.json says" in refusal(model)


@pytest.mark.parametrize("template", [LOOP, "{{ 'x' * 10**10 }}", "{{ 'x' * 10**8 }}"])
def test_a_template_that_loops_or_explodes_is_refused_before_it_runs_here(
    model: Path, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_trial, "CACHE", tmp_path / "cache")
    (model / "chat_template.jinja").write_text(template)
    assert "does not come to an end, or takes more than 1 GB" in refusal(model)
    assert not (tmp_path / "cache").exists()


def test_a_template_is_tried_once_on_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_trial, "CACHE", tmp_path)
    monkeypatch.setattr(template_trial, "_sound", set())
    template = "{% for message in messages %}{{ message.content }}{% endfor %} once"
    check_template("a", template)
    monkeypatch.setattr(template_trial, "_sound", set())
    monkeypatch.setattr(template_trial, "_comes_to_an_end", lambda _: pytest.fail("it was tried again"))
    check_template("a", template)


def test_a_template_that_loops_for_one_conversation_is_ended(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "RENDERING_S", 0.2)
    tokenizer = load_tokenizer(find_model(ModelSettings(name=str(qwen))))
    tokenizer.chat_template = f"{{% if 'zebra' in messages[0].content %}}{LOOP}{{% endif %}}fine"
    assert prompt_text([{"role": "user", "content": "a horse"}], tokenizer, None) == "fine"
    with pytest.raises(UserError, match="takes more than"):
        prompt_text([{"role": "user", "content": "a zebra"}], tokenizer, None)


@pytest.mark.parametrize(
    "template",
    ["{{ 1 / 0 }}", "{{ 'a' + 1 }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ ''.__class__.a }}"],
)
def test_whatever_a_template_raises_is_its_own(qwen: Path, template: str) -> None:
    tokenizer = load_tokenizer(find_model(ModelSettings(name=str(qwen))))
    tokenizer.chat_template = template
    with pytest.raises(UserError, match="chat template refuses this conversation"):
        prompt_text([{"role": "user", "content": "Who?"}], tokenizer, None)
