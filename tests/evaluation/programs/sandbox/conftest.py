"""Real sandboxes, one of each backend, for all tests here."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from qwenlab.evaluation.programs.sandbox import Limits, Result, Spec
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS, Backend

LIMITS = Limits(cpu_s=10, wall_s=30, memory_bytes=2**29, output_bytes=2**20)


class Run(Protocol):
    """Run a program's text in the sandbox."""

    def __call__(self, program: str, stdin: bytes = b"", limits: Limits = LIMITS) -> Result: ...


@pytest.fixture(scope="session", params=BACKENDS, ids=lambda backend: backend.name)
def plan(request: pytest.FixtureRequest) -> Plan:
    """Each backend's plan, if this machine has what it needs."""
    backend: Backend = request.param
    found = backend.plan(judging_interpreter())
    if not isinstance(found, Plan):
        pytest.skip(found.reason)
    with LaunchedSandbox(found, judging_interpreter()) as sandbox:
        capabilities = sandbox.probe()
    if not capabilities.works:
        pytest.skip(capabilities.reason)
    return found


@pytest.fixture(scope="session")
def sandbox(plan: Plan) -> Iterator[LaunchedSandbox]:
    with LaunchedSandbox(plan, judging_interpreter()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def run(sandbox: LaunchedSandbox) -> Run:
    def run(program: str, stdin: bytes = b"", limits: Limits = LIMITS) -> Result:
        return sandbox.run(Spec(program.encode(), stdin, limits))

    return run
