"""Who may ask a server: by which names, from which pages."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from qwenlab.web.gate import HEADERS, Gate, own_names


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


def asked(headers: dict[str, str], names: tuple[str, ...] = (), **settings: Any) -> httpx.Response:
    gate = Gate(hello, own_names("here", names), **settings)

    async def inside() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://x") as client:
            return await client.post("/", headers=headers)

    return asyncio.run(inside())


OURS = ["localhost", "localhost:7860", "LOCALHOST.", "127.0.0.1:80", "192.168.3.4:7860", "[::1]:8000", "[fe80::1]",
        "me.localhost", "here:1", "HERE."]  # fmt: skip
OTHERS = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "here.evil.example", "evil.example:80",
          "evil@127.0.0.1", "127.0.0.1:80:80", "", " ", "[::1", "a" * 5000, "here/.", "127.1"]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_it_answers_to_its_own_names_and_to_addresses(host: str) -> None:
    assert asked({"Host": host}).text == "hello"


@pytest.mark.parametrize("host", OTHERS)
def test_it_answers_to_no_other_name_and_says_what_to_do(host: str) -> None:
    refused = asked({"Host": host})
    assert refused.status_code == 403 and "--allow-host" in refused.text and len(refused.text) < 400


def test_a_further_name_may_be_given() -> None:
    assert asked({"Host": "lab.example"}, names=("Lab.Example",)).status_code == 200
    assert asked({"Host": "x.lab.example"}, names=("lab.example",)).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:7860", "127.0.0.1:7860"),
        ("http://localhost", "localhost:80"),
        ("https://lab.example", "lab.example"),
        ("https://lab.example", "127.0.0.1:7860"),  # a proxy that asks by the address
        ("http://[::1]:1", "[::1]:1"),
    ],
)
def test_its_own_pages_may_ask(origin: str, host: str) -> None:
    assert asked({"Host": host, "Origin": origin}, names=("lab.example",)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "http://192.168.0.1:7860", "", "x",
     "file://", "http://127.0.0.1:7860@evil.example", "http://lab.example:1", "ftp://127.0.0.1:7860", "http://[", "//"],
)  # fmt: skip
def test_pages_of_others_may_not(origin: str) -> None:
    refused = asked({"Host": "127.0.0.1:7860", "Origin": origin}, names=("lab.example",))
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_pages_may_be_let_in_by_their_origin_or_all() -> None:
    chat = {"Host": "localhost", "Origin": "https://chat.example"}
    assert asked(chat, origins=("https://chat.example",)).status_code == 200
    assert asked(chat, origins=("https://other.example",)).status_code == 403
    assert asked(chat, origins=("*",)).status_code == 200
    assert asked({**chat, "Host": "evil.example"}, origins=("*",)).status_code == 403


def test_every_answer_forbids_frames_and_guesses() -> None:
    for host in ("localhost", "evil.example"):
        answer = asked({"Host": host})
        assert all(answer.headers[name] == value for name, value in HEADERS.items())
