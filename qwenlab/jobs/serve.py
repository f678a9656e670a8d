"""Serving as a job: runs and their base behind OpenAI's API, from one model in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from qwenlab.runs import Run, find_run, gpu_lock
from qwenlab.runs.mode import check_modes, modes_differ
from qwenlab.runs.shared_base import named, shared_base
from qwenlab.training.engine import set_environment
from qwenlab.web.gate import own_names
from qwenlab.web.server import listening

__all__ = ["find_run", "named", "serve"]


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
    names: Sequence[str] = (),
    origins: Sequence[str] = (),
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
        names: by which it is asked beside `localhost`, `host`, this machine's name and addresses in numbers.
        origins: of pages whose scripts may ask from a browser, such as `https://chat.example`; `*`: of all.

    Raises:
        UserError: the address is taken, the runs share no base, or a run's mode of thinking was changed.
    """
    shared_base(found)  # before the GPU queue: runs of several bases are told at once
    modes = check_modes(found)
    if told := modes_differ(modes):
        print(told, flush=True)
    try:
        # Taken before anything is loaded: a port in use is told at once.
        with listening(host, port) as listener, gpu_lock(runs, "serve", _tell_waiting):
            set_environment()
            from qwenlab.api.server import serve_models

            called = own_names(host, names)
            serve_models(found, modes, listener, runs, api_key, batch_size, queue, max_body, make_way, called, origins)
    except KeyboardInterrupt:
        print("stopped")


def _tell_waiting(ahead: list[str]) -> None:
    print(f"waiting for the GPU: {', then '.join(ahead)}", flush=True)
