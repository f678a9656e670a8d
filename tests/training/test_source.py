"""Where the weights are, and what identifies them."""

import shutil
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.training.source import ModelSource, find_model, load_tokenizer


def test_the_hash_tells_other_weights_and_other_configurations(qwen: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(qwen, tmp_path / "copy"))
    source, same = ModelSource("a", qwen, None), ModelSource("b", copy, None)
    assert source.sha256() == same.sha256(), "the name does not matter"
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert source.sha256() != same.sha256()
    shutil.copy(qwen / "model.safetensors", weights)
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert source.sha256() != same.sha256()


def test_the_bundled_model_needs_no_hub() -> None:
    source = find_model(ModelSettings(name="tiny"))
    assert source.config["model_type"] == "qwen2"
    assert load_tokenizer(source).is_fast


def test_a_model_without_a_chat_template_is_told(qwen: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(qwen, tmp_path / "base"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(UserError, match="has no chat template"):
        load_tokenizer(ModelSource("base", folder, None))
