"""A real server process on the tiny model, asked by the real openai client."""

import asyncio
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import httpx
import openai
import psutil
import pytest

from qwenlab.api.app import make_app
from qwenlab.inference.batcher import FullError
from qwenlab.inference.load import Stamp
from qwenlab.runs import gpu_lock, gpu_waiting, list_runs
from qwenlab.runs.serving import serving
from tests import routes
from tests.conftest import Verb
from tests.serving import Serving, make_runs, running

KEY = "a-secret-of-the-test"
QUESTIONS = (
    "Read two integers and print their sum.",
    "Read a line and print it backwards.",
    "Print the largest of n numbers.",
    "Hello!",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs)
    with running(runs, "one", "two", "--max-body", "100000", QWENLAB_API_KEY=KEY) as served:
        yield served
    said = served.output.read_text(encoding="utf-8")
    assert KEY not in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def client(served: Serving) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=served.record.url, api_key=KEY, max_retries=0, timeout=120) as client:
        yield client


def ask(client: openai.OpenAI, question: str, model: str = "base", **changes: Any) -> Any:
    values: dict[str, Any] = {"temperature": 0, "max_tokens": 24} | changes
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}], **values)


def text(client: openai.OpenAI, question: str, model: str = "base", **changes: Any) -> str:
    content = ask(client, question, model, **changes).choices[0].message.content
    assert isinstance(content, str)
    return content


def streamed(client: openai.OpenAI, question: str, model: str, **changes: Any) -> tuple[str, str]:
    """The text of all pieces, and how it ended."""
    pieces, ends = [], []
    with ask(client, question, model, stream=True, **changes) as chunks:
        for chunk in chunks:
            pieces.append(chunk.choices[0].delta.content or "")
            ends.append(chunk.choices[0].finish_reason)
    assert all(end is None for end in ends[:-1])
    return "".join(pieces), ends[-1]


def idle(served: Serving) -> bool:
    state = httpx.get(f"{served.record.url.removesuffix('/v1')}/health").json()
    return bool(state == {"status": "ok", "running": 0, "waiting": 0})


def wait_until_idle(served: Serving) -> None:
    end = time.monotonic() + 60
    while not idle(served):
        assert time.monotonic() < end, "it never came to rest"
        time.sleep(0.1)


def test_models_are_the_base_and_the_runs_with_what_made_them(served: Serving, client: openai.OpenAI) -> None:
    rows = [row.model_dump() for row in client.models.list()]
    assert tuple(row["id"] for row in rows) == served.record.models
    base, one, two = (row["x_qwenlab"] for row in rows)
    assert [row["parent"] for row in rows] == [None, "base", "base"]
    assert base["weights_sha256"] == one["weights_sha256"] == two["weights_sha256"]
    assert len({base["adapter_sha256"], one["adapter_sha256"], two["adapter_sha256"]}) == 3
    assert client.models.retrieve(served.record.models[1]).model_dump() == rows[1]


def test_an_answer_has_text_end_and_counts(client: openai.OpenAI) -> None:
    whole = ask(client, QUESTIONS[0], max_tokens=100)
    assert whole.choices[0].finish_reason == "stop"
    assert whole.choices[0].message.content.startswith("```python")
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    short = ask(client, QUESTIONS[0], max_tokens=None, max_completion_tokens=5)
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 5)
    assert short.usage.prompt_tokens == whole.usage.prompt_tokens
    assert short.system_fingerprint == whole.system_fingerprint


def test_the_base_and_each_run_answer_otherwise(served: Serving, client: openai.OpenAI) -> None:
    answers = {name: text(client, QUESTIONS[0], name) for name in served.record.models}
    assert len(set(answers.values())) == 3


def test_a_stream_is_the_same_answer_in_pieces_and_counts_when_asked(client: openai.OpenAI) -> None:
    whole = ask(client, QUESTIONS[1])
    chunks = list(ask(client, QUESTIONS[1], stream=True, stream_options={"include_usage": True}))
    *parts, last = chunks
    assert "".join(chunk.choices[0].delta.content or "" for chunk in parts) == whole.choices[0].message.content
    assert parts[0].choices[0].delta.role == "assistant"
    assert len(parts) > 5
    assert last.choices == []
    assert last.usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_seed_fixes_the_samples_and_n_gives_different_ones(client: openai.OpenAI) -> None:
    warm: dict[str, Any] = {"temperature": 2.0, "top_p": 0.95}
    three = ask(client, QUESTIONS[2], n=3, seed=5, **warm)
    texts = [choice.message.content for choice in three.choices]
    assert len(set(texts)) == 3
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert three.usage.completion_tokens > 24
    assert [text(client, QUESTIONS[2], seed=5 + number, **warm) for number in range(3)] == texts
    assert text(client, QUESTIONS[2], **warm) != text(client, QUESTIONS[2], **warm), "by chance where no seed is given"


