"""See it learn: one scrubs along the training by mouse, keyboard and chart, and no refresh takes the place away."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from qwenlab.runs import Run
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import Lab
from tests.ui.made import made_prompts, made_run, made_sample

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> and $x^2$"


def asked(runs: Path) -> Run:
    run = made_run(runs)
    made_prompts(run, ["Two and two?", f"A long one: {'why? ' * 60}{HOSTILE}"], ["It is four.", HOSTILE])
    made_sample(run, 0, "Fish.", "Silence.")
    made_sample(run, 5, "It is three.", "Words.")
    made_sample(run, 10, "It is four.", HOSTILE)
    return run


def said(strip: Locator, text: str) -> None:
    expect(strip.locator(".learning-said:not(.wanted):visible").first).to_contain_text(text)


def at(strip: Locator, step: str) -> Locator:
    return strip.get_by_role("radio", name=step, exact=True)


def test_one_scrubs_along_the_training_and_keeps_the_place(lab: Lab) -> None:
    run, page = asked(lab.runs), lab.page
    lab.open()
    strip = page.locator(".learning")
    said(strip, "It is four.")
    expect(at(strip, "10")).to_be_checked()
    expect(strip.locator(".wanted .katex")).to_have_count(1)

    at(strip, "0 · before").click()
    said(strip, "Fish.")
    page.keyboard.press("ArrowRight")
    said(strip, "It is three.")
    expect(strip.locator(".learning-said.tuned:visible")).to_have_count(2)

    strip.locator("summary").last.click()
    expect(strip.locator("details").last).to_contain_text("Row 2 of a.csv")
    at(strip, "5").focus()
    made_sample(run, 15, "It is four.", "More.")
    run.log.write(run.events[-1])  # so that the page hears of it
    expect(at(strip, "15")).to_be_visible()
    expect(strip.locator(".wanted .katex")).to_have_count(1)
    said(strip, "It is three.")
    expect(strip.locator("details").last).to_have_attribute("open", "")
    page.keyboard.press("ArrowRight")
    said(strip, "It is four.")
    expect(at(strip, "10")).to_be_focused()


def test_who_looks_at_the_newest_step_sees_the_next_one(lab: Lab) -> None:
    run, page = asked(lab.runs), lab.page
    lab.open()
    strip = page.locator(".learning")
    said(strip, "It is four.")
    made_sample(run, 15, "It is always four.", "More.")
    run.log.write(run.events[-1])
    said(strip, "It is always four.")
    expect(at(strip, "15")).to_be_checked()


def test_a_chart_scrubs_it_to_the_nearest_step(lab: Lab) -> None:
    asked(lab.runs)
    lab.open()
    strip = lab.page.locator(".learning")
    said(strip, "It is four.")
    for step, text in ((6, "It is three."), (1, "Fish."), (999, "It is four.")):
        lab.page.evaluate(f"document.dispatchEvent(new CustomEvent('lab:step', {{detail: {{step: {step}}}}}))")
        said(strip, text)


def test_the_strip_can_be_read_by_everybody(lab: Lab) -> None:
    asked(lab.runs)
    lab.open()
    strip = lab.page.locator(".learning")
    at(strip, "0 · before").click()
    strip.locator("summary").last.click()
    assert grave_violations(lab.page) == []
