"""The real app as a process, the distribution's Chromium in front of it, and real trainings behind it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from qwenlab.runs import list_runs
from tests.conftest import ROOT
from tests.trained import end_launches

PATIENCE = 180_000
"""Milliseconds: a training beside other work on two cores."""

expect.set_options(timeout=PATIENCE)


class Lab:
    """The app over a folder of runs, and a page that looks at it."""

    def __init__(self, runs: Path, browser: Browser) -> None:
        self.runs = runs
        self.url = ""
        self.output = runs.parent / "app.txt"
        self.errors: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))

    def start(self) -> None:
        """Start the app, at the same address as before if there was one, and open the page."""
        port = self.url.rpartition(":")[2] or "0"
        with self.output.open("ab") as file:
            before = file.tell()
            command = [sys.executable, "app.py", "--port", port, "--runs", str(self.runs)]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE / 1000
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+", self.output.read_bytes()[before:])):
            assert self._process.poll() is None and time.monotonic() < end, self.output.read_text()
            time.sleep(0.1)
        self.url = found[0].decode()
        self.open()

    def open(self) -> None:
        self.page.goto(self.url)
        self.page.locator("#machine .strip").wait_for()

    def kill(self) -> None:
        """End the app without a word, as a closed terminal would."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def stage(self, text: str, patience: int = PATIENCE) -> None:
        """Wait until the card of the run says so."""
        self.page.locator("#stage").get_by_text(text).first.wait_for(timeout=patience)

    def end_trainings(self) -> None:
        for run in list_runs(self.runs):
            pid = run.read().pid
            if run.is_alive and pid:
                os.kill(pid, signal.SIGKILL)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")


@pytest.fixture
def lab(tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    """The app with no run yet; at the end, nothing may have been wrong in the console."""
    lab = Lab(tmp_path / "runs", browser)
    lab.start()
    yield lab
    lab.page.close()
    lab.kill()
    lab.end_trainings()
    end_launches(lab.runs)
    assert lab.errors == [], lab.output.read_text(encoding="utf-8")


Waited = Callable[[Callable[[], bool]], None]


@pytest.fixture
def waited() -> Waited:
    """Wait until something holds, outside the browser."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.1)

    return wait
