"""Runs the application on a socket, until it is told to end."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

GRACE_S = 5
"""Seconds in which answers that are under way can be finished, once the server is told to end."""

LOOK_S = 1
"""Seconds between two questions whether to end."""


class Server(uvicorn.Server):
    """Says when it takes requests, and asks now and then whether it shall end. So do SIGINT and SIGTERM tell it."""

    def __init__(self, app: FastAPI, started: Callable[[], None], ends: Callable[[], bool] = lambda: False) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=GRACE_S,
                timeout_notify=LOOK_S,
                callback_notify=self._look,
            )
        )
        self._takes_requests = started
        self._ends = ends

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._takes_requests()

    async def _look(self) -> None:
        if self._ends():
            self.should_exit = True
