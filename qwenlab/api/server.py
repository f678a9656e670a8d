"""Runs the application on a socket, until it is told to end."""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from qwenlab.api.app import make_app
from qwenlab.inference.batcher import Batcher
from qwenlab.inference.load import load_runs
from qwenlab.runs import Run, gpu_waiting
from qwenlab.runs.serving import ServeRecord, announced
from qwenlab.runs.shared_base import shared_base

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


def serve_models(
    found: Mapping[str, Run],
    modes: Mapping[str, bool | None],
    listener: socket.socket,
    runs: Path,
    key: str | None,
    batch_size: int,
    queue: int,
    max_body: int,
    make_way: bool,
    origins: Sequence[str],
) -> None:
    """Answer requests until it is told to end, or makes way; announced in `runs` for others to find."""
    settings, base = shared_base(found)
    print(f"loading {base.name}", flush=True)
    batcher = Batcher(load_runs(found, settings, base), batch_size, queue)
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    models = tuple(batcher.loaded.names)
    record = ServeRecord(url=url, pid=os.getpid(), models=models, key_required=bool(key))
    with contextlib.ExitStack() as stack:

        def started() -> None:
            stack.enter_context(announced(runs, record))
            print(f"serving {', '.join(models)} at {url}", flush=True)

        def ends() -> bool:
            return make_way and not batcher.running and not batcher.waiting and len(gpu_waiting(runs)) > 1

        Server(make_app(batcher, key, max_body, modes, origins), started, ends).run([listener])
        print("stopped", flush=True)
