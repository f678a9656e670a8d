"""How fast the judge starts programs, beside plain python3 started as often.

    python -m bench.judge
    python -m bench.judge --backend Landlock --workers 4

Both run the same trivial program with the same interpreter, the same number at a time, in turns of a few seconds. The
judge's figure has everything in it: the sandbox, the limits, reading the output, comparing it, the verdict.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox import Sandbox
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.selfcheck.select import BACKENDS, FitSandbox, fit_sandbox
from qwenlab.evaluation.programs.verdict import Verdict

SOURCE = "print(sum(map(int, input().split())))"
PROBLEM = Problem(name="sum", description="", tests=(Test("40 2\n", "42\n"),))
TESTS_EACH = 10


def main(
    backend: Annotated[str, typer.Option(help="Which sandbox.")] = BACKENDS[0].name,
    workers: Annotated[int, typer.Option(help="Programs at a time.")] = os.cpu_count() or 1,
    runs: Annotated[int, typer.Option(help="Runs in a turn.")] = 200,
    repeats: Annotated[int, typer.Option(help="Turns of each.")] = 7,
) -> None:
    """Print runs per second of both, and their ratio, as minimum, median and maximum."""
    with fit_sandbox([known for known in BACKENDS if known.name == backend]) as found:
        if not isinstance(found, FitSandbox):
            raise UserError(found.reason, found.mend)
        turns: dict[str, Callable[[int], None]] = {
            f"judged, {backend}": lambda number: _judge(found.sandbox, workers, number),
            "plain python3": lambda number: _plain(workers, number),
        }
        rates: dict[str, list[float]] = {name: [] for name in turns}
        for repeat in range(repeats + 1):
            for name, turn in turns.items():
                began = time.perf_counter()
                turn(runs)
                if repeat:  # the first turn warms up
                    rates[name].append(runs / (time.perf_counter() - began))
    judged, plain = rates.values()
    ratios = [ours / theirs for ours, theirs in zip(judged, plain, strict=True)]
    print(f"{workers} at a time, {repeats} turns of {runs} runs each, load {os.getloadavg()[0]:.1f}: min, median, max")
    for name, measured in {**rates, "ratio": ratios}.items():
        print(f"{name:24}{min(measured):8.2f}{statistics.median(measured):8.2f}{max(measured):8.2f}")


def _judge(sandbox: Sandbox, workers: int, runs: int) -> None:
    problem = PROBLEM.model_copy(update={"tests": PROBLEM.tests * TESTS_EACH})
    programs = [Program("sum", problem, SOURCE)] * (runs // TESTS_EACH)
    results = judge(programs, sandbox, JudgeSettings(workers=workers))
    assert all(result.verdict == Verdict.AC for result in results)


def _plain(workers: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.py").write_text(SOURCE, encoding="utf-8")
        (folder / "input").write_text(PROBLEM.tests[0].input, encoding="utf-8")
        command = judging_interpreter().command(str(folder / "main.py"))

        def start(_: int) -> None:
            with (folder / "input").open("rb") as stdin, tempfile.TemporaryFile(dir=folder) as stdout:
                subprocess.run(command, stdin=stdin, stdout=stdout, check=True)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(start, range(runs)))


if __name__ == "__main__":
    cli.run(main, "python -m bench.judge")