def test_stop_texts_end_an_answer(client: openai.OpenAI) -> None:
    whole = text(client, QUESTIONS[0])
    assert text(client, QUESTIONS[0], stop="input") == whole.partition("input")[0]
    assert text(client, QUESTIONS[0], stop=["zzz", "input"]) == whole.partition("input")[0]


def test_messages_may_come_in_parts_and_by_newer_names(client: openai.OpenAI) -> None:
    parts: Any = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    plain: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    answers = [
        client.chat.completions.create(model="base", messages=messages, temperature=0, max_tokens=8, user="me")
        for messages in (parts, plain)
    ]
    assert answers[0].choices[0].message == answers[1].choices[0].message


def test_32_streaming_clients_get_what_each_gets_alone(served: Serving, client: openai.OpenAI) -> None:
    cases = [
        (f"{QUESTIONS[number % 4]} {'Please. ' * (number % 7)}", served.record.models[number % 3], 8 + number // 2)
        for number in range(32)
    ]

    def answer(case: tuple[str, str, int]) -> tuple[str, str]:
        question, model, tokens = case
        return streamed(client, question, model, max_tokens=tokens)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        together = list(pool.map(answer, cases))
    assert together == [answer(case) for case in cases]
    assert len({answer for answer, _ in together}) > 20


@pytest.mark.slow
def test_nothing_is_left_behind_by_many_requests(served: Serving, client: openai.OpenAI) -> None:
    process = psutil.Process(served.process.pid)

    def many(count: int) -> None:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = pool.map(lambda n: text(client, QUESTIONS[n % 4], max_tokens=4, stream=False), range(count))
            assert all(answers)
        wait_until_idle(served)

    many(100)
    threads, memory = process.num_threads(), process.memory_info().rss
    many(500)
    assert process.num_threads() < threads + 16, (
        "workers for as many clients as there are at once, and none for each request"
    )
    assert process.memory_info().rss - memory < 64 * 2**20


def test_a_killed_client_s_generation_stops_and_the_server_goes_on(served: Serving, client: openai.OpenAI) -> None:
    """A process that asks for answers as long as the context, streamed and whole, and is killed in the middle."""
    code = """
import sys, threading, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])
def ask(**changes):
    values = {"model": "base", "messages": [{"role": "user", "content": "x"}], "temperature": 2.0, "n": 4}
    return client.chat.completions.create(**values, **changes)
threading.Thread(target=ask, daemon=True).start()
for chunk in ask(stream=True):
    print(chunk.id, flush=True)
"""
    command = [sys.executable, "-c", code, served.record.url, KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for _ in range(8):
            assert process.stdout.readline()
        process.kill()
    wait_until_idle(served)
    assert text(client, QUESTIONS[3])


REFUSED: list[tuple[dict[str, Any], int, str | None, str]] = [
    ({"model": "bsae"}, 404, "model_not_found", "There are: base"),
    ({"messages": [{"role": "user", "content": "x " * 2000}]}, 400, "context_length_exceeded", "context is 1,024"),
    ({"max_tokens": 1024}, 400, "context_length_exceeded", "context is 1,024"),
    ({"messages": []}, 400, None, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, 400, None, "messages.0.role"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}, 400, None, "messages.0"),
    ({"messages": [{"role": "user", "content": "\ud800"}]}, 400, None, "hex escape"),
    ({"temperature": "hot"}, 400, None, "temperature"),
    ({"temperature": 3}, 400, None, "temperature"),
    ({"top_p": 0}, 400, None, "top_p"),
    ({"stop": "x" * 501}, 400, None, "500 characters"),
    ({"stop": ["x" * 501]}, 400, None, "500 characters"),
    ({"messages": [{}] * 10_000}, 400, None, "messages.0"),
    ({"max_tokens": 0}, 400, None, "max_tokens"),
    ({"n": 1000}, 400, None, "n: "),
    ({"tools": [{"type": "function"}]}, 400, "unsupported_parameter", "tools"),
    ({"logprobs": True}, 400, "unsupported_parameter", "logprobs"),
    ({"response_format": {"type": "json_object"}}, 400, "unsupported_parameter", "response_format"),
    ({"frequency_penalty": 0.5}, 400, "unsupported_parameter", "frequency_penalty"),
    ({"temprature": 0.5}, 400, "unknown_parameter", "temprature"),
    ({"messages": [{"role": "user", "content": "x" * 100_000}]}, 413, "request_too_large", "100,000 bytes"),
]


@pytest.mark.parametrize(("changes", "status", "code", "said"), REFUSED)
def test_what_is_refused_has_its_status_and_openai_s_shape(
    served: Serving, client: openai.OpenAI, changes: dict[str, Any], status: int, code: str | None, said: str
) -> None:
    body = {"model": "base", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1} | changes
    response = post(served, json.dumps(body).encode())
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert said in error["message"]
    assert text(client, QUESTIONS[3], max_tokens=1) is not None


def post(served: Serving, body: bytes, key: str = KEY) -> httpx.Response:
    url = f"{served.record.url}/chat/completions"
    return httpx.post(url, content=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": 1}', b"\xff\xfe", b'{"a":' * 5000])
def test_a_malformed_body_is_refused(served: Serving, body: bytes) -> None:
    response = post(served, body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_key_is_refused_everywhere_but_at_health(served: Serving) -> None:
    with openai.OpenAI(base_url=served.record.url, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            text(stranger, QUESTIONS[3])
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()
    assert refused.value.code == "invalid_api_key"
    assert httpx.get(f"{served.record.url}/models").status_code == 401
    assert idle(served)


def test_an_unknown_path_or_method_is_refused_in_the_same_shape(served: Serving) -> None:
    assert httpx.get(f"{served.record.url}/nothing").json()["error"]["type"] == "invalid_request_error"
    response = httpx.get(f"{served.record.url}/chat/completions")
    assert (response.status_code, set(response.json())) == (405, {"error"})


def test_a_broken_body_and_a_client_that_hangs_up_at_once_do_no_harm(served: Serving, client: openai.OpenAI) -> None:
    address = httpx.URL(served.record.url)
    for said in (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ):
        with socket.create_connection((address.host, address.port or 80)) as connection:
            connection.sendall(said)
    assert text(client, QUESTIONS[3])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_key_is_a_bearer_s(served: Serving, scheme: str) -> None:
    url = f"{served.record.url}/models"
    assert httpx.get(url, headers={"Authorization": f"{scheme} {KEY}"}).status_code == 200
    for given in (KEY, f"Basic {KEY}", f"Bearer{KEY}", "Bearer", f"Bearer {KEY}x", f"Bearer {KEY} x"):
        assert httpx.get(url, headers={"Authorization": given}).status_code == 401, given


def test_it_answers_to_its_own_names_and_no_page_of_others(served: Serving) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        for path in ("/health", "/v1/models", "/v1/chat/completions", "/nothing"):
            answer = httpx.post(f"{served.record.url.removesuffix('/v1')}{path}", headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_row_that_fails_fails_alone(served: Serving, client: openai.OpenAI) -> None:
    """Extreme numbers beside honest requests, which they would share a batch with."""
    extreme = [{"temperature": 1e-320}, {"temperature": 1e-38}, {"top_p": 1e-46}, {"top_p": 5e-324}, {}, {}, {}, {}]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda changes: text(client, QUESTIONS[0], **{"temperature": 0.7} | changes), extreme))
    assert len(texts) == 8


def test_the_routes_of_the_server_and_what_each_needs() -> None:
    app = routes.server(KEY)
    found = routes.routes_of(app)
    assert found == [
        ("GET", "/health"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/x"),
        ("POST", "/v1/chat/completions"),
    ]
    without = {path: routes.asked(app, method, path, {}).status_code for method, path in found}
    assert {path for path, status in without.items() if status != 401} == {"/health"}
    assert routes.asked(app, "GET", "/v1/models/", {}).status_code == 404, "and no way to it by another name"


def test_pages_that_are_let_in_may_ask_and_their_browser_is_told(served: Serving) -> None:
    app = routes.server(None, origins=("https://chat.example",))
    chat = {"Origin": "https://chat.example"}
    may = routes.asked(app, "OPTIONS", "/v1/models", chat | {"Access-Control-Request-Method": "GET"})
    assert may.headers["Access-Control-Allow-Origin"] == "https://chat.example"
    assert routes.asked(app, "GET", "/v1/models", chat).headers["Access-Control-Allow-Origin"] == "https://chat.example"
    other = {"Origin": "https://evil.example"}
    refused = routes.asked(app, "OPTIONS", "/v1/models", other | {"Access-Control-Request-Method": "GET"})
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers


class Slow:
    """A batcher that takes its time to make tokens of a prompt."""

    def __init__(self) -> None:
        stamp = Stamp("tiny", "/tiny", "a", "b", None, None, "float32", "cpu")
        self.loaded = SimpleNamespace(names=["base"], stamp=lambda name: stamp)
        self.running = self.waiting = 0
        self.ready = threading.Event()

    def submit(self, *_: object) -> NoReturn:
        assert self.ready.wait(30)
        raise FullError


def test_a_prompt_that_takes_long_to_read_keeps_no_other_client_waiting() -> None:
    slow: Any = Slow()
    body = {"model": "base", "messages": [{"role": "user", "content": "x"}]}

    async def both() -> tuple[int, int]:
        transport = httpx.ASGITransport(make_app(slow, None, 1000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = asyncio.create_task(client.post("/v1/chat/completions", json=body))
            await asyncio.sleep(0.1)
            health = await asyncio.wait_for(client.get("/health"), 10)
            slow.ready.set()
            return health.status_code, (await asked).status_code

    assert asyncio.run(both()) == (200, 429)


def test_a_run_whose_mode_was_changed_by_hand_is_not_served(tmp_path: Path, verb: Verb) -> None:
    make_runs(tmp_path, ("one",))
    (run,) = list_runs(tmp_path)
    run.data_file.write_text('{"thinking": true}', encoding="utf-8")
    refused = verb("serve", "one", "--port", "0", "--runs", tmp_path)
    assert refused.returncode == 2
    assert "run.json says no thinking mode" in refused.stderr and "thinking on" in refused.stderr


def test_too_many_waiting_are_told_to_come_back(tmp_path: Path) -> None:
    [name] = make_runs(tmp_path, ("one",))
    with (
        running(tmp_path, "one", "--batch-size", "1", "--queue", "2") as served,
        openai.OpenAI(base_url=served.record.url, api_key="any", max_retries=0) as client,
    ):
        assert not served.record.key_required
        with pytest.raises(openai.RateLimitError) as refused:
            text(client, QUESTIONS[0], name, n=3)
        assert refused.value.code == "queue_full"
        assert refused.value.response.headers["Retry-After"] == "1"
        assert len(ask(client, QUESTIONS[0], name, n=2).choices) == 2

        # The turn at the GPU is the server's; with a signal it ends, and leaves nothing.
        assert gpu_waiting(tmp_path) == ["serve"]
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0
    assert serving(tmp_path) is None
    assert gpu_waiting(tmp_path) == []


def test_it_makes_way_for_who_waits_at_the_gpu(tmp_path: Path) -> None:
    make_runs(tmp_path, ("one",))
    with running(tmp_path, "one", "--make-way") as served:
        with gpu_lock(tmp_path, "a-training"):
            assert gpu_waiting(tmp_path) == ["a-training"]
        assert served.process.wait(30) == 0
    assert "stopped" in served.output.read_text(encoding="utf-8")


def test_a_killed_server_is_none(tmp_path: Path) -> None:
    make_runs(tmp_path, ("one",))
    with running(tmp_path, "one") as served:
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait()
        assert serving(tmp_path) is None


def test_what_cannot_be_served_is_a_sentence(tmp_path: Path, verb: Verb) -> None:
    [name] = make_runs(tmp_path / "runs", ("one",))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = verb("serve", name, "--port", taken.getsockname()[1])
    assert result.returncode == 2
    assert "cannot be served on" in result.stderr
    result = verb("serve", name, name, "--port", 0)
    assert "Two models would be called" in result.stderr
    (tmp_path / "runs" / name / "adapter" / "adapter_config.json").unlink()
    result = verb("serve", name, "--port", 0)
    assert "has no adapter yet" in result.stderr
