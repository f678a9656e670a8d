"""The pictures of the documents: a first-time user's four clicks, on the tiny Qwen, really trained and evaluated.

    python -m tests.ui.browser.screenshots docs/images

From a clone that has no runs yet: the pictures show a first run, and the commands as a user sees them.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect, sync_playwright

from tests.chromium import CHROMIUM, FLAGS
from tests.trained import end_launches
from tests.ui.browser.conftest import App, Lab

RUNS = Path("runs")
PATIENCE = 3_600_000
"""Milliseconds. Nobody waits for a picture, and the machine may have other things to do."""
COLOURS = 256
LARGEST = 200_000
"""Bytes of a picture: documents are read over slow lines too."""


def main(folder: Path) -> None:
    """Go the way and take a picture at each station."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with first_lab() as lab:
        four_clicks(lab, folder)
        looked_at(lab, folder)
        assert lab.errors == [], lab.errors


@contextmanager
def first_lab() -> Iterator[Lab]:
    """The page of somebody who has no runs yet; in the end all that was started is ended."""
    if RUNS.exists():
        sys.exit("There are runs here already, and this is to show the first one. Make another clone.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        lab = Lab(App(RUNS), browser)
        lab.page.set_default_timeout(PATIENCE)
        try:
            lab.start()
            yield lab
        finally:
            lab.page.close()
            lab.app.kill()
            end_launches(RUNS)
            browser.close()


def clicked(lab: Lab, name: str) -> None:
    """Press the button of this name that is in view."""
    lab.page.get_by_role("button", name=name).locator("visible=true").click()


def four_clicks(lab: Lab, folder: Path, press: Callable[[Lab, str], None] = clicked) -> None:
    """Start training, Compare, Answer side by side, Did it help?; and the pictures on the way."""
    page = lab.page
    assert page.get_by_label("Recipe", exact=True).input_value() == "tiny"
    press(lab, "Start training")
    expect(page).to_have_title(re.compile(r"^\d+ % tiny, .* · qwenlab$"))
    expect(page.locator("#curves")).to_contain_text("best 0.")
    picture(lab, folder / "training.png")
    lab.stage("finished", PATIENCE)
    expect(page).to_have_title("qwenlab")
    expect(page.get_by_role("tab", name="Train ✓")).to_be_visible()
    picture(lab, folder / "trained.png")

    press(lab, "Compare")
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("")
    press(lab, "Answer side by side")
    expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
    picture(lab, folder / "compare.png")

    press(lab, "Did it help?")
    expect(page.locator("#evaluation-report svg.result-card")).to_be_visible()
    picture(lab, folder / "evaluate.png", whole=False)


def looked_at(lab: Lab, folder: Path) -> None:
    """A problem of the result, and what the four clicks passed by."""
    page = lab.page
    page.locator("#items [role=option].gained").first.click()
    expect(page.locator("#item .code").first).to_be_visible()
    picture(lab, folder / "problem.png", page.locator("#item"))
    lab.tab("Runs")
    page.locator("#history tbody tr .open").first.click()
    expect(page.locator("#compared .overlay-key").first).to_be_visible()
    picture(lab, folder / "runs.png")
    lab.tab("Data")
    page.get_by_role("button", name="Try the bundled data").click()
    expect(page.locator("#train-on-this")).to_be_visible()
    picture(lab, folder / "data.png")


def picture(lab: Lab, file: Path, part: Locator | None = None, whole: bool = True) -> None:
    """The page, or a part of it, after a moment in which it settles; in so few colours that the file is small."""
    lab.page.wait_for_timeout(1500)
    if part:
        part.screenshot(path=file)
    else:
        lab.page.screenshot(path=file, full_page=whole)
    with Image.open(file) as image:
        image.convert("RGB").quantize(COLOURS).save(file, optimize=True)
    size = file.stat().st_size
    assert size < LARGEST, f"{file} has {size:,} bytes"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
