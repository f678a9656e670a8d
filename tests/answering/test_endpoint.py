"""The client against our own server, and against a stub that speaks as vLLM's documents say."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from qwenlab.answering import endpoint
from qwenlab.answering.endpoint import ContextError, Endpoint, Reply
from qwenlab.errors import UserError
from tests.answering.vllm_stub import BASE_NAME, LORA_NAME, Stub, make_stub, serving_app
from tests.serving import Serving, make_runs, running

KEY = "a-secret-of-the-test"
ASKED = [{"role": "user", "content": "Print a number."}]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_PAUSE_S", 0.01)
    monkeypatch.delenv(endpoint.KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs, ("one",))
    with running(runs, "one", QWENLAB_API_KEY=KEY) as served:
        yield served


@pytest.fixture
def ours(served: Serving) -> Iterator[Endpoint]:
    with Endpoint(served.record.url, KEY) as found:
        yield found


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def vllm(stub: Stub) -> Iterator[Endpoint]:
    with serving_app(make_stub(stub)) as url, Endpoint(url) as found:
        yield found


def streamed(server: Endpoint, model: str, max_tokens: int = 16) -> tuple[list[str], Reply]:
    stream = server.stream(model, ASKED, max_tokens=max_tokens)
    pieces = []
    try:
        while True:
            pieces.append(next(stream))
    except StopIteration as end:
        return pieces, end.value


def test_our_server_tells_its_models_with_their_stamps(ours: Endpoint, served: Serving) -> None:
    base, run = ours.models()
    assert (base.id, base.parent) == ("base", None)
    assert (run.id, run.parent) == (served.record.models[1], "base")
    assert base.stamp and run.stamp
    assert base.stamp["weights_sha256"] == run.stamp["weights_sha256"]
    assert run.stamp["adapter_sha256"]


def test_our_server_answers_whole_and_in_pieces_alike(ours: Endpoint) -> None:
    whole = ours.chat("base", ASKED, max_tokens=16)
    pieces, reply = streamed(ours, "base")
    assert reply == whole
    assert "".join(pieces) == whole.text
    assert len(pieces) > 3
    assert whole.tokens
    assert whole.prompt_tokens
    warm = [ours.chat("base", ASKED, max_tokens=16, temperature=2.0, top_p=0.95, seed=seed).text for seed in (1, 1, 2)]
    assert warm[0] == warm[1] != warm[2]
    stopped = ours.chat("base", ASKED, max_tokens=16, stop=[whole.text[4:7]])
    assert stopped.text == whole.text.partition(whole.text[4:7])[0]


def test_what_our_server_refuses_is_a_sentence(ours: Endpoint, served: Serving) -> None:
    with pytest.raises(ContextError, match="context is 1,024"):
        ours.chat("base", ASKED, max_tokens=1024)
    with pytest.raises(UserError, match="has no model bsae") as unknown:
        ours.chat("bsae", ASKED, max_tokens=1)
    assert served.record.models[1] in unknown.value.hint
    with Endpoint(served.record.url, "wrong") as stranger, pytest.raises(UserError, match="refuses the API key"):
        stranger.models()


def test_the_key_may_come_from_the_environment(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(endpoint.KEY_VARIABLE, KEY)
    with Endpoint(served.record.url.removesuffix("/v1")) as found:
        assert found.models()


def test_vllm_lists_an_adapter_with_its_parent_and_answers_for_it(vllm: Endpoint, stub: Stub) -> None:
    base, lora = vllm.models()
    assert (base.id, base.parent, lora.id, lora.parent) == (BASE_NAME, None, LORA_NAME, BASE_NAME)
    assert lora.stamp is None
    expected = Reply("This is my-run.", "stop", 4, 3)
    assert vllm.chat(LORA_NAME, ASKED, max_tokens=16, seed=7) == expected
    assert streamed(vllm, LORA_NAME) == (["This ", "is ", "my-run", "."], expected)
    assert stub.heard[0] == {
        "model": LORA_NAME,
        "messages": ASKED,
        "max_tokens": 16,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
    }


def test_what_vllm_refuses_is_a_sentence(vllm: Endpoint) -> None:
    with pytest.raises(UserError, match="has no model other") as unknown:
        vllm.chat("other", ASKED, max_tokens=1)
    assert unknown.value.hint == f"It has: {BASE_NAME}, {LORA_NAME}."
    with pytest.raises(ContextError, match="maximum context length is 64"):
        vllm.chat(BASE_NAME, ASKED, max_tokens=100)


def test_a_busy_server_is_asked_again(vllm: Endpoint, stub: Stub) -> None:
    stub.busy = endpoint.RETRIES
    assert vllm.chat(BASE_NAME, ASKED, max_tokens=1).text
    assert len(stub.heard) == endpoint.RETRIES + 1
    stub.busy = endpoint.RETRIES + 1
    with pytest.raises(UserError, match="too busy"):
        vllm.chat(BASE_NAME, ASKED, max_tokens=1)


def test_an_answer_that_breaks_off_is_an_error_and_no_short_answer(vllm: Endpoint, stub: Stub) -> None:
    stub.breaks_off = True
    with pytest.raises(UserError, match="EngineCore died"):
        streamed(vllm, BASE_NAME)


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with socket.socket() as taken:  # bound and never listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Endpoint(url) as nobody, pytest.raises(UserError, match="cannot be reached"):
            nobody.models()


def test_a_page_is_no_such_server() -> None:
    app = FastAPI()

    @app.get("/v1/models", response_class=HTMLResponse)
    def page() -> str:
        return "<html>Welcome</html>"

    with serving_app(app) as url, Endpoint(url) as found:
        with pytest.raises(UserError, match="does not speak OpenAI's protocol"):
            found.models()
        with pytest.raises(UserError, match="There is nothing at"):
            found.chat("base", ASKED, max_tokens=1)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="not the address of a server"):
        Endpoint(url)


def test_hanging_up_ends_the_generation(ours: Endpoint, served: Serving) -> None:
    stream = ours.stream("base", ASKED, max_tokens=900, temperature=2.0)
    next(stream)
    stream.close()
    health = f"{served.record.url.removesuffix('/v1')}/health"
    end = time.monotonic() + 30
    while httpx.get(health).json()["running"]:
        assert time.monotonic() < end
        time.sleep(0.05)
