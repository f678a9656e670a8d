"""Serve runs and their base from one model in memory, in OpenAI's protocol, to this machine or beyond.

    python -m qwenlab.serve RUN
    python -m qwenlab.serve RUN RUN2 --port 8000 --api-key SECRET --host 0.0.0.0

The models are called `base`, and each run by its name. Ctrl-C ends it.

Exit code 0: served, and ended as asked; 2: something that you can mend; 1: a bug.
"""

import contextlib
import os
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.inference.batcher import Batcher


def main(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, parts of their names, or `last`.")],
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in; then set a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one, which is told.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="QWENLAB_API_KEY", show_envvar=True, help="What clients must send; without it, nothing."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Answers that are generated at the same time.")] = 32,
    queue: Annotated[
        int, typer.Option(min=1, help="Answers that may wait; who comes then is told to come back.")
    ] = 256,
    max_body: Annotated[int, typer.Option(min=1024, help="Longest request, in bytes.")] = 2**20,
    make_way: Annotated[
        bool, typer.Option("--make-way", help="End when somebody waits for the GPU and nobody for an answer.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Serve runs and their base by OpenAI's chat completions API."""
    from qwenlab.runs import find_run, gpu_lock
    from qwenlab.runs.shared_base import named, shared_base

    found = named([find_run(runs, name) for name in run])
    settings, record = shared_base(found)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # Taken before anything is loaded: a port in use is told at once.
        with _listener(host, port) as listener, gpu_lock(runs, "serve", _tell_waiting):
            from qwenlab.inference.runs import load_runs

            print(f"loading {record.name}", flush=True)
            loaded = load_runs(found, settings, record)
            from qwenlab.inference.batcher import Batcher

            _serve(Batcher(loaded, batch_size, queue), listener, api_key, max_body, runs, make_way)
    except KeyboardInterrupt:
        print("stopped")


def _serve(
    batcher: "Batcher", listener: socket.socket, key: str | None, max_body: int, runs: Path, make_way: bool
) -> None:
    """Until it is told to end, or makes way."""
    from qwenlab.api.app import make_app
    from qwenlab.api.server import Server
    from qwenlab.runs import gpu_waiting
    from qwenlab.runs.serving import ServeRecord, announced

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


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    cli.run(main, "qwenlab.serve")
