"""The judge's end of a launcher: start it, hand it a run, read what became of it."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.sandbox.protocol import ERROR_TAIL_BYTES, Result, SandboxFailureError, Spec

NOBODY = 65534
"""The user and group that root drops to: Linux's overflow ids, which own nothing."""

GRACE_S = 30.0
"""How much longer than a program's wall clock limit its launcher may take before it is given up."""

START_S = 30.0
"""How long a launcher may take to start."""

END_S = 5.0
"""How long a launcher may take to end once its input has."""

CHUNK = 1 << 20


def unprivileged() -> dict[str, Any]:
    """How a process of root's is started without root's rights; others have none to lose."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


class Client:
    """A launcher's process and the two pipes to it. One run at a time."""

    def __init__(self, plan: Plan, interpreter: Interpreter) -> None:
        """Start it, as nobody where this process is root.

        Raises:
            SandboxFailureError: it did not start.
        """
        try:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115
        except OSError as error:  # no folder for it, or no room there
            raise SandboxFailureError(f"The launcher could not be started: {error}.") from error
        self.folder: Path | None = None
        self._received = bytearray()
        self._running = threading.Lock()
        try:
            self.process = subprocess.Popen(
                [interpreter.path, "-I", "-S", "-B", "-c", _source(), plan.json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={},
                cwd="/",
                start_new_session=True,
                **unprivileged(),
            )
        except OSError as error:
            self._said.close()
            raise SandboxFailureError(f"The launcher could not be started: {error}.") from error
        assert self.process.stdin and self.process.stdout
        self._to, self._from = self.process.stdin, self.process.stdout
        os.set_blocking(self._to.fileno(), False)
        try:
            self.folder = Path(self._line(time.monotonic() + START_S)["folder"])
        except SandboxFailureError:
            self.close()
            raise

    def run(self, spec: Spec) -> Result:
        """Run one program.

        Raises:
            SandboxFailureError: it could not be run. The launcher may be of no further use.
        """
        request = {
            **spec.limits._asdict(),
            "program": len(spec.program),
            "stdin": len(spec.stdin),
            "error_bytes": ERROR_TAIL_BYTES,
        }
        deadline = time.monotonic() + spec.limits.wall_s + GRACE_S
        with self._running:
            self._write(json.dumps(request).encode() + b"\n" + spec.program + spec.stdin, deadline)
            answer = self._line(deadline)
            output, error = self._read(answer["output"], deadline), self._read(answer["error"], deadline)
        if self.folder:  # Landlock leaves the box where it lies, elsewhere each time: no verdict may depend on that
            error = error.replace(os.fsencode(self.folder / "box"), b"/box")
        if "failed" in answer:
            raise SandboxFailureError(f"The program could not be run: {answer['failed']}.")
        if "exit" not in answer and not answer["stopped"]:
            said = error.decode(errors="replace").strip()
            raise SandboxFailureError(said or "The sandbox ended without a word.")
        return Result(
            exit_status=None if answer["stopped"] else answer["exit"],
            cpu_s=answer["cpu_s"],
            wall_s=answer["wall_s"],
            peak_bytes=answer["peak"],
            output=output,
            error=error,
            flooded=answer["flooded"],
        )

    def close(self) -> None:
        """End it; what it still runs, it kills. A second time, nothing happens."""
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()  # what it runs dies with it
            self.process.wait()
        with self._running:  # it has ended, and so has a run in another thread once that has seen it
            self._from.close()
            self._said.close()
        if self.folder and self.folder.exists():  # it was killed
            shutil.rmtree(self.folder)

    def _line(self, deadline: float) -> dict[str, Any]:
        while (end := self._received.find(b"\n") + 1) == 0:
            self._receive(deadline)
        answer: dict[str, Any] = json.loads(self._read(end, deadline))
        return answer

    def _read(self, size: int, deadline: float) -> bytes:
        while len(self._received) < size:
            self._receive(deadline)
        with memoryview(self._received) as received:
            data = bytes(received[:size])
        del self._received[:size]
        return data

    def _receive(self, deadline: float) -> None:
        _wait(self._from.fileno(), select.POLLIN, deadline)
        piece = os.read(self._from.fileno(), CHUNK)
        if not piece:
            raise SandboxFailureError(f"The launcher ended. {self._last_words()}".strip())
        self._received += piece

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            try:
                _wait(self._to.fileno(), select.POLLOUT, deadline)
                rest = rest[os.write(self._to.fileno(), rest[:CHUNK]) :]
            except (BrokenPipeError, ValueError) as error:  # ValueError: closed, by another thread
                raise SandboxFailureError(f"The launcher ended. {self._last_words()}".strip()) from error

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _wait(descriptor: int, event: int, deadline: float) -> None:
    waiting = select.poll()
    waiting.register(descriptor, event)
    if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise SandboxFailureError("The launcher does not answer.")


@cache
def _source() -> str:
    """Handed over as text: the launcher's user may not be able to read this folder."""
    return Path(__file__).with_name("launcher.py").read_text(encoding="utf-8")
