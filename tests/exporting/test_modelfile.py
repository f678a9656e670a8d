"""Ollama's Modelfile says what the tokenizer's template writes, or is refused."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.exporting.modelfile import chat_form, modelfile
from qwenlab.recipe import ModelSettings
from qwenlab.training.source import find_model, load_tokenizer

TINY = ModelSettings(name="tiny")


def read_as_ollama(text: str, messages: list[dict[str, str]]) -> str:
    """The prompt that Ollama makes: its SYSTEM before a conversation without one, its TEMPLATE over all messages."""
    found = re.search(r'TEMPLATE """\{\{ range \.Messages \}\}(.*)\{\{ end \}\}(.*?)"""', text, re.DOTALL)
    system = re.search(r'SYSTEM """(.*?)"""', text, re.DOTALL)
    assert found
    if system and messages[0]["role"] != "system":
        messages = [{"role": "system", "content": system[1]}, *messages]
    turns = [found[1].replace("{{ .Role }}", one["role"]).replace("{{ .Content }}", one["content"]) for one in messages]
    return "".join(turns) + found[2]


@pytest.mark.parametrize("roles", ["u", "su", "uau", "suauau"])
def test_it_writes_the_prompts_of_the_tokenizer(roles: str) -> None:
    names = {"s": "system", "u": "user", "a": "assistant"}
    messages = [{"role": names[role], "content": f"{role}{at}\n"} for at, role in enumerate(roles)]
    tokenizer = load_tokenizer(find_model(TINY))
    wanted = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert read_as_ollama(modelfile(TINY, "model.gguf"), messages) == wanted


def test_the_whole_file() -> None:
    assert modelfile(TINY, "model.gguf") == (
        "FROM ./model.gguf\n"
        'TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}\n'
        "{{ .Content }}<|im_end|>\n"
        "{{ end }}<|im_start|>assistant\n"
        '"""\n'
        'SYSTEM """You are a helpful coding assistant."""\n'
        'PARAMETER stop "<|im_end|>"\n'
        'PARAMETER stop "<|endoftext|>"\n'
    )


@pytest.mark.parametrize(
    ("name", "system"),
    [("qwen2_5", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."), ("qwen3", None)],
)
def test_qwen_s_own_templates(name: str, system: str | None) -> None:
    tokenizer = load_tokenizer(find_model(TINY))
    tokenizer.chat_template = files("trl").joinpath("chat_templates", f"{name}.jinja").read_text(encoding="utf-8")
    assert chat_form(tokenizer) == ("<|im_start|>", "\n", "<|im_end|>\n", "<|im_start|>assistant\n", system)


def test_a_random_qwen_without_a_system_message(qwen: Path) -> None:
    assert "SYSTEM" not in modelfile(ModelSettings(name=str(qwen)), "model.gguf")


def test_a_template_that_does_more_is_refused() -> None:
    tokenizer = load_tokenizer(find_model(TINY))
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "message.content", "message.content + loop.index | string"
    )
    with pytest.raises(UserError, match="a Modelfile cannot say it"):
        chat_form(tokenizer)


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think", "qwen3_6"])
def test_qwens_that_think_are_asked_in_the_run_s_mode(name: str) -> None:
    tokenizer = load_tokenizer(find_model(TINY))
    tokenizer.chat_template = files("trl").joinpath("chat_templates", f"{name}.jinja").read_text(encoding="utf-8")
    assert chat_form(tokenizer, thinking=False).opening == "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert chat_form(tokenizer, thinking=True).opening.endswith(("assistant\n", "<think>\n"))
