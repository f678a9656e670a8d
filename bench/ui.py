"""What looking costs: a long run's redraw, and a training while browsers poll it.

    python -m bench.ui
    python -m bench.ui --pairs 8 --browsers 30
    python -m bench.ui --pairs 0 --events 500000    # the redraw alone

The redraw is what the server does for one browser after an event, with nothing kept from before. The browsers are
clients that ask what the page on its Train tab asks, at the pace that the app tells them; the app is a process of its
own. They look at one long training, and look away, in turns: each pair is two neighbouring stretches of it, so that
both sides see the same machine. The clients' own work, elsewhere done on other machines, counts against us here.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.browsers import Browsers
from qwenlab.runs import Run, list_runs
from qwenlab.runs.events import Train, Validation, of_kind

REDRAWS = 10
STRETCH_SECONDS = 20.0
MB = 1e6


def redraw(folder: Path, events: int) -> list[float]:
    """Seconds of each redraw of a run with so many points."""
    from qwenlab.recipe import Recipe
    from qwenlab.ui.views.run_panel import afresh

    run = Run.create(folder, Recipe(), "long")
    log = run.log
    for step in range(1, events + 1):
        log.write(
            Train(
                step=step, epoch=1.0, loss=2 / step, learning_rate=1e-4, grad_norm=0.5, samples_per_second=8.0,
                tokens_per_second=1e3, gpu_memory_gb=None, eta_s=1.0,
            )
        )  # fmt: skip
    run.update(total_steps=events, started=run.read().created)
    taken = []
    for step in range(REDRAWS):
        log.write(Validation(step=events, eval_loss=1.0 + step))  # so that nothing kept is valid
        begun = time.perf_counter()
        afresh(folder, "")
        taken.append(time.perf_counter() - begun)
    return taken


def training(runs: Path) -> "subprocess.Popen[bytes]":
    """A training of the tiny Qwen that goes on until it is ended."""
    settings = ["train.max_steps=100000", "train.eval_steps=100000", "train.save_steps=100000"]
    command = ["-m", "qwenlab.train", "recipes/tiny.toml", *(p for s in settings for p in ("--set", s)), "--runs", runs]
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def step_times(runs: Path) -> list[float]:
    """When each step ended, in seconds since 1970."""
    return [event.time for run in list_runs(runs) for event in of_kind(run.events, Train)]


def stretch(runs: Path) -> float:
    """Steps per second, from now on."""
    begun = time.time()
    time.sleep(STRETCH_SECONDS)
    times = [moment for moment in step_times(runs) if moment >= begun]
    return (len(times) - 1) / (times[-1] - times[0])


def watch(runs: Path, browsers: Browsers, pairs: int) -> list[float]:
    """Speed watched over alone, pair by pair."""
    ratios = []
    for number in range(pairs):
        # Alternating which comes first takes out what grows with the length of the run.
        speeds = {}
        for watched in (number % 2 == 0, number % 2 == 1):
            (browsers.awake.set if watched else browsers.awake.clear)()
            speeds[watched] = stretch(runs)
        ratios.append(speeds[True] / speeds[False])
        print(f"steps/s: {speeds[False]:.2f} alone, {speeds[True]:.2f} watched", flush=True)
    return ratios


def wait_for(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--browsers", type=int, default=30)
    parser.add_argument("--events", type=int, default=20_000, help="of the run that is redrawn")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = [1000 * seconds for seconds in redraw(folder / "long", chosen.events)]
        print(f"redraw of {chosen.events:,} events, ms: {_spread(taken)}")
        if not chosen.pairs:
            return
        runs, output = folder / "runs", folder / "app.txt"
        processes = [training(runs)]
        try:
            with output.open("wb") as file:
                command = [sys.executable, "app.py", "--port", "0", "--runs", str(runs)]
                processes.append(subprocess.Popen(command, stdout=file))
            wait_for(lambda: re.search(r"http://\S+", output.read_text()) and len(step_times(runs)) > 10)
            found = re.search(r"http://127\.0\.0\.1:\d+", output.read_text())
            assert found, output.read_text()
            with Browsers(found[0], chosen.browsers) as browsers:
                browsers.awake.set()
                time.sleep(STRETCH_SECONDS)  # the pages open, and learn their pace
                app, sizes = psutil.Process(processes[-1].pid), []
                sizes.append(app.memory_info().rss / MB)
                ratios = watch(runs, browsers, chosen.pairs)
                sizes.append(app.memory_info().rss / MB)
                print(f"{browsers.asked:,} polls of {chosen.browsers} browsers")
        finally:
            for process in processes:
                process.terminate()
                process.wait()
        print(f"speed watched over alone: {_spread(ratios)}")
        print(f"memory of the app: {sizes[0]:.0f} MB before, {sizes[1]:.0f} MB after")


def _spread(values: list[float]) -> str:
    return f"min {min(values):.3g}, median {statistics.median(values):.3g}, max {max(values):.3g}"


if __name__ == "__main__":
    main()
