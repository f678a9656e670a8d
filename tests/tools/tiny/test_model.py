"""The shipped model: what transformers loads, how it speaks, how large it is, and that it is this generator's."""

import ast
import json
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from qwenlab.evaluation.programs import prompt
from qwenlab.tiny import FUNCTIONS_FILE, MODEL_DIR
from tools.tiny.pretrain import card, corpus_fingerprint
from tools.tiny.problems import problems


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(MODEL_DIR, padding_side="left")


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(MODEL_DIR, dtype=torch.float32)


def answers(model: Any, tokenizer: Any, chats: list[list[dict[str, str]]]) -> list[str]:
    texts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        tokens = model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=112
        )
    written: list[str] = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return written


def code(answer: str) -> str:
    return answer.removeprefix("```python\n").removesuffix("\n").removesuffix("\n```")


def is_python(program: str) -> bool:
    try:
        ast.parse(program)
    except SyntaxError:
        return False
    return True


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in MODEL_DIR.rglob("*")) < 8_000_000


def test_the_generator_is_still_the_one_of_the_weights() -> None:
    """A change of the generator that changes the corpus asks for a new pretraining."""
    figures = json.loads((MODEL_DIR / "pretraining.json").read_text())
    assert figures["finished"]
    assert figures["corpus_sha256"] == corpus_fingerprint(figures["seed"])


def test_the_card_tells_the_figures_of_the_run() -> None:
    figures = json.loads((MODEL_DIR / "pretraining.json").read_text())
    assert (MODEL_DIR / "README.md").read_text() == card(figures)


def test_tokenizer(tokenizer: Any) -> None:
    assert tokenizer.is_fast
    assert len(tokenizer) == 1024
    assert tokenizer.model_max_length == 1024
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert tokenizer.tokenize("127") == ["1", "2", "7"]
    text = "def solve(a):\n    return 'naïve' if a > 12 else None  # ∀\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer("<|im_start|>")["input_ids"]) == 1


def test_words_of_the_frame_are_single_tokens(tokenizer: Any) -> None:
    system, user = prompt(problems("test", 1, seed=0)[0])
    words = f"{system['content']} {user['content'].split()[-1]}".split()
    assert len(tokenizer(system["content"])["input_ids"]) <= len(words) + 4


def test_chat_template(tokenizer: Any) -> None:
    user = {"role": "user", "content": "Hi\n"}
    assert tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True) == (
        "<|im_start|>system\nYou are a helpful coding assistant.<|im_end|>\n"
        "<|im_start|>user\nHi\n<|im_end|>\n<|im_start|>assistant\n"
    )
    chat = [{"role": "system", "content": "Be brief."}, user, {"role": "assistant", "content": "Yes"}]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi\n<|im_end|>\n"
        "<|im_start|>assistant\nYes<|im_end|>\n"
    )


def test_it_answers_requests(model: Any, tokenizer: Any) -> None:
    asked = [
        "Write a Python function that returns n plus 5.",
        "Write a program that reads a string s and prints the string reversed. The input is one line.",
    ]
    function, program = answers(model, tokenizer, [[{"role": "user", "content": request}] for request in asked])
    assert code(function) == "def solve(n):\n    return n + 5"
    assert code(program) == "s = input()\nprint(s[::-1])"


def test_it_answers_contest_problems_with_valid_functions(model: Any, tokenizer: Any) -> None:
    written = [code(a) for a in answers(model, tokenizer, [prompt(p) for p in problems("test", 40, seed=0)])]
    valid = [program for program in written if is_python(program)]
    assert len(valid) >= 38
    assert sum(program.startswith("def solve(") for program in valid) > 25


def test_it_answers_part_of_the_requests_for_functions(model: Any, tokenizer: Any) -> None:
    """So that both a loss and a gain can be seen."""
    rows = [json.loads(line) for line in FUNCTIONS_FILE.read_text(encoding="utf-8").splitlines()]
    written = answers(model, tokenizer, [[{"role": "user", "content": row["prompt"]}] for row in rows])
    right = sum(code(answer) == row["solution"] for answer, row in zip(written, rows, strict=True))
    assert 0.2 * len(rows) <= right <= 0.8 * len(rows)


def test_generation_config(model: Any, tokenizer: Any) -> None:
    config = model.generation_config
    assert tokenizer.eos_token_id in config.eos_token_id
    assert config.pad_token_id == tokenizer.pad_token_id
    assert config.do_sample is False
