"""One training, told as `python -m qwenlab.train` is, with its plan before it and its peak memory after it.

    python -m bench.gpu.child FOLDER --cap 24 -- recipes/default.toml --runs runs

Writes FOLDER/plan.json and FOLDER/peak.json. The plan is made in the same process, since importing Unsloth takes about
as long as a short training.
"""

import atexit
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from qwenlab import cli

GB = 1e9


class Peak(BaseModel):
    """Largest memory of the process on the card, in GB (10^9 bytes)."""

    allocated_gb: float
    reserved_gb: float


def main(
    folder: Annotated[Path, typer.Argument(help="Where the two files are written.")],
    arguments: Annotated[list[str], typer.Argument(help="What qwenlab.train is given, after --.")],
    cap: Annotated[float | None, typer.Option(metavar="GB", help="As if the card had only so much memory.")] = None,
    rows: Annotated[int | None, typer.Option(help="As if memory ran out with more rows than that in a batch.")] = None,
    kill_at: Annotated[int | None, typer.Option(metavar="STEP", help="SIGKILL to itself once it is logged.")] = None,
) -> None:
    """Train, and say what it took."""
    from qwenlab.training.engine import set_environment

    set_environment()  # the cap starts CUDA, which reads its settings then
    if cap:
        cap_memory(cap)
    if rows:
        _run_out_above(rows)
    if kill_at:
        _kill_after(kill_at)
    if "--resume" not in arguments:
        _train([*arguments, "--dry-run", "--plan", str(folder / "plan.json")])
    atexit.register(write_peak, folder / "peak.json")
    _train(arguments)


def cap_memory(gb: float) -> None:
    """As if the card had only so much memory, for the allocator and for whoever asks how much is free.

    The allocator's own limit does not change what `torch.cuda.mem_get_info` answers, and Unsloth and accelerate plan by
    that. Who asks for the limit as well would count it twice, and is told that there is none.
    """
    import torch

    if not torch.cuda.is_available():
        return
    ask = torch.cuda.mem_get_info
    limit = int(gb * GB)
    torch.cuda.set_per_process_memory_fraction(min(limit / ask()[1], 1.0))

    def answer(device: Any = None) -> tuple[int, int]:
        return max(0, min(ask(device)[0], limit - torch.cuda.memory_reserved())), limit

    torch.cuda.mem_get_info = answer
    torch.cuda.get_per_process_memory_fraction = lambda device=None: 1.0


def write_peak(file: Path) -> None:
    """Write the process's `Peak`; nothing without a GPU."""
    import torch

    if torch.cuda.is_available():
        allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        peak = Peak(allocated_gb=round(allocated / GB, 2), reserved_gb=round(reserved / GB, 2))
        file.write_text(peak.model_dump_json(), encoding="utf-8")


def _train(arguments: list[str]) -> None:
    sys.argv = ["qwenlab.train", *arguments]
    try:
        runpy.run_module("qwenlab.train", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise


def _run_out_above(rows: int) -> None:
    """A CPU has no memory that ends at once: the error is raised where the model reads its batch."""
    import torch

    look_up = torch.nn.functional.embedding

    def embedding(ids: Any, *others: Any, **named: Any) -> Any:
        if ids.shape[0] > rows:
            raise torch.OutOfMemoryError(f"as if {rows} rows were all that fits")
        return look_up(ids, *others, **named)

    torch.nn.functional.embedding = embedding


def _kill_after(step: int) -> None:
    from qwenlab.runs.events import Event, EventLog, Train

    write = EventLog.write

    def write_and_die(self: EventLog, event: Event) -> None:
        write(self, event)
        if isinstance(event, Train) and event.step >= step:
            os.kill(os.getpid(), signal.SIGKILL)

    EventLog.write = write_and_die  # type: ignore[method-assign]


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu.child")
