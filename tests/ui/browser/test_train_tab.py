"""The Train tab and the head: they can be read and heard, light and dark; curves that can be asked."""

import re

import pytest
from playwright.sync_api import expect

from qwenlab.runs import Status
from qwenlab.runs.events import Validation
from qwenlab.ui.form import SECTIONS
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import Lab
from tests.ui.made import made_run

pytestmark = pytest.mark.browser

FORM = ".choose-and-see > .column:first-child"


def test_the_tab_can_be_read_and_heard(lab: Lab) -> None:
    page = lab.page
    page.locator("#start").wait_for()
    assert grave_violations(page) == []
    made_run(lab.runs, status=Status.stopped)
    expect(page.locator("#curves svg").first).to_be_visible()
    page.get_by_role("button", name="All other settings").click()
    page.get_by_role("button", name="Adapter").click()
    page.locator(".plot-small summary").click()
    expect(page.locator(".plot-small svg").first).to_be_visible()
    assert grave_violations(page) == []
    assert page.locator("h1").inner_text() == "qwenlab"


@pytest.mark.parametrize("width", [1400, 420])
def test_every_setting_has_a_name_and_a_value_that_can_be_read(lab: Lab, width: int) -> None:
    page = lab.page
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("button", name="All other settings").click()
    for title in SECTIONS.values():
        page.get_by_role("button", name=re.compile(f"^{re.escape(title)}")).locator("visible=true").click()
    named, fields = page.locator(f"{FORM} label span"), page.locator(f"{FORM} input:not([type=checkbox])")
    expect(page.get_by_label("load_in_4bit").locator("visible=true")).to_be_visible()
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent || one.value)"
    assert named.evaluate_all(cut) == []
    # Beside the chips of what was chosen from a list, its field needs no room.
    narrow = """all => all.filter(one => one.offsetParent && one.clientWidth < 60
      && !one.closest('.wrap-inner')?.querySelector('.token')).map(one => one.ariaLabel)"""
    assert fields.evaluate_all(narrow) == []


def test_the_curves_tell_their_values_by_pointer_and_keyboard_and_are_zoomed(lab: Lab) -> None:
    page = lab.page
    made_run(lab.runs)
    lab.open()
    expect(page.locator("#curves svg").first).to_be_visible()
    expect(page.locator("#curves")).to_contain_text("best 1.000")
    expect(page.locator("#below-curves")).to_contain_text("risen since step 10")
    plot, said = page.locator("#curves .plot").first, page.locator("#curves .plot-said")
    plot.hover(position={"x": 300, "y": 100})
    expect(said).to_contain_text("training")
    plot.press("End")
    plot.press("ArrowLeft")
    expect(said).to_have_text("step 19: training 0.1053, validation 2")

    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 110, steps=5)
    page.mouse.up()
    everything = page.get_by_role("button", name="All steps")
    expect(everything).to_be_visible()
    everything.click()
    expect(everything).to_be_hidden()
    for control in ("Log scale", "By time"):
        page.locator("#curves").get_by_label(control).check()
        expect(page.locator("#curves svg").first).to_be_visible()
    page.locator("#curves").get_by_label("Smooth").fill("0.9")
    expect(page.locator("#curves svg").first).to_be_visible()


def test_a_growing_run_is_drawn_as_it_grows(lab: Lab) -> None:
    page = lab.page
    run = made_run(lab.runs)
    lab.open()
    expect(page.locator("#curves")).to_contain_text("best 1.000")
    run.log.write(Validation(step=25, eval_loss=0.5))
    expect(page.locator("#curves")).to_contain_text("best 0.500")
    other = made_run(lab.runs, "other")
    other.update(best=None)
    expect(page.locator("#curves")).to_contain_text("best 1.000")
