"""The history in the browser: overlay, difference, name, note, delete."""

import pytest
from playwright.sync_api import expect

from qwenlab.runs import list_runs
from qwenlab.runs.label import read_label
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.conftest import PATIENCE, Lab
from tests.ui.made import made_run

pytestmark = pytest.mark.browser


def choose(lab: Lab, name: str) -> None:
    lab.page.get_by_label("Runs to look at").click()
    lab.page.get_by_role("option", name=name).click()
    lab.page.keyboard.press("Escape")


def test_runs_are_compared_named_and_deleted(lab: Lab) -> None:
    page = lab.page
    first, second = made_run(lab.runs, "first"), made_run(lab.runs, "second", train={"learning_rate": 1e-3})
    lab.tab("Runs")
    expect(page.locator("#history tbody tr")).to_have_count(2, timeout=PATIENCE)

    choose(lab, first.name)
    page.get_by_role("textbox", name="Name").fill("<b>mine</b>")
    page.get_by_role("textbox", name="Note").fill("keep")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#history")).to_contain_text("<b>mine</b>", timeout=PATIENCE)
    assert read_label(first).note == "keep"

    choose(lab, second.name)
    expect(page.locator("#compared")).to_contain_text("train.learning_rate")
    expect(page.locator("#compared")).not_to_contain_text("lora.r")
    expect(page.locator("#compared path.line")).to_have_count(2)

    page.get_by_label("Runs to look at").press("Backspace")  # the last one chosen goes
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    assert len(list_runs(lab.runs)) == 2
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.locator("#history tbody tr")).to_have_count(1, timeout=PATIENCE)
    assert [run.name for run in list_runs(lab.runs)] == [second.name]


def test_a_run_is_exported_and_the_page_says_where_it_is(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory, limit=20)
    lab.tab("Runs")
    choose(lab, run.name)
    lab.page.get_by_role("button", name="Export merged").click()
    try:
        expect(lab.page.get_by_text("Exporting", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(lab.page.get_by_text("The export said")).to_be_visible(timeout=PATIENCE)
    finally:
        end_launches(lab.runs)
    out = run.folder / "exports" / "merged"
    expect(lab.page.locator("pre[role=status]")).to_contain_text(str(out))
    assert (out / "model.safetensors").exists()
