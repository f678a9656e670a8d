"""run.json: what ran, on what, with what, and how it stands."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from qwenlab.files import Record


class Status(StrEnum):
    """How a run stands. `lost` is never written: it is a run that claims to be alive while its lock is free."""

    queued = "queued"
    running = "running"
    stopping = "stopping"
    stopped = "stopped"
    finished = "finished"
    failed = "failed"
    lost = "lost"

    @property
    def claims_life(self) -> bool:
        """A process should be behind it."""
        return self in (Status.queued, Status.running, Status.stopping)


class JobRecord(Record):
    """What is recorded of every process that works in a folder of its own."""

    version: Literal[1] = 1
    status: Status = Status.queued
    pid: int | None = None
    command: list[str] = []
    created: datetime
    finished: datetime | None = None
    error: str | None = None


class Hardware(Record):
    """The machine. Sizes in GB (10^9 bytes)."""

    gpu: str | None
    gpu_memory_gb: float | None
    gpu_free_gb: float | None = None
    """Taken by no program when the driver was asked; None where it could not be."""
    cpu: str
    cpu_cores: int
    memory_gb: float
    system: str


class EngineRecord(Record):
    """Which engine trained, why, and how it carried the recipe out. None: the record is older than the field."""

    name: str
    why: str
    device: str
    dtype: str
    attention: str
    deterministic: bool | None = None
    """Whether torch was held to deterministic algorithms, to the end of the run."""
    optim: str | None = None
    compiled: bool | None = None
    load_in_4bit: bool | None = None
    patched: str | None = None
    """What Unsloth says that it replaced."""


class ModelRecord(Record):
    """The base weights, resolved: base and tuned are always these. `resolved` is the folder they were read from."""

    name: str
    resolved: str
    revision: str | None
    sha256: str
    """Of the configuration and of each weight file's name, size and first megabyte."""
    template_sha256: str
    thinking: bool | None = None
    """Whether the model was trained to think first, and so is asked to; None: its template has no such mode, or the
    record is older than the field."""
    trainable_parameters: int
    parameters: int


class Score(Record):
    """A validation loss and the step that it was measured at."""

    step: int
    eval_loss: float


class RunRecord(JobRecord):
    """The content of run.json."""

    started: datetime | None = None
    versions: dict[str, str] = {}
    hardware: Hardware | None = None
    engine: EngineRecord | None = None
    model: ModelRecord | None = None
    processes: int = 1
    """How many train together, each with the whole model on a GPU of its own."""
    data_sha256: str | None = None
    rows: int | None = None
    """Rows that are trained on."""
    step: int = 0
    total_steps: int | None = None
    base_eval_loss: float | None = None
    """Validation loss before the first step: the base's own, for a fresh adapter."""
    best: Score | None = None
    early_stopped: bool = False
