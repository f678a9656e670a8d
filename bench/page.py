"""What the page weighs and what it sends: opened, left alone, and while a training runs; of one or more checkouts.

    python -m bench.page
    python -m bench.page ../older .          # before and after, in one run
    python -m bench.page --seconds 120

Bytes are what goes over the wire, heads and compression included, as Chromium counts them. A page is usable once the
line on top and the Start button are there. The training is the tiny Qwen's, started in a terminal, while the Train tab
looks on. The redraw is `bench.ui`'s, of a run of 20,000 points.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OPENINGS = 3
TABS = ("Data", "Train", "Compare", "Result|Evaluate", "Runs")
SETTINGS = (
    "train.max_steps=100000", "train.eval_steps=50", "train.save_steps=100000", "train.early_stopping_patience=0",
)  # fmt: skip
TENTH_STEP = re.compile(rb'"step": ?1\d,')
KB = 1000


class Wire:
    """Counts what a page receives and sends."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.requests = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.loadingFinished", self._finished)

    def _finished(self, event: dict[str, float]) -> None:
        self.bytes += int(event["encodedDataLength"])
        self.requests += 1

    def minute(self, page: Page, seconds: float) -> tuple[float, float]:
        """KB and requests a minute, from now on."""
        before, asked, begun = self.bytes, self.requests, time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        share = (time.monotonic() - begun) / 60
        return (self.bytes - before) / KB / share, (self.requests - asked) / share


@contextmanager
def app(tree: Path, runs: Path) -> Iterator[str]:
    """The address of the checkout's page over this folder of runs."""
    output = runs.parent / f"{tree.resolve().name}.txt"
    with output.open("wb") as file:
        command = [sys.executable, "app.py", "--port", "0", "--runs", str(runs.resolve())]
        process = subprocess.Popen(command, cwd=tree, stdout=file, stderr=subprocess.STDOUT)
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", output.read_text())):
            if process.poll() is not None:
                sys.exit(output.read_text())
            time.sleep(0.1)
        yield found[0]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def training(tree: Path, runs: Path) -> Iterator[None]:
    """The tiny Qwen at it, from its tenth step on."""
    command = ["-m", "qwenlab.train", "recipes/tiny.toml", *(part for one in SETTINGS for part in ("--set", one))]
    process = subprocess.Popen(
        [sys.executable, *command, "--runs", str(runs.resolve())], cwd=tree, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not any(TENTH_STEP.search(file.read_bytes()) for file in runs.glob("*/events.jsonl")):
            if process.poll() is not None:
                sys.exit(f"The training of {tree} ended.")
            time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait()


def opened(browser: Browser, url: str) -> tuple[float, float, int]:
    """Seconds until it is usable, KB and requests until it is quiet."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    wire, begun = Wire(page), time.monotonic()
    page.goto(url)
    page.locator("#machine .strip").wait_for()
    page.locator("#start").wait_for()
    usable = time.monotonic() - begun
    page.wait_for_timeout(1500)
    page.close()
    return usable, wire.bytes / KB, wire.requests


def measure(tree: Path, browser: Browser, seconds: float) -> None:
    """Print the figures of one checkout."""
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name) / "runs"
        runs.mkdir()
        with app(tree, runs) as url:
            opened(browser, url)  # what is made at the first question
            openings = [opened(browser, url) for _ in range(OPENINGS)]
            usable = [each[0] for each in openings]
            print(
                f"{tree}: usable after {statistics.median(usable):.2f} s ({min(usable):.2f} to {max(usable):.2f}), "
                f"{openings[-1][1]:.0f} KB in {openings[-1][2]} requests",
                flush=True,
            )
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            wire = Wire(page)
            page.goto(url)
            page.locator("#machine .strip").wait_for()
            for tab in TABS:
                page.get_by_role("tab", name=re.compile(tab)).click()
                page.wait_for_timeout(3000)
                size, asked = wire.minute(page, seconds / 3)
                print(f"  idle on {tab}: {size:.1f} KB and {asked:.0f} requests a minute", flush=True)
            page.get_by_role("tab", name="Train").click()
            with training(tree, runs):
                page.wait_for_timeout(5000)
                size, asked = wire.minute(page, seconds)
                print(f"  training, on Train: {size:.1f} KB and {asked:.0f} requests a minute", flush=True)
            page.close()
    told = subprocess.run(
        [sys.executable, "-m", "bench.ui", "--pairs", "0"], cwd=tree, capture_output=True, text=True, check=True
    )
    print(f"  {told.stdout.strip()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("trees", nargs="*", type=Path, default=[Path()], help="checkouts, the oldest first")
    parser.add_argument("--seconds", type=float, default=60, help="of the training that is looked on at")
    chosen = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for tree in chosen.trees:
            measure(tree, browser, chosen.seconds)
        browser.close()


if __name__ == "__main__":
    main()
