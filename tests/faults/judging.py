"""A judge in a process of its own, as root or as an ordinary user, that judges hostile programs beside honest ones.

    python -m tests.faults.judging BACKEND root|user

A line of JSON in: a hostile program's name and source. A line out: what was lost with it, a list of sentences.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qwenlab
from qwenlab.evaluation.programs import Problem, Test
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import JudgeSettings, ProgramResult
from qwenlab.evaluation.programs.sandbox import Result, Spec
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.plan import Plan
from qwenlab.evaluation.programs.selfcheck.canaries import Surroundings, surroundings
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS
from qwenlab.evaluation.programs.verdict import Verdict
from tests.evaluation.programs.sandbox.asleep import descendants

USER = 65533
"""None that owns anything, and none that a judge of root's runs programs as."""

CANARY = "canary-d41f7c"
RIGHT = "only who was told can know this: 9d2b6c"

THREADS = """
import threading, time
time.sleep(0.5)
found = []
for _ in range(3):
    threads = [threading.Thread(target=found.append, args=(1,)) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(sum(found))
"""
MEMORY = "import time\ntime.sleep(0.4)\nheld = bytearray(2**26)\nheld[:] = b'x' * 2**26\nprint(held.count(b'x'))\n"
DISK = "import time\nfor _ in range(4):\n    time.sleep(0.2)\n    print('7 ' * 100_000)\n"

HONEST = {
    "threads": (THREADS, "24", Verdict.AC),
    "memory": (MEMORY, str(2**26), Verdict.AC),
    "disk": (DISK, "7 " * 400_000, Verdict.AC),
    "wrong": ("print(41)", "42", Verdict.WA),
    "failing": ("print(42)\n1 / 0", "42", Verdict.RE),
}
"""Programs that mean no harm, what they should print, and their verdicts."""

SETTINGS = JudgeSettings(time_factor=1.0, workers=1 + len(HONEST))


class Recording(LaunchedSandbox):
    """Keeps what every program said."""

    said: list[bytes]

    def run(self, spec: Spec) -> Result:
        result = super().run(spec)
        self.said += [result.output, result.error]
        return result


def serve(sandbox: Recording) -> Iterator[None]:
    """Judge what comes in, line by line."""
    for line in sys.stdin:
        given = json.loads(line)
        with surroundings() as around:
            print(json.dumps(lost(given["source"], sandbox, around)), flush=True)
        yield


def lost(hostile: str, sandbox: Recording, around: Surroundings) -> list[str]:
    """Judge a hostile program beside the honest ones; in sentences, what did not hold."""
    package = Path(qwenlab.__file__).parent
    secret = (around.folder / "secret").read_text(encoding="utf-8")
    aim = json.dumps(around.targets | {"judge": os.getpid(), "package": str(package)})
    programs = [Program("hostile", _problem(aim, RIGHT, 1.0), hostile)]
    programs += [Program(name, _problem("", right, 8.0), source) for name, (source, right, _) in HONEST.items()]
    sandbox.said = []
    first, *others = judge(programs, sandbox, SETTINGS)
    said = b"\n".join(sandbox.said)
    faults = [text for text in map(_wrong, others) if text]
    if first.verdict in (Verdict.AC, Verdict.SE):
        faults.append(f"its own verdict is {first.verdict}: {first.failing_test and first.failing_test.error}")
    faults += [f"read {canary!r}" for canary in (secret, CANARY, RIGHT) if canary.encode() in said]
    if b"ESCAPED" in said:
        faults.append(said[said.index(b"ESCAPED") :][:500].decode(errors="replace"))
    faults += [f"reached {name}" for name in around.callers()]
    if around.changed():
        faults.append("changed the secret or its folder")
    if running := descendants(os.getpid()) - {launcher.process.pid for launcher in sandbox.launchers}:
        faults.append(f"{len(running)} processes are left")
    return faults


def _problem(given: str, right: str, time_s: float) -> Problem:
    return Problem(name="problem", description="", tests=(Test(given, right),), time_limit_s=time_s)


def _wrong(result: ProgramResult) -> str:
    expected = HONEST[result.name][2]
    if result.verdict == expected:
        return ""
    error = result.failing_test.error[-300:] if result.failing_test else ""
    return f"the honest program {result.name!r} has {result.verdict} instead of {expected}: {error}"


@contextmanager
def recording(plan: Plan) -> Iterator[Recording]:
    with Recording(plan, judging_interpreter()) as sandbox:
        yield sandbox


def main() -> None:
    """Judge until the input ends."""
    backend, user = sys.argv[1:]
    os.environ["QWENLAB_CANARY"] = CANARY
    plan = next(known.plan for known in BACKENDS if known.name == backend)(judging_interpreter())
    assert isinstance(plan, Plan), plan.reason
    if user == "user" and os.geteuid() == 0:
        with recording(plan) as sandbox, surroundings() as around:
            lost("", sandbox, around)  # imports what the user may not be able to read
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    with recording(plan) as sandbox:
        for _ in serve(sandbox):
            pass


if __name__ == "__main__":
    main()
