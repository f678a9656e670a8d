"""The API in front of a model that thinks: its mode, reasoning in a field of its own, and what clients send back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from qwenlab.answering.answerer import Ask, Listener, Sampling
from qwenlab.answering.remote import remote_answerer
from qwenlab.api.app import make_app
from qwenlab.inference.batcher import Batcher
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import read_recipe
from qwenlab.training.engine import Engine
from tests.answering.vllm_stub import serving_app
from tests.models.random_rows import TINY
from tests.models.scripted import QWEN3, script

USER = {"role": "user", "content": "7 * 8?"}
THOUGHT = "7 * 7 is 49, and 7 more."
ANSWER = "56, of course"
THINKING = f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"


@pytest.fixture(scope="module")
def loaded(qwen: Path, engine: Engine) -> Inference:
    """Thinks and answers where it may, else says the prompt's last turn."""
    recipe = read_recipe(TINY).with_values(model={"name": str(qwen), "engine": "transformers"})
    found = load_inference(recipe.model, engine, {})
    found.tokenizer.chat_template = QWEN3
    script(found, lambda prompt: "directly" if prompt.endswith("</think>\n\n") else THINKING)
    return found


@pytest.fixture(scope="module")
def url(loaded: Inference) -> Iterator[str]:
    app = make_app(Batcher(loaded), None, 100_000, {"base": False}, origins=["https://chat.example"])
    with serving_app(app) as found:
        yield found


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="any", max_retries=0, timeout=60) as found:
        yield found


def ask(client: openai.OpenAI, thinking: bool | None = None, **changes: Any) -> Any:
    extra = {} if thinking is None else {"extra_body": {"chat_template_kwargs": {"enable_thinking": thinking}}}
    values: dict[str, Any] = {"temperature": 0, "messages": [USER]} | extra | changes
    return client.chat.completions.create(model="base", **values)


def test_it_is_asked_in_its_own_mode_unless_the_request_names_one(client: openai.OpenAI) -> None:
    [model] = client.models.list()
    assert model.model_dump()["x_qwenlab"]["thinking"] is False
    for thinking in (None, False):
        message = ask(client, thinking).choices[0].message
        assert (message.content, message.reasoning_content) == ("directly", None)
    message = ask(client, True).choices[0].message
    assert (message.content, message.reasoning_content) == (ANSWER, THOUGHT)


def test_usage_counts_reasoning_and_answer(client: openai.OpenAI) -> None:
    usage = ask(client, True).usage
    assert usage.completion_tokens == len(THINKING) + 1, "a token a byte, and the end"
    assert usage.completion_tokens_details.reasoning_tokens == THINKING.index("\n\n56")


def test_a_stream_tells_reasoning_before_the_answer_and_apart(client: openai.OpenAI) -> None:
    deltas = [chunk.choices[0].delta.model_dump() for chunk in ask(client, True, stream=True)]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == THOUGHT
    assert "".join(delta.get("content") or "" for delta in deltas) == ANSWER
    assert sum("reasoning_content" in delta for delta in deltas) > 5


def test_max_tokens_bounds_reasoning_and_answer_together(client: openai.OpenAI) -> None:
    inside = ask(client, True, max_tokens=20)
    assert (inside.choices[0].finish_reason, inside.usage.completion_tokens) == ("length", 20)
    assert inside.choices[0].message.content == ""
    assert inside.choices[0].message.reasoning_content == THOUGHT[: 20 - len("<think>\n")]
    after = ask(client, True, max_tokens=len(THINKING) - 1)
    assert (after.choices[0].finish_reason, after.choices[0].message.content) == ("length", ANSWER[:-1])


def test_asked_by_our_own_client_each_has_its_budget(url: str) -> None:
    with remote_answerer(url) as server:
        small = Sampling(max_new_tokens=50, max_thinking_tokens=10)
        for listener in (None, Listener()):
            [cut] = server.answer([Ask([USER], small, thinking=True)], listener)
            assert (cut.finish, cut.tokens, cut.reasoning) == ("thinking", 10, "7")
            room = Sampling(max_new_tokens=9, max_thinking_tokens=100)
            [cut] = server.answer([Ask([USER], room, thinking=True)], listener)
            assert (cut.finish, cut.text, cut.reasoning_tokens) == ("length", ANSWER[:7], THINKING.index("\n\n56"))


HISTORY: list[dict[str, Any]] = [
    {"role": "assistant", "content": "56", "reasoning_content": THOUGHT},
    {"role": "assistant", "content": "56", "reasoning": THOUGHT, "refusal": None, "annotations": []},
    {"role": "assistant", "content": "56", "tool_calls": []},
    {"role": "assistant", "content": "56", "tool_calls": None, "function_call": None},
    {"role": "assistant", "content": None},
    {"role": "assistant"},
    {"role": "assistant", "content": [{"type": "text", "text": "5"}, {"type": "text", "text": "6"}]},
]


@pytest.mark.parametrize("turn", HISTORY)
def test_what_servers_answer_may_be_sent_back(client: openai.OpenAI, turn: dict[str, Any]) -> None:
    assert ask(client, messages=[USER, turn, USER]).choices[0].message.content == "directly"


def test_our_own_answer_may_be_sent_back_as_it_came(client: openai.OpenAI) -> None:
    message = ask(client, True).choices[0].message.model_dump()
    assert ask(client, messages=[USER, message, USER]).choices[0].message.content == "directly"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": [{"role": "user", "content": None}]}, "messages.0.content: Input should be a valid string."),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "messages.0: pictures are not read, text alone is.",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages.0: parts of type input_audio are not read, text alone is.",
    ),
    (
        {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
        "messages.1: tool calls are not supported.",
    ),
    ({"chat_template_kwargs": {"enable_thinking": "yes"}}, "chat_template_kwargs.enable_thinking: Input should be a"),
    ({"chat_template_kwargs": {"preserve_thinking": True}}, "chat_template_kwargs.preserve_thinking: Extra inputs"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_what_cannot_be_read_is_named(url: str, changes: dict[str, Any], said: str) -> None:
    body = {"model": "base", "messages": [USER], "max_tokens": 1} | changes
    response = httpx.post(f"{url}/chat/completions", content=json.dumps(body), timeout=60)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(said)


def test_a_page_of_an_origin_that_was_named_may_ask(url: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    named = httpx.options(f"{url}/chat/completions", headers=asked | {"Origin": "https://chat.example"})
    assert named.status_code == 200
    assert named.headers["Access-Control-Allow-Origin"] == "https://chat.example"
    other = httpx.options(f"{url}/chat/completions", headers=asked | {"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
