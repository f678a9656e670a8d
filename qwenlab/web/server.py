"""Runs an application on a socket, and keeps nobody waiting for clients that are slow or say nothing.

uvicorn alone lets a connection stay open for ever before its request is whole. Here a request has to arrive, and an
answer to be taken; and where there are as many connections as there may be, a new one takes the place of the one that
has let the server wait longest.
"""

import asyncio
import contextlib
import enum
import resource
import select
import socket
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from qwenlab.errors import UserError

MOST_CONNECTIONS = 512
"""At once; fewer where the process may have fewer than twice as many files open."""

HEAD_S = 10.0
"""Seconds for the head of a request, from the connection or its first byte on."""

AT_ONCE = 8
"""Connections that are taken before those that are over the bound are let go; each holds an open file."""

WAITING = 1024
"""Connections that the system keeps until they are taken."""

SILENCE_S = 30.0
"""Seconds without a byte in which a body may pause, or an answer wait to be taken."""

LOOK_S = 1
"""Seconds between two questions whether to end."""


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that has the address and takes no connections yet; port 0 is any that is free.

    Raises:
        UserError: it is in use, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _taken(host, port, error) from None
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except OSError as error:
            raise _taken(host, port, error) from None
        yield listener


def address_of(listener: socket.socket) -> str:
    """As a browser wants it: `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
    """Says when it takes requests, and asks now and then whether it shall end. So do SIGINT and SIGTERM tell it.

    Args:
        started: told when it takes requests.
        ends: asked about once a second.
        ending: told before the answers that are under way are waited for.
        grace: seconds that they have.
    """

    def __init__(
        self,
        app: ASGIApp,
        started: Callable[[], object],
        ends: Callable[[], bool] = lambda: False,
        ending: Callable[[], object] = lambda: None,
        grace: int = 5,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=AT_ONCE,
                timeout_graceful_shutdown=grace,
                timeout_notify=LOOK_S,
                callback_notify=self._look,
            )
        )
        self._takes_requests = started
        self._ends = ends
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(WAITING)  # what asyncio calls the backlog is also how many it takes at once
        self._takes_requests()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)

    async def _look(self) -> None:
        if self._ends():
            self.should_exit = True


class _Turn(enum.Enum):
    """What a client has to do next."""

    send_head = enum.auto()
    send_body = enum.auto()
    take_answer = enum.auto()

    @property
    def seconds(self) -> float:
        return HEAD_S if self is _Turn.send_head else SILENCE_S


class _Connection(H11Protocol):
    """One client. Whenever it is the client's turn, time runs."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._turn: _Turn | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._set(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch(heard=True)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def _watch(self, heard: bool = False) -> None:
        """See whose turn it is. A body's time begins anew with each byte of it; all other times do not."""
        if self.flow.write_paused or self.transport.is_closing():
            self._change(_Turn.take_answer)
        elif self.cycle is None or self.cycle.response_complete:
            self._change(_Turn.send_head)
        elif self.cycle.more_body:
            self._change(_Turn.send_body, anew=heard)
        else:
            self._set(None)

    def _change(self, turn: _Turn, anew: bool = False) -> None:
        if turn is not self._turn or anew:
            self._set(turn)

    def _set(self, turn: _Turn | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._turn, self._timer = turn, None
        if turn:
            self._since = time.monotonic()
            self._timer = self.loop.call_later(turn.seconds, self._late)

    def _late(self) -> None:
        if self._turn is _Turn.send_body and self.flow.read_paused:  # it is the application that does not read on
            self._set(_Turn.send_body)
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        """Let one client go where there are too many.

        Of those that let the server wait, the one that does so for longest; but not one whose bytes have come and are
        not read yet: there the client waits. Where there is none, one that asks for more before it has its answer, as
        neither browsers nor clients of the API do; else this one.
        """
        staying = [
            other
            for other in self.connections
            if isinstance(other, _Connection) and not (other.transport and other.transport.is_closing())
        ]
        if len(staying) <= most_connections():
            return
        sent = _with_unread([other for other in staying if other._turn])
        silent = [other for other in staying if other._turn and other not in sent]
        greedy = [other for other in staying if other.conn.trailing_data[0]]
        min(silent or greedy, key=lambda other: other._since, default=self).transport.abort()


def _with_unread(connections: Collection[_Connection]) -> set[_Connection]:
    """Those from which bytes have come that nobody has read."""
    by_file = {one.transport.get_extra_info("socket").fileno(): one for one in connections}
    looking = select.poll()
    for file in by_file:
        looking.register(file, select.POLLIN)
    return {by_file[file] for file, _ in looking.poll(0)}


def most_connections() -> int:
    """As many as this process can have, with room for the files that it opens."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_CONNECTIONS if files < 0 else min(MOST_CONNECTIONS, max(1, files // 2))


def _taken(host: str, port: int, error: OSError) -> UserError:
    return UserError(f"{host}:{port} cannot be served on: {error.strerror}.", "--port 0 takes a free one.")
