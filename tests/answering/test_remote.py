"""A server as one that answers: our own, and a stub that speaks as vLLM's documents say."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from qwenlab.answering.answerer import NO_ROOM, Answer, Ask, ContextError, Listener, Sampling
from qwenlab.answering.remote import KEY_VARIABLE, RETRIES, RemoteAnswerer, remote_answerer
from qwenlab.errors import UserError
from tests.answering.vllm_stub import BASE_NAME, LORA_NAME, Stub, make_stub, serving_app
from tests.serving import Serving, make_runs, running

KEY = "a-secret-of-the-test"
ASKED = [{"role": "user", "content": "Print a number."}]
SHORT = Sampling(16)


@pytest.fixture(autouse=True)
def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs, ("one",))
    with running(runs, "one", QWENLAB_API_KEY=KEY) as served:
        yield served


@pytest.fixture
def ours(served: Serving) -> Iterator[RemoteAnswerer]:
    with remote_answerer(served.record.url, key=KEY) as found:
        yield found


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def vllm(stub: Stub) -> Iterator[RemoteAnswerer]:
    with serving_app(make_stub(stub)) as url, remote_answerer(url) as found:
        yield found


class Heard(Listener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.thought: list[str] = []
        self.ended: dict[int, Answer] = {}
        self.faults: dict[int, Exception] = {}
        self.left = False
        self.begun = threading.Event()

    def text(self, row: int, piece: str) -> None:
        self.pieces.append(piece)
        self.begun.set()

    def reasoning(self, row: int, piece: str) -> None:
        self.thought.append(piece)

    def done(self, row: int, answer: Answer) -> None:
        self.ended[row] = answer

    def failed(self, row: int, error: Exception) -> None:
        self.faults[row] = error

    def gone(self, row: int) -> bool:
        return self.left


def test_our_server_tells_its_models_with_their_stamps(ours: RemoteAnswerer, served: Serving) -> None:
    assert tuple(ours.names) == served.record.models
    assert [model.parent for model in ours.models.values()] == [None, "base"]
    base, run = map(ours.stamp, ours.names)
    assert base["weights_sha256"] == run["weights_sha256"]
    assert run["adapter_sha256"]


def test_our_server_answers_whole_and_in_pieces_alike(ours: RemoteAnswerer) -> None:
    [whole] = ours.answer([Ask(ASKED, SHORT)])
    heard = Heard()
    assert ours.answer([Ask(ASKED, SHORT)], heard) == [whole]
    assert heard.ended == {0: whole}
    assert "".join(heard.pieces) == whole.text
    assert len(heard.pieces) > 3
    assert whole.tokens
    assert whole.prompt_tokens
    warm = ours.answer([Ask(ASKED, Sampling(16, 2.0, 0.95, seed)) for seed in (1, 1, 2)])
    assert warm[0] == warm[1] != warm[2]
    [stopped] = ours.answer([Ask(ASKED, SHORT._replace(stop=(whole.text[4:7],)))])
    assert stopped.text == whole.text.partition(whole.text[4:7])[0]


def test_rows_are_answered_in_their_order_by_the_models_they_name(ours: RemoteAnswerer) -> None:
    asks = [Ask(ASKED, Sampling(tokens), model) for tokens in (3, 12) for model in ours.names]
    assert ours.answer(asks) == [ours.answer([ask])[0] for ask in asks]
    assert ours.answer([]) == []


def test_what_our_server_refuses_is_a_sentence(ours: RemoteAnswerer, served: Serving) -> None:
    with pytest.raises(ContextError, match="context is 1,024"):
        ours.answer([Ask(ASKED, Sampling(1024))])
    with (
        pytest.raises(UserError, match="has no model bsae") as unknown,
        remote_answerer(served.record.url, {"base": ["bsae"]}, KEY),
    ):
        pass
    assert served.record.models[1] in unknown.value.hint
    with pytest.raises(UserError, match="refuses the API key"), remote_answerer(served.record.url, key="wrong"):
        pass


def test_an_answer_that_may_be_shortened_takes_the_room_that_there_is(ours: RemoteAnswerer) -> None:
    full = [{"role": "user", "content": "x " * 1024}]
    asks = [Ask(full, SHORT, shorten=True), Ask(ASKED, Sampling(1024), shorten=True), Ask(ASKED, Sampling(900))]
    none, shortened, whole = ours.answer(asks)
    assert none == NO_ROOM
    assert shortened == whole, "it came to its end before that of the context"


def test_where_a_server_s_context_is_small_no_limit_of_ours_is_asked_for(vllm: RemoteAnswerer, stub: Stub) -> None:
    asks = [Ask(ASKED, Sampling(100), BASE_NAME, shorten=True)]
    assert vllm.answer(asks)[0].text == f"This is {BASE_NAME}."
    assert [body.get("max_tokens") for body in stub.heard] == [100, None]
    full = [{"role": "user", "content": "x " * 64}]
    assert vllm.answer([Ask(full, Sampling(1), BASE_NAME, shorten=True)], Heard()) == [NO_ROOM]


def test_the_first_row_that_fails_ends_all(ours: RemoteAnswerer, served: Serving) -> None:
    heard = Heard()
    with pytest.raises(ContextError):
        ours.answer([Ask(ASKED, Sampling(900, 2.0)), Ask(ASKED, Sampling(1024))], heard)
    assert list(heard.faults) == [1]
    assert heard.ended[0].finish == "cancelled"


def test_the_key_may_come_from_the_environment(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with remote_answerer(served.record.url.removesuffix("/v1")) as found:
        assert found.names


def test_vllm_lists_an_adapter_with_its_parent_and_answers_for_it(vllm: RemoteAnswerer, stub: Stub) -> None:
    assert list(vllm.names) == [BASE_NAME, LORA_NAME]
    assert [model.parent for model in vllm.models.values()] == [None, BASE_NAME]
    assert vllm.stamp(LORA_NAME) == {"model": LORA_NAME, "endpoint": vllm.url}
    expected, heard = Answer("This is my-run.", "stop", 4, 3), Heard()
    assert vllm.answer([Ask(ASKED, SHORT._replace(seed=7), LORA_NAME)]) == [expected]
    assert vllm.answer([Ask(ASKED, SHORT, LORA_NAME)], heard) == [expected]
    assert heard.pieces == ["This ", "is ", "my-run", "."]
    assert stub.heard[0] == {
        "model": LORA_NAME,
        "messages": ASKED,
        "max_tokens": 16,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "stream": False,
    }


def test_models_are_found_by_the_first_of_the_names_that_they_may_have(stub: Stub) -> None:
    with serving_app(make_stub(stub)) as url:
        with remote_answerer(url, {"base": ["base", BASE_NAME], "tuned": [LORA_NAME, "adapter"]}) as found:
            assert list(found.names) == ["base", "tuned"]
            assert [answer.text for answer in found.answer([Ask(ASKED, SHORT, name) for name in found.names])] == [
                f"This is {BASE_NAME}.",
                "This is my-run.",
            ]
        with (
            pytest.raises(UserError, match="has no model other or another") as unknown,
            remote_answerer(url, {"tuned": ["other", "another"]}),
        ):
            pass
    assert f"It has: {BASE_NAME}, {LORA_NAME}." in unknown.value.hint


def test_what_vllm_refuses_is_a_sentence(vllm: RemoteAnswerer, stub: Stub) -> None:
    with pytest.raises(ContextError, match="maximum context length is 64"):
        vllm.answer([Ask(ASKED, Sampling(100), BASE_NAME)])
    stub.unloaded = LORA_NAME
    with pytest.raises(UserError, match="answered 404: The model `my-run` does not exist"):
        vllm.answer([Ask(ASKED, SHORT, LORA_NAME)])


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_a_server_that_fails_for_a_moment_is_asked_again(vllm: RemoteAnswerer, stub: Stub, status: int) -> None:
    stub.busy, stub.busy_status = RETRIES, status
    assert vllm.answer([Ask(ASKED, SHORT, BASE_NAME)])[0].text
    assert len(stub.heard) == RETRIES + 1
    stub.busy = RETRIES + 1
    with pytest.raises(UserError, match="answered 4|500" if status in (408, 409, 500) else "too busy"):
        vllm.answer([Ask(ASKED, SHORT, BASE_NAME)])


@pytest.mark.parametrize("where", ["reasoning_content", "reasoning", "tags", "opened"])
@pytest.mark.parametrize("listener", [None, Heard()])
def test_reasoning_is_told_apart_wherever_a_server_puts_it(
    vllm: RemoteAnswerer, stub: Stub, where: str, listener: Heard | None
) -> None:
    stub.thinks = where
    ask = Ask(ASKED, SHORT._replace(max_thinking_tokens=9), LORA_NAME, thinking=True)
    [answer] = vllm.answer([ask], listener)
    assert (answer.reasoning, answer.text, answer.finish) == ("I am asked.", "This is my-run.", "stop")
    stub.cut = True
    [answer] = vllm.answer([ask], listener)
    assert (answer.reasoning, answer.text, answer.finish) == ("I am asked.", "", "thinking")


def test_pieces_of_reasoning_are_heard_apart(vllm: RemoteAnswerer, stub: Stub) -> None:
    for stub.thinks in ("reasoning_content", "reasoning", "tags"):
        heard = Heard()
        vllm.answer([Ask(ASKED, SHORT, LORA_NAME)], heard)
        assert "".join(heard.thought).strip() == "I am asked."
        assert "".join(heard.pieces).strip() == "This is my-run."


def test_the_mode_is_asked_for_where_there_is_one(vllm: RemoteAnswerer, stub: Stub) -> None:
    both = SHORT._replace(max_thinking_tokens=20)
    for thinking in (True, False, None):
        vllm.answer([Ask(ASKED, both, BASE_NAME, thinking)])
    modes = [body.get("chat_template_kwargs") for body in stub.heard]
    assert modes == [{"enable_thinking": True}, {"enable_thinking": False}, None]
    assert [body["max_tokens"] for body in stub.heard] == [36, 16, 16], "what vLLM counts is reasoning and answer"
    assert not any("max_thinking_tokens" in body for body in stub.heard), "which vLLM does not know"


def test_an_answer_that_breaks_off_is_an_error_and_no_short_answer(vllm: RemoteAnswerer, stub: Stub) -> None:
    stub.breaks_off = True
    with pytest.raises(UserError, match="broke off: EngineCore died"):
        vllm.answer([Ask(ASKED, SHORT, BASE_NAME)], Listener())
    stub.breaks_off, stub.hangs_up = False, True
    with pytest.raises(UserError, match="ended an answer before its end"):
        vllm.answer([Ask(ASKED, SHORT, BASE_NAME)], Listener())


def test_a_server_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    with socket.socket() as taken:  # bound and never listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=r"cannot be reached: .*refused"), remote_answerer(url):
            pass


def test_a_page_is_no_such_server() -> None:
    app = FastAPI()

    @app.get("/v1/models", response_class=HTMLResponse)
    def page() -> str:
        return "<html>Welcome</html>"

    with serving_app(app) as url:
        with pytest.raises(UserError, match="does not speak OpenAI's protocol"), remote_answerer(url):
            pass
        with pytest.raises(UserError, match=r"There is nothing at .*/v2/models"), remote_answerer(f"{url[:-2]}v2"):
            pass


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="not the address of a server"), remote_answerer(url):
        pass


def test_hanging_up_ends_the_generation(ours: RemoteAnswerer, served: Serving) -> None:
    heard = Heard()
    heard.left = True
    [answer] = ours.answer([Ask(ASKED, Sampling(900, 2.0))], heard)
    assert answer.finish == "cancelled"
    health = f"{served.record.url.removesuffix('/v1')}/health"
    end = time.monotonic() + 30
    while httpx.get(health).json()["running"]:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("scheme", ["http", "ftp", ""])
def test_a_password_in_an_address_is_sent_and_never_told(stub: Stub, scheme: str) -> None:
    if scheme == "http":
        with serving_app(make_stub(stub)) as url, remote_answerer(url.replace("//", "//me:secret@")) as found:
            assert found.url == url and found.stamp(BASE_NAME)["endpoint"] == url
    address = f"{scheme}://me:secret@127.0.0.1:9/v1" if scheme else "me:secret@127.0.0.1:9/v1"
    with pytest.raises(UserError) as refused, remote_answerer(address):
        pass
    assert "secret" not in str(refused.value) and "127.0.0.1:9" in str(refused.value)


def test_a_password_in_an_address_is_not_told_where_there_is_nothing() -> None:
    with (
        serving_app(FastAPI()) as url,
        pytest.raises(UserError, match="There is nothing at") as refused,
        remote_answerer(url.replace("//", "//me:secret@")),
    ):
        pass
    assert "secret" not in str(refused.value)
