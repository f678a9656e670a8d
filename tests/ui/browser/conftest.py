"""The real app as a process, the distribution's Chromium in front of it, and real trainings behind it."""

import os
import re
import shutil
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


class App:
    """The page's server, as a process over a folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.url = ""
        self.output = runs.parent / "app.txt"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """At the same address as before if there was one."""
        port = self.url.rpartition(":")[2] or "0"
        with self.output.open("ab") as file:
            before = file.tell()
            command = [sys.executable, "app.py", "--port", port, "--runs", str(self.runs)]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE / 1000
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+", self.output.read_bytes()[before:])):
            assert self.is_alive and time.monotonic() < end, self.output.read_text()
            time.sleep(0.1)
        self.url = found[0].decode()

    def kill(self) -> None:
        """End it without a word, as a closed terminal would."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def forget(self) -> None:
        """End what was started over these runs, and delete them."""
        for run in list_runs(self.runs):
            pid = run.read().pid
            if run.is_alive and pid:
                os.kill(pid, signal.SIGKILL)
        end_launches(self.runs)
        end = time.monotonic() + PATIENCE / 1000
        while self.runs.exists():
            assert time.monotonic() < end, f"something goes on writing to {self.runs}"
            shutil.rmtree(self.runs, ignore_errors=True)
            time.sleep(0.1)


class Lab:
    """A page that looks at an app."""

    def __init__(self, app: App, browser: Browser) -> None:
        self.app = app
        self.runs = app.runs
        self.errors: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))

    @property
    def url(self) -> str:
        return self.app.url

    def start(self) -> None:
        """Start the app where it does not run, and open the page."""
        if not self.app.is_alive:
            self.app.start()
        self.open()

    def open(self) -> None:
        self.page.goto(self.url)
        self.page.locator("#machine .strip").wait_for()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def stage(self, text: str, patience: int = PATIENCE) -> None:
        """Wait until the card of the run says so."""
        self.page.locator("#stage").get_by_text(text).first.wait_for(timeout=patience)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One for all tests of a process: a user's app, too, stays while runs come and go."""
    app = App(tmp_path_factory.mktemp("app") / "runs")
    yield app
    if app.is_alive:
        app.kill()


@pytest.fixture
def lab(app: App, browser: Browser) -> Iterator[Lab]:
    """A page over no run yet; at the end, nothing may have been wrong in the console."""
    lab = Lab(app, browser)
    lab.start()
    yield lab
    lab.page.close()
    app.forget()
    assert lab.errors == [], app.output.read_text(encoding="utf-8")


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
