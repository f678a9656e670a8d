"""Serving as a job: runs and their base behind OpenAI's API, from one model in memory."""

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qwenlab.errors import UserError
from qwenlab.runs import Run, gpu_lock, gpu_waiting
from qwenlab.runs.serving import ServeRecord, announced
from qwenlab.runs.shared_base import shared_base
from qwenlab.training.engine import set_environment

if TYPE_CHECKING:
    from qwenlab.inference.batcher import Batcher


def serve(
    found: Mapping[str, Run],
    *,
    runs: Path,
    host: str,
    port: int,
    api_key: str | None,
    batch_size: int,
    queue: int,
    max_body: int,
    make_way: bool,
) -> None:
    """Serve until KeyboardInterrupt, or until somebody waits for the GPU where `make_way` says so.

    Args:
        found: the runs by the names that they answer under.
        runs: the folder of all runs, where the GPU queue is and where the server is announced.
        port: 0 for a free one, which is printed.
        api_key: what clients must send; None: nothing.
        batch_size: answers that are generated at the same time.
        queue: answers that may wait; further requests get HTTP 429.
        max_body: longest request, in bytes.

    Raises:
        UserError: the address is taken, or the runs share no base.
    """
    settings, record = shared_base(found)
    try:
        # Taken before anything is loaded: a port in use is told at once.
        with _listener(host, port) as listener, gpu_lock(runs, "serve", _tell_waiting):
            set_environment()
            from qwenlab.inference.batcher import Batcher
            from qwenlab.inference.runs import load_runs

            print(f"loading {record.name}", flush=True)
            _serve(
                Batcher(load_runs(found, settings, record), batch_size, queue),
                listener,
                api_key,
                max_body,
                runs,
                make_way,
            )
    except KeyboardInterrupt:
        print("stopped")


def _serve(
    batcher: "Batcher", listener: socket.socket, key: str | None, max_body: int, runs: Path, make_way: bool
) -> None:
    """Until it is told to end, or makes way."""
    from qwenlab.api.app import make_app
    from qwenlab.api.server import Server

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

        Server(make_app(batcher, key, max_body), started, ends).run([listener])
        print("stopped", flush=True)


def _listener(host: str, port: int) -> socket.socket:
    """A socket that has the address, and takes no connections yet.

    Raises:
        UserError: it is in use, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise UserError(f"{host}:{port} cannot be served on: {error.strerror}.", "--port 0 takes a free one.") from None
    return listener


def _tell_waiting(ahead: list[str]) -> None:
    print(f"waiting for the GPU: {', then '.join(ahead)}", flush=True)
