"""The moving picture at the top of the README: the four clicks of a first run, shortened.

    python -m tests.ui.browser.film docs/images/first-run.gif

From a clone that has no runs yet. A frame is taken whenever the page looks different; waiting is cut.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Page

from tests.ui.browser.conftest import Lab
from tests.ui.browser.screenshots import PATIENCE, clicked, first_lab

SIZE = {"width": 1200, "height": 760}
SHOWN = (900, 570)
COLOURS = 64
LARGEST = 3_000_000
"""Bytes of the film."""
BETWEEN_S = 1.5
"""Seconds between two looks while something grows."""
STILL_MS, MOVING_MS = 1800, 350
"""How long a frame stands that is to be read, and one of something that grows."""
MOST_MOVING = 14
"""Frames of one thing that grows; of more, some are left out evenly."""


class Film:
    """Frames with the time that each stands."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[tuple[Image.Image, int]] = []

    def still(self) -> None:
        self._take(STILL_MS)

    def while_it_grows(self, is_over: Callable[[], bool]) -> None:
        """Look again and again until it is over; keep what is different."""
        begun, first = time.monotonic(), len(self.frames)
        while not is_over():
            assert 1000 * (time.monotonic() - begun) < PATIENCE, "it does not end"
            self._take(MOVING_MS)
            time.sleep(BETWEEN_S)
        grown = self.frames[first:]
        if len(grown) > MOST_MOVING:
            grown = [grown[round(place * (len(grown) - 1) / (MOST_MOVING - 1))] for place in range(MOST_MOVING)]
        self.frames[first:] = grown
        self.still()

    def save(self, file: Path) -> None:
        """As a GIF that is played again and again."""
        palette = self._all_in_one().quantize(COLOURS)
        frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in self.frames]
        frames[0].save(
            file, save_all=True, append_images=frames[1:], duration=[stands for _, stands in self.frames], loop=0,
            optimize=True,
        )  # fmt: skip
        assert len(frames) > 1 and file.stat().st_size < LARGEST, f"{file} has {file.stat().st_size:,} bytes"

    def _all_in_one(self) -> Image.Image:
        """The frames above each other, smaller: every colour that any of them has."""
        width, height = SHOWN[0] // 3, SHOWN[1] // 3
        sheet = Image.new("RGB", (width, height * len(self.frames)))
        for place, (frame, _) in enumerate(self.frames):
            sheet.paste(frame.resize((width, height), Image.Resampling.NEAREST), (0, height * place))
        return sheet

    def _take(self, stands: int) -> None:
        with Image.open(io.BytesIO(self.page.screenshot())) as image:
            frame = image.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
        if self.frames and not ImageChops.difference(frame, self.frames[-1][0]).getbbox():
            self.frames[-1] = (frame, max(stands, self.frames[-1][1]))
        else:
            self.frames.append((frame, stands))


def main(file: Path) -> None:
    """Train, compare, evaluate, and look on."""
    with first_lab() as lab:
        lab.page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        film = Film(lab.page)
        four_clicks(lab, film)
        film.save(file)


def four_clicks(lab: Lab, film: Film) -> None:
    """As in `screenshots`, with the camera running."""
    page = lab.page
    film.still()
    clicked(lab, "Start training")
    film.while_it_grows(page.locator("#stage").get_by_text("finished").is_visible)
    clicked(lab, "Compare")
    page.wait_for_timeout(1000)
    film.still()
    clicked(lab, "Answer side by side")
    film.while_it_grows(page.locator("#columns .stamp").get_by_text("adapter on").is_visible)
    clicked(lab, "Did it help?")
    film.while_it_grows(page.locator("#evaluation-report svg.result-card").is_visible)
    page.locator("#items [role=option].gained").first.click()
    page.locator("#item .code").first.wait_for()
    page.locator("#item").scroll_into_view_if_needed()
    film.still()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/first-run.gif"))
