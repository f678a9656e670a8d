"""A look into a list is no choice, on every tab and by keyboard too; what is dropped stays dropped."""

import re

import pytest
from playwright.sync_api import Locator, expect

from qwenlab.ui.run_cache import name
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.conftest import Lab

pytestmark = pytest.mark.browser


def look_into(lab: Lab, field: Locator) -> None:
    """Open the list and leave it: by a click elsewhere, and by the keyboard."""
    field.click()
    lab.page.locator("#machine").click()
    field.focus()
    lab.page.keyboard.press("Tab")
    lab.page.wait_for_timeout(1000)  # for what must not happen


def test_a_look_at_the_recipes_leaves_the_form(lab: Lab) -> None:
    page = lab.page
    command = page.locator("#command textarea")
    page.get_by_role("spinbutton", name="Epochs").fill("5")
    expect(command).to_have_value(re.compile("num_train_epochs=5"))
    look_into(lab, page.get_by_label("Recipe", exact=True))
    expect(page.get_by_role("spinbutton", name="Epochs")).to_have_value("5")
    expect(command).to_have_value(re.compile("num_train_epochs=5"))

    page.get_by_label("Recipe", exact=True).click()
    page.get_by_role("option", name="small_gpu").click()
    expect(command).to_have_value(re.compile(r"small_gpu\.toml"))


def test_changes_that_were_dropped_stay_dropped(lab: Lab) -> None:
    page = lab.page
    command = page.locator("#command textarea")
    page.get_by_role("spinbutton", name="Epochs").fill("9")
    expect(command).to_have_value(re.compile("num_train_epochs=9"))
    page.get_by_role("button", name="Drop my changes").click()
    expect(command).not_to_have_value(re.compile("--set"))
    lab.open()
    expect(command).not_to_have_value("")
    expect(command).not_to_have_value(re.compile("--set"))


def test_a_look_at_the_prompts_and_the_evaluations_changes_nothing(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page = lab.page
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory, limit=20)
    lab.open()
    lab.tab("Compare")
    page.locator("#compare-runs").get_by_text(name(run)).wait_for()
    prompt = page.get_by_label("Prompt", exact=True)
    expect(prompt).not_to_have_value("")
    prompt.fill("My own question.")
    look_into(lab, page.locator("#which input"))
    expect(prompt).to_have_value("My own question.")
    end_launches(lab.runs)
