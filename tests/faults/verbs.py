"""Verbs as processes that are killed where an attempt wants them killed.

    with Verbs(folder) as verbs:
        verbs.run("train", ["recipes/tiny.toml"], kill=At("callback.py", 120, 3))

Importing torch and TRL takes longer than these jobs do. So one process imports them, and forks for every verb; whoever
is killed, by SIGKILL, is such a fork. What it leaves running becomes a child of that process, where it is found.
"""

import ctypes
import importlib
import json
import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Container, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import psutil

from tests.conftest import ROOT

PATIENCE_S = 20.0
"""How long what a killed process has started may take to see it and end."""


class At(NamedTuple):
    """A line of the program, and how many times it is reached before the kill."""

    file: str
    """The end of its path, such as `training/callback.py`."""
    line: int
    time: int
    """From 1."""
    function: str = ""
    """For people."""

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line}, time {self.time})"


class Verbs:
    """The process that has imported everything; usable as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.verbs"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(
        self, verb: str, arguments: Sequence[object], *, kill: At | float | None = None, passed: Path | None = None
    ) -> "Ended":
        """Run `qwenlab VERB arguments...` to its end, or kill it at a line, or after so many seconds.

        Args:
            passed: a file that gets the lines that were passed, an `At` each.
        """
        log = self._folder / f"{time.time_ns()}-{verb}.log"
        asked = {
            "verb": verb,
            "arguments": [str(argument) for argument in arguments],
            "log": str(log),
            "at": kill if isinstance(kill, At) else None,
            "after": kill if isinstance(kill, float) else None,
            "passed": str(passed) if passed else None,
        }
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code, seconds = json.loads(self._process.stdout.readline())
        return Ended(code, seconds, log.read_text(encoding="utf-8", errors="replace"))

    def left_running(self) -> list[str]:
        """The commands of what ended verbs have left running, once it had time to see that."""
        process, deadline = psutil.Process(self._process.pid), time.monotonic() + PATIENCE_S
        while (found := process.children(recursive=True)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [" ".join(_command(child)) for child in found if _command(child)]


class Ended(NamedTuple):
    """How a verb ended."""

    code: int
    """As `os.waitstatus_to_exitcode`: -9 where it was killed."""
    seconds: float
    said: str


def passed_lines(file: Path) -> list[At]:
    """What `Verbs.run` has written to `passed`, in order."""
    return [At(*json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.NoSuchProcess:
        return []


# In the process that forks:

WATCHED = (
    "training/", "runs/", "jobs/", "exporting/", "evaluation/generation", "evaluation/scoring", "report/render",
    "files.py",
)  # fmt: skip
"""Where in the package a kill may be wished for."""

WRITING = {
    "_save_checkpoint", "save_model", "_save_optimizer_and_scheduler", "_save_rng_state", "save_to_json",
    "rotate_checkpoints",
}  # fmt: skip
"""What the trainer writes a checkpoint by; in transformers."""


IMPORTED = (
    "scipy.stats", "transformers.models.qwen2.modeling_qwen2", "qwenlab.train", "qwenlab.jobs.train",
    "qwenlab.jobs.fit", "qwenlab.evaluate", "qwenlab.jobs.evaluate", "qwenlab.inference.local", "qwenlab.export",
    "qwenlab.jobs.export",
    "qwenlab.exporting.make",
)  # fmt: skip
NEUTRAL = 12
"""Conversations that drift is measured on: all of them would take longer than the training."""


def _few(neutral: Any) -> Any:
    conversations, version = neutral()
    return conversations[:NEUTRAL], version


def _short_self_check(sandbox: Any, private: Any) -> Any:
    """Two of the programs that the sandbox has to withstand."""
    from qwenlab.evaluation.programs.selfcheck.programs import TRIALS
    from qwenlab.evaluation.programs.selfcheck.run import self_check

    return self_check(sandbox, [trial for trial in TRIALS if trial.name in ("a right answer", "network")], private)


def _serve() -> None:
    """Fork for each line on stdin; of each, a line on stdout: the exit code, and the seconds it took."""
    from qwenlab.training.engine import set_environment

    set_environment()
    for name in IMPORTED:
        importlib.import_module(name)
    from qwenlab.evaluation import drift
    from qwenlab.evaluation.programs.selfcheck import select

    drift.neutral = partial(_few, drift.neutral)
    vars(select)["self_check"] = _short_self_check
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _verb(**asked)
        code = _wait(child, begun + asked["after"] if asked["after"] else None)
        print(json.dumps([code, time.monotonic() - begun]), flush=True)


def _wait(child: int, kill_at: float | None) -> int:
    """Until the child has ended; whatever else has ended meanwhile is reaped too."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return os.waitstatus_to_exitcode(status)
        if ended == 0:
            if kill_at is not None and time.monotonic() >= kill_at:
                os.kill(child, 9)
                kill_at = None
            time.sleep(0.01)


def _verb(
    verb: str, arguments: list[str], log: str, at: list[Any] | None, after: float | None, passed: str | None
) -> None:
    """Be the verb, and never come back."""
    from qwenlab import cli

    code = 1
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if at or passed:
            sys.settrace(_Watch(At(*at) if at else None, Path(passed) if passed else None).called)
        cli.run(importlib.import_module(f"qwenlab.{verb}").main, f"qwenlab {verb}", arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  as Python itself would end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _Watch:
    """A trace function: it counts the lines that are passed, and kills at one of them."""

    def __init__(self, at: At | None, passed: Path | None) -> None:
        self._at = at
        self._passed = passed.open("w", encoding="utf-8") if passed else None
        self._counts: dict[tuple[str, int], int] = {}
        self._names: dict[Any, str] = {}
        """By code object; a function's is looked up at each of its calls."""

    def called(self, frame: Any, event: str, argument: Any) -> Any:
        return self._line if self._name(frame.f_code) else None

    def _line(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            name, line = self._name(frame.f_code), frame.f_lineno
            count = self._counts[name, line] = self._counts.get((name, line), 0) + 1
            if self._passed:
                self._passed.write(json.dumps([name, line, count, frame.f_code.co_name]) + "\n")
                self._passed.flush()
            if self._at and self._at[:3] == (name, line, count):
                os.kill(os.getpid(), 9)
        return self._line

    def _name(self, code: Any) -> str:
        if code not in self._names:
            self._names[code] = _watched(code.co_filename, code.co_name)
        return self._names[code]


def _watched(path: str, function: str) -> str:
    """The file's path in the package; empty: not watched."""
    if "/qwenlab/" in path:
        name = path.rpartition("/qwenlab/")[2]
        return name if name.startswith(WATCHED) else ""
    return path.rpartition("/")[2] if function in WRITING and "/transformers/" in path else ""


def kills(lines: Sequence[At], telling: Container[str], seconds: float, count: int) -> Iterator[At | float]:
    """So many places to kill a job at that passes these lines in so many seconds.

    Half of them are spread over the lines of the functions that are `telling`, each line once; then come lines that
    are drawn, and moments.
    """
    draw = random.Random(18)
    named = list({at[:2]: at for at in lines if at.function in telling}.values())
    at_names = max(count // 2, 1)
    yield from spread(named, at_names)
    for number in range(count - at_names):
        yield draw.choice(lines) if number % 2 else 0.3 + draw.random() * seconds


def spread(places: Sequence[At], count: int) -> Iterator[At]:
    """So many of them, from the first to the last, evenly."""
    yield from (places[round(index * (len(places) - 1) / max(count - 1, 1))] for index in range(count))


if __name__ == "__main__":
    _serve()
