"""The pictures of the documents: a first-time user's five clicks, on the tiny Qwen, really trained and evaluated.

    python -m tests.ui.browser.screenshots docs/images

From a clone that has no runs yet: the pictures show a first run, and the commands as a user sees them.
"""

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect, sync_playwright

from tests.trained import end_launches
from tests.ui.browser.conftest import CHROMIUM, FLAGS, Lab

RUNS = Path("runs")
PATIENCE = 3_600_000
"""Milliseconds. Nobody waits for a picture, and the machine may have other things to do."""
COLOURS = 256
LARGEST = 200_000
"""Bytes of a picture: documents are read over slow lines too."""


def main(folder: Path) -> None:
    """Go the way and take a picture at each station."""
    if RUNS.exists():
        sys.exit("There are runs here already: the pictures show the first one. Make another clone.")
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        lab = Lab(RUNS, browser)
        lab.page.set_default_timeout(PATIENCE)
        try:
            lab.start()
            five_clicks(lab, folder)
            other_tabs(lab, folder)
        finally:
            lab.page.close()
            lab.kill()
            end_launches(RUNS)
            browser.close()
    assert lab.errors == [], lab.errors


def five_clicks(lab: Lab, folder: Path) -> None:
    """Start training, Compare, Answer side by side, Did it help?, Evaluate; and the pictures on the way."""
    page = lab.page
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#curves .dotlabel").first).to_be_visible()
    picture(lab, folder / "training.png")
    lab.stage("finished")
    picture(lab, folder / "trained.png")

    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("")
    page.get_by_role("button", name="Answer side by side").click()
    expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
    page.get_by_role("button", name="Run the code").click()
    expect(page.locator("#columns .tuned .chip")).to_be_visible()
    picture(lab, folder / "compare.png")

    page.get_by_role("button", name="Did it help?").last.click()
    expect(page.locator("#suites")).to_contain_text("shows a gain from")
    page.locator("#evaluate").click()
    report = page.frame_locator("#evaluation-report iframe")
    expect(report.locator(".criterion").first).to_be_visible()
    picture(lab, folder / "evaluate.png", whole=False)  # of a frame, only what is in view is painted
    opened = report.locator(".problem.gained").first
    opened.locator("summary").first.click()
    expect(opened.locator(".code").first).to_be_visible()
    picture(lab, folder / "problem.png", opened)


def other_tabs(lab: Lab, folder: Path) -> None:
    """What the five clicks passed by."""
    page = lab.page
    lab.tab("Runs")
    expect(page.locator("#history tbody tr").first).to_be_visible()
    page.get_by_label("Runs to look at").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    expect(page.locator("#compared path.line").first).to_be_visible()
    picture(lab, folder / "runs.png")
    lab.tab("Data")
    page.get_by_role("button", name="Check the data").click()
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
