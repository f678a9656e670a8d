"""Serves loaded runs until it is told to end."""

import contextlib
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from qwenlab.api.app import make_app
from qwenlab.inference.batcher import Batcher
from qwenlab.inference.load import load_runs
from qwenlab.runs import Run, gpu_waiting
from qwenlab.runs.serving import ServeRecord, announced
from qwenlab.runs.shared_base import shared_base
from qwenlab.web.server import Server, address_of


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
    names: Collection[str],
    origins: Sequence[str],
) -> None:
    """Answer requests until it is told to end, or makes way; announced in `runs` for others to find."""
    settings, base = shared_base(found)
    print(f"loading {base.name}", flush=True)
    batcher = Batcher(load_runs(found, settings, base), batch_size, queue)
    url = f"{address_of(listener)}/v1"
    models = tuple(batcher.loaded.names)
    record = ServeRecord(url=url, pid=os.getpid(), models=models, key_required=bool(key))
    with contextlib.ExitStack() as stack:

        def started() -> None:
            stack.enter_context(announced(runs, record))
            print(f"serving {', '.join(models)} at {url}", flush=True)

        def ends() -> bool:
            return make_way and not batcher.running and not batcher.waiting and len(gpu_waiting(runs)) > 1

        Server(make_app(batcher, key, max_body, modes, names=names, origins=origins), started, ends).run([listener])
        print("stopped", flush=True)
