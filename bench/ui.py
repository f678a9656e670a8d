"""What looking costs: a long run's redraw, and a training while browsers poll it.

    python -m bench.ui
    python -m bench.ui --pairs 3 --browsers 30

The redraw is what the server does for one browser after an event, with nothing kept from before; the polling asks all
that a page asks every two seconds, over HTTP, as many times as there are browsers, of the app as a process. Trainings
with and without it take turns, so that both sides see the same machine.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from qwenlab.runs import Run, list_runs

EVENTS = 20_000
REDRAWS = 10
STEPS = 60
POLL_SECONDS = 2.0


def redraw(folder: Path) -> list[float]:
    """Seconds of each redraw of a run with `EVENTS` points."""
    from qwenlab.recipe import Recipe
    from qwenlab.ui.stage_view import afresh

    run = Run.create(folder, Recipe(), "long")
    log = run.log
    numbers = {"epoch": 1.0, "learning_rate": 1e-4, "grad_norm": 0.5, "tokens_per_second": 1e3, "eta_s": 1.0}
    for step in range(1, EVENTS + 1):
        log.write("train", step=step, loss=2 / step, gpu_memory_gb=None, **numbers)
    run.update(total_steps=EVENTS, started=run.read().created)
    taken = []
    for step in range(REDRAWS):
        log.write("eval", step=EVENTS, eval_loss=1.0 + step)  # so that nothing kept is valid
        begun = time.perf_counter()
        afresh(folder, "")
        taken.append(time.perf_counter() - begun)
    return taken


def train(runs: Path) -> float:
    """Steps per second of a short training of the tiny Qwen, from its first step to its last."""
    settings = [f"train.max_steps={STEPS}", "train.eval_steps=1000"]
    command = ["-m", "qwenlab.train", "recipes/tiny.toml", *(p for s in settings for p in ("--set", s)), "--runs", runs]
    subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True)
    times = [event["time"] for event in list_runs(runs)[-1].events if event["kind"] == "train"]
    return float((len(times) - 1) / (times[-1] - times[0]))


class Browsers:
    """Clients that ask the app every two seconds what its page asks."""

    def __init__(self, url: str, count: int) -> None:
        self._url, self._over = url, threading.Event()
        self._threads = [threading.Thread(target=self._poll, args=(number / count,)) for number in range(count)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, offset: float) -> None:
        import httpx

        with httpx.Client(base_url=self._url, timeout=60) as client:
            config = client.get("/config").json()
            polls = [one for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "tick"]
            live = [one for one in polls if _is_active(config, one["targets"][0][0])]
            values = {one["id"]: one["props"].get("value") for one in config["components"]}
            self._over.wait(offset * POLL_SECONDS)
            while not self._over.is_set():
                begun = time.monotonic()
                for one in live:
                    data = [values[part] for part in one["inputs"]]
                    body = {"data": data, "fn_index": one["id"], "session_hash": f"bench{offset}"}
                    client.post("/gradio_api/run/predict", json=body).raise_for_status()
                self._over.wait(max(POLL_SECONDS - (time.monotonic() - begun), 0))


def _is_active(config: Any, timer: int) -> bool:
    return any(one["id"] == timer and one["props"].get("active", True) for one in config["components"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--browsers", type=int, default=30)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = [1000 * seconds for seconds in redraw(folder / "long")]
        print(f"redraw of {EVENTS:,} events, ms: {_spread(taken)}")
        ratios = []
        runs, output = folder / "runs", folder / "app.txt"
        with output.open("wb") as file:
            app = subprocess.Popen([sys.executable, "app.py", "--port", "0", "--runs", str(runs)], stdout=file)
        try:
            while not (found := re.search(r"http://127\.0\.0\.1:\d+", output.read_text())):
                time.sleep(0.1)
            for _ in range(chosen.pairs):
                alone = train(runs)
                with Browsers(found[0], chosen.browsers):
                    watched = train(runs)
                ratios.append(watched / alone)
                print(f"steps/s alone {alone:.2f}, watched by {chosen.browsers}: {watched:.2f}")
        finally:
            app.terminate()
            app.wait()
        print(f"speed watched over alone: {_spread(ratios)}")


def _spread(values: list[float]) -> str:
    return f"min {min(values):.3g}, median {statistics.median(values):.3g}, max {max(values):.3g}"


if __name__ == "__main__":
    main()
