"""An answer ends where training teaches it to, whatever the base model's own settings say."""

import json
import shutil
from pathlib import Path

import pytest

from qwenlab.answering.answerer import Ask, Sampling
from qwenlab.exporting.merge import merge
from qwenlab.exporting.modelfile import modelfile
from qwenlab.inference.generate import generate
from qwenlab.inference.load import load_inference
from qwenlab.recipe import ModelSettings, Recipe
from qwenlab.tiny import MODEL_DIR
from qwenlab.training.engine import Engine
from qwenlab.training.source import find_model, load_tokenizer
from qwenlab.training.turn_ends import end_tokens
from tests.models.adapters import random_adapter

TEXT_END, TURN_END = "<|endoftext|>", "<|im_end|>"


@pytest.fixture(params=["a number", "a list", "in config.json alone"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> ModelSettings:
    """The bundled model with the end-token settings of a Qwen base model: each ends a text, and none a turn."""
    folder = shutil.copytree(MODEL_DIR, tmp_path / "base")
    tokenizer = load_tokenizer(find_model(ModelSettings(name="tiny")))
    end = tokenizer.convert_tokens_to_ids(TEXT_END)
    settings = {"a number": {"eos_token_id": end}, "a list": {"eos_token_id": [end]}}.get(request.param)
    config = json.loads((folder / "config.json").read_text()) | {"eos_token_id": end}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").unlink(missing_ok=True)
    if settings:
        (folder / "generation_config.json").write_text(json.dumps(settings))
    tokenizer.eos_token = TEXT_END
    tokenizer.save_pretrained(folder)
    return ModelSettings(name=str(folder), engine="transformers")


def test_the_turn_s_end_comes_first(base: ModelSettings) -> None:
    source = find_model(base)
    tokenizer = load_tokenizer(source)
    assert tokenizer.convert_ids_to_tokens(end_tokens(source, tokenizer)) == [TURN_END, TEXT_END]


def test_generation_stops_there(base: ModelSettings, engine: Engine) -> None:
    loaded = load_inference(base, engine, {})
    asked = Ask([{"role": "user", "content": "Write a program that prints 1."}], Sampling(400))
    (answer,) = generate(loaded, [asked])
    assert answer.finish == "stop"
    assert TURN_END not in answer.text


def test_exports_stop_there(base: ModelSettings, engine: Engine, recipe: Recipe, tmp_path: Path) -> None:
    random_adapter(recipe.with_values(model=base.model_dump()), engine, seed=1).save_adapter(tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged", "float16")
    tokenizer = load_tokenizer(find_model(ModelSettings(name=str(tmp_path / "merged"))))
    assert tokenizer.eos_token == TURN_END
    for name in ("generation_config.json", "config.json"):
        ends = json.loads((tmp_path / "merged" / name).read_text())["eos_token_id"]
        assert tokenizer.convert_ids_to_tokens(ends) == [TURN_END, TEXT_END]
    assert f'PARAMETER stop "{TURN_END}"' in modelfile(base, "model.gguf")
