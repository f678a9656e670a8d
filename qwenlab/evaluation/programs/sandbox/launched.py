"""A sandbox as the judge uses it: launchers, one for each run at a time, started when needed and kept."""

import contextlib
import queue
import threading
from types import TracebackType
from typing import Self

from qwenlab.evaluation.programs.sandbox.client import Client
from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.sandbox.protocol import Capabilities, Limits, Result, SandboxFailureError, Spec

PROBE = Spec(b"print(int(input()) + 1)", b"41\n", Limits(cpu_s=5, wall_s=15, memory_bytes=2**29, output_bytes=2**16))


class LaunchedSandbox:
    """Runs programs by a backend's plan. A launcher that fails is thrown away, and the next run gets a new one."""

    def __init__(self, plan: Plan, interpreter: Interpreter) -> None:
        self.plan = plan
        self.interpreter = interpreter
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()
        self.launchers: list[Client] = []
        self._lock = threading.Lock()
        self._closed = False

    def probe(self) -> Capabilities:
        """Run one trivial program."""
        found = Capabilities(True, self.plan.backend, self.plan.version, str(self.interpreter))
        try:
            result = self.run(PROBE)
        except SandboxFailureError as failure:
            return found._replace(works=False, reason=str(failure))
        if (result.exit_status, result.output) != (0, b"42\n"):
            said = result.error.decode(errors="replace").strip()
            return found._replace(works=False, reason=f"A trivial program failed: {said or result.exit_status}")
        return found

    def run(self, spec: Spec) -> Result:
        """Run one program in an idle launcher, or in a new one."""
        launcher = self._take()
        done = False
        try:
            result = launcher.run(spec)
            done = True
        finally:
            if done:
                self._idle.put(launcher)
            else:
                launcher.close()
        return result

    def close(self) -> None:
        """End all launchers."""
        with self._lock:
            self._closed = True
        for launcher in self.launchers:
            launcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> Client:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        if self._closed:
            raise SandboxFailureError("The sandbox is closed.")
        launcher = Client(self.plan, self.interpreter)
        with self._lock:
            self.launchers.append(launcher)
        return launcher
