"""Which of a training's processes this one is, and how they find together.

`accelerate launch` or `torchrun` starts them. The first is the run's process: it reads the data, makes the folder,
waits for the GPU, tells and writes. The others wait until it says which run it is, over the store that the launcher
keeps for its processes, and then train beside it.

Torch is imported where it is used: who asks for `world()` alone does without.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs.events import Event, EventLog
from qwenlab.runs.record import RunRecord
from qwenlab.runs.run import Run
from qwenlab.training.engine import Engine, import_torch, set_environment

POLL_SECONDS = 0.5

PATIENCE = timedelta(hours=1)
"""How long one process waits in a step for another, which may be fetching the model or writing the best adapter."""

SHARDED = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DeepSpeed"}


class World(NamedTuple):
    """This process's number, how many there are, and its number on this machine, which is that of its GPU."""

    rank: int
    size: int
    local_rank: int

    @property
    def is_first(self) -> bool:
        """Whether this is the process that tells and writes."""
        return self.rank == 0


class Task(NamedTuple):
    """What the others hear from the first: the run's folder, and the checkpoint that it goes on from."""

    folder: Path
    checkpoint: Path | None


class ReadOnlyRun(Run):
    """The run as the other processes have it: to read from. What they would write, the first one writes."""

    def write(self, record: RunRecord) -> None:
        pass

    def update(self, **changes: Any) -> RunRecord:
        return self.read()

    @property
    def log(self) -> EventLog:
        return _Unwritten(self.events_file)


class _Unwritten(EventLog):
    def __init__(self, path: Path) -> None:
        self.path = path  # the file is not even opened: the first process is writing to it

    def write(self, event: Event) -> None:
        pass


def world() -> World:
    """As the launcher has put it into the environment; one process where there is none."""
    rank, size, local_rank = (int(os.environ.get(name, 0)) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return World(rank, max(size, 1), local_rank)


def check_shares(recipe: Recipe) -> None:
    """See that the processes can share a step of the recipe.

    Raises:
        UserError: the accumulation does not divide by the number of processes, or the launcher would cut the model
            into parts.
    """
    processes = world().size
    parts = [name for variable, name in SHARDED.items() if os.environ.get(variable, "false").lower() == "true"]
    if processes > 1 and parts:
        raise UserError(
            f"The launcher is set to {parts[0]}, which cuts the model into parts; qwenlab.train saves it whole.",
            "Launch with one whole model a GPU: accelerate launch --multi_gpu --num_processes N -m qwenlab.train ...",
        )
    train = recipe.train
    if train.gradient_accumulation_steps % processes == 0:
        return
    batch, rows = train.effective_batch_size, train.per_device_train_batch_size
    smaller = next((m for m in range(rows, 0, -1) if batch % (m * processes) == 0), None)
    hint = (
        f"Set train.per_device_train_batch_size = {smaller} and train.gradient_accumulation_steps = {batch // smaller}:"
        " the same step."
        if smaller
        else f"Start a number of processes that divides {batch}."
    )
    raise UserError(
        f"{processes} processes cannot share train.gradient_accumulation_steps = {train.gradient_accumulation_steps}: "
        f"a step would no longer be {batch} rows.",
        hint,
    )


def broadcast_task(task: Task) -> None:
    """Tell the other processes, if there are any, what to train."""
    if world().size > 1:
        _store().set("task", f"{task.folder.resolve()}\n{task.checkpoint.resolve() if task.checkpoint else ''}")


def receive_task() -> Task:
    """Wait, however long, for the first process to announce the task."""
    set_environment()
    while not _store().check(["task"]):  # asked again and again: a wait inside of torch would hear no signal
        time.sleep(POLL_SECONDS)
    folder, checkpoint = _store().get("task").decode().split("\n")
    return Task(Path(folder), Path(checkpoint) if checkpoint else None)


@contextmanager
def joined(engine: Engine) -> Iterator[None]:
    """Inside the block, the processes compute together: accelerate finds them connected."""
    if world().size == 1:
        yield
        return
    torch = import_torch()
    if engine.device == "cuda":
        torch.cuda.set_device(world().local_rank)
    else:
        os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"  # accelerate would say cpu:0, where torch loads no checkpoint to
    torch.distributed.init_process_group(
        "nccl" if engine.device == "cuda" else "gloo",
        store=torch.distributed.PrefixStore("training", _store()),
        rank=world().rank,
        world_size=world().size,
        timeout=PATIENCE,
    )
    yield
    torch.distributed.destroy_process_group()  # not after an error, when others may be waiting for this one


def any_of_all(flag: bool) -> bool:
    """Whether the flag is up in any of the processes; all of them must ask, and all get the same answer."""
    if world().size == 1:
        return flag
    torch = import_torch()
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    found = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
    return bool(found.item())


@cache
def _store() -> Any:
    store, _, _ = next(import_torch().distributed.rendezvous("env://", timeout=PATIENCE))
    return store
