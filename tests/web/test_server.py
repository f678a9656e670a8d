"""Clients that are slow or say nothing keep nobody waiting."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from qwenlab.errors import UserError
from qwenlab.web import server as module
from qwenlab.web.server import Server, address_of, listening


async def read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def much(request: Request) -> Response:
    async def pieces() -> Any:
        for _ in range(1000):
            yield b"x" * 100_000

    return StreamingResponse(pieces())


async def wait(request: Request) -> Response:
    import asyncio

    await asyncio.sleep(1.0)
    return PlainTextResponse("late")


APP = Starlette(
    routes=[
        Route("/", lambda request: PlainTextResponse("here")),
        Route("/read", read, methods=["POST"]),
        Route("/much", much),
        Route("/wait", wait),
    ]
)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server that has little patience, and room for eight."""
    monkeypatch.setattr(module, "HEAD_S", 0.5)
    monkeypatch.setattr(module, "SILENCE_S", 0.5)
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 8)
    ready = threading.Event()
    with listening("127.0.0.1", 0) as listener:
        server = Server(APP, ready.set)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert ready.wait(30)
        yield int(address_of(listener).rpartition(":")[2])
        server.should_exit = True
        thread.join()


def opened(port: int, said: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(said)
    return connection


def ended(connection: socket.socket, within: float) -> bool:
    """Whether the server lets it go."""
    connection.settimeout(within)
    try:
        while connection.recv(2**20):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


POST = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"GET / HT", POST, POST + b"123", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_what_never_becomes_a_request_is_let_go(port: int, said: bytes) -> None:
    with opened(port, said) as connection:
        assert ended(connection, 3)


def test_a_head_that_comes_in_drops_has_no_more_time(port: int) -> None:
    with opened(port) as connection:
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - begun < 3:
                connection.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - begun < 2


def test_a_body_that_comes_slowly_comes(port: int) -> None:
    with opened(port, POST) as connection:
        for _ in range(10):
            time.sleep(0.15)
            connection.sendall(b"x")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_an_answer_that_takes_longer_than_the_client_s_patience_is_waited_for(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/wait").text == "late"


def test_who_does_not_take_an_answer_is_let_go(port: int) -> None:
    with opened(port, b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        time.sleep(1.5)
        with pytest.raises(ConnectionError):
            while connection.recv(2**20):
                pass
            raise ConnectionError  # it ended before its end, and said so or not


def test_who_takes_it_slowly_has_all_of_it(port: int) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{port}/much", timeout=30) as answer:
        assert sum(len(piece) for piece in answer.iter_raw(2**20)) == 100_000_000


def test_idle_connections_make_room_for_a_new_one(port: int) -> None:
    with contextlib.ExitStack() as stack:
        waiting = stack.enter_context(opened(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"))
        for _ in range(30):
            stack.enter_context(opened(port))
            assert httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text == "here"
        assert b"late" in waiting.recv(1000), "who waits for the server is not sent away"


def test_a_port_in_use_is_told() -> None:
    with listening("127.0.0.1", 0) as listener:
        listener.listen()
        with (
            pytest.raises(UserError, match="cannot be served on"),
            listening("127.0.0.1", listener.getsockname()[1]),
        ):
            pass
