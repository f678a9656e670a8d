"""What every sandbox promises: a program, its input and its limits in; how it ended and what it wrote out."""

from types import TracebackType
from typing import NamedTuple, Protocol, Self

OUTPUT_BYTES = 64 * 2**20
"""Default cap on what a program may write, per stream: DeepMind's harness has the same (RLIMIT_FSIZE, 64 MiB)."""

ERROR_TAIL_BYTES = 4096
"""How much of the end of standard error is kept."""


class Limits(NamedTuple):
    """Where a program is stopped. The kernel counts CPU time in whole seconds, so `cpu_s` is one."""

    cpu_s: int
    wall_s: float
    memory_bytes: int
    """Of address space, interpreter included."""
    output_bytes: int = OUTPUT_BYTES
    """Of standard output, and as much again of standard error."""


class Spec(NamedTuple):
    """One run: the program's source, what it reads, and its limits. What it should write never gets near it."""

    program: bytes
    stdin: bytes
    limits: Limits


class Result(NamedTuple):
    """How a program ended."""

    exit_status: int | None
    """As a shell tells it: 128 + n for signal n. None: it was stopped at the wall clock limit."""
    cpu_s: float
    """User and system time of everything that was started for the run."""
    wall_s: float
    peak_bytes: int
    """The largest resident set. Never less than the launcher's, some 15 MB, which the kernel counts in."""
    output: bytes
    """At most `output_bytes`."""
    error: bytes
    """The end of standard error."""
    flooded: bool
    """A stream reached `output_bytes`."""


class Capabilities(NamedTuple):
    """What a probe found: whether programs can be run at all, by what, and else why not."""

    works: bool
    backend: str
    version: str
    interpreter: str
    """Path and version of the Python that runs the programs."""
    reason: str = ""


class SandboxFailureError(Exception):
    """The sandbox itself failed: the program did not run, and nothing is known about it."""


class Sandbox(Protocol):
    """Runs programs that nobody trusts. `run` may be called from several threads at once."""

    def probe(self) -> Capabilities:
        """Whether a trivial program runs here. Whether hostile ones are contained, the self-check tells."""

    def run(self, spec: Spec) -> Result:
        """Run one program to its end.

        Raises:
            SandboxFailureError: it could not be run.
        """

    def close(self) -> None:
        """End everything that was started, and leave nothing behind."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
