"""Training in the browser: nothing of it depends on the page, or on the app."""

import re

import pytest
from playwright.sync_api import Locator, Position, expect

from qwenlab.runs import Status, gpu_waiting, list_runs
from qwenlab.runs.events import Train, of_kind
from qwenlab.ui.run_cache import name
from tests.ui.browser.conftest import PATIENCE, Lab, Waited

pytestmark = pytest.mark.browser

LEFT_TOP: Position = {"x": 10, "y": 10}
"""Of an editor, where it is in view; its middle need not be."""

LONG = "4000"
"""Steps: longer than any test looks on."""


def stop_button(lab: Lab) -> Locator:
    """The one that there is, in the head."""
    return lab.page.get_by_role("button", name="Stop and save")


def set_steps(lab: Lab, steps: str) -> None:
    """Fill in `max_steps`, which stands among the folded settings."""
    lab.page.get_by_role("button", name="All other settings").click()
    lab.page.get_by_role("button", name=re.compile("^Training")).click()
    field = lab.page.get_by_role("spinbutton", name="max_steps")
    field.fill(steps)
    field.blur()
    expect(lab.page.locator("#command textarea")).to_have_value(re.compile(f"max_steps={steps}"))


def test_training_outlives_a_reload_and_the_app_and_goes_on_after_a_stop(lab: Lab, waited: Waited) -> None:
    page = lab.page
    set_steps(lab, LONG)
    page.get_by_role("button", name="Start training").click()
    lab.stage("training loss")

    lab.open()
    lab.stage("training loss")
    (run,) = list_runs(lab.runs)

    lab.app.kill()
    step = run.events[-1].step
    waited(lambda: run.events[-1].step > step + 2)  # it goes on without the app
    lab.start()
    lab.errors.clear()  # while the app was away, the page could not reach it
    lab.stage(name(run))
    expect(page.locator("#machine")).to_contain_text(f"Training {name(run)}")

    stop_button(lab).click()
    lab.stage("stopped")
    stopped_at = run.read().step
    assert run.status is Status.stopped and f"checkpoint-{stopped_at}" in {path.name for path in run.checkpoints}

    page.locator("#resume").click()
    lab.stage("running")
    waited(lambda: run.events[-1].step > stopped_at + 1 and isinstance(run.events[-1], Train))
    steps = [event.step for event in of_kind(run.events, Train)]
    assert steps == list(range(1, steps[-1] + 1)), "one curve, without a gap and without a step twice"
    stop_button(lab).click()
    lab.stage("stopped")


def test_trainings_wait_for_each_other_where_they_can_be_seen_moved_and_cancelled(lab: Lab, waited: Waited) -> None:
    page = lab.page
    set_steps(lab, LONG)
    page.get_by_role("button", name="Start training").click()
    lab.stage("training loss")
    (first,) = list_runs(lab.runs)
    page.get_by_role("button", name="Start training").click()
    lab.stage(f"Waits behind {name(first)}")
    second = list_runs(lab.runs)[-1]
    queue = page.locator("#machine .queue")
    expect(queue).to_contain_text(name(second))
    expect(stop_button(lab)).to_have_count(1)  # of the one that trains; who waits is cancelled

    page.get_by_role("button", name="Start training").click()
    waited(lambda: len(gpu_waiting(lab.runs)) == 3)
    third = list_runs(lab.runs)[-1]
    queue.get_by_role("button", name="Start next").click()
    waited(lambda: gpu_waiting(lab.runs) == [first.name, third.name, second.name])
    expect(queue.locator("li").first).to_contain_text(name(third))
    queue.get_by_role("button", name="Cancel").last.click()
    waited(lambda: gpu_waiting(lab.runs) == [first.name, third.name])
    assert second.status is Status.stopped and first.status is Status.running
    queue.get_by_role("button", name="Cancel").click()
    waited(lambda: third.status is Status.stopped)
    stop_button(lab).click()
    waited(lambda: first.status is Status.stopped)


def test_what_was_filled_in_outlives_a_reload_and_the_app(lab: Lab) -> None:
    page = lab.page
    page.get_by_label("Recipe", exact=True).click()
    page.get_by_role("option", name="small_gpu").click()
    command = page.locator("#command textarea")
    expect(command).to_have_value(re.compile(r"small_gpu\.toml"))
    rank = page.get_by_role("spinbutton", name="Rank")
    rank.fill("5")
    changed = re.compile(r"small_gpu\.toml .*--set lora\.r=5")
    expect(command).to_have_value(changed)

    lab.open()
    expect(command).to_have_value(changed)
    expect(rank).to_have_value("5")
    lab.app.kill()
    lab.start()
    lab.errors.clear()  # while the app was away, the page could not reach it
    expect(command).to_have_value(changed)
    assert page.get_by_label("Recipe", exact=True).input_value() == "small_gpu"

    drop = page.get_by_role("button", name="Drop my changes")
    drop.click()
    expect(drop).to_be_disabled()
    expect(command).not_to_have_value(re.compile("--set"))
    lab.open()
    expect(command).to_have_value(re.compile(r"small_gpu\.toml"))
    expect(command).not_to_have_value(re.compile("--set"))


def test_what_is_wrong_with_a_setting_or_a_recipe_is_said_at_the_form(lab: Lab) -> None:
    page = lab.page
    rate = page.get_by_role("spinbutton", name="Learning rate")
    start, said = page.get_by_role("button", name="Start training"), page.locator("#form-fault").get_by_role("alert")
    rate.fill("7")
    expect(said).to_contain_text("Learning rate", timeout=PATIENCE)
    expect(start).to_be_disabled()
    rate.fill("0.001")
    expect(said).to_have_count(0)
    expect(start).to_be_enabled()

    page.get_by_role("button", name=re.compile("Recipe as TOML")).click()
    editor = page.locator("#toml .cm-content")
    editor.click(position=LEFT_TOP)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("[lora]\nrank = 8\n")
    page.get_by_role("button", name="Fill the form from this text").click()
    expect(said).to_contain_text("here it is called Rank (lora.r)")
    editor.click(position=LEFT_TOP)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(
        '[model]\nname = "tiny"\n[data]\nsource = "nowhere.jsonl"\nmax_length = 512\n[lora]\nr = 8\n'
    )
    page.get_by_role("button", name="Fill the form from this text").click()
    expect(page.get_by_role("spinbutton", name="Rank")).to_have_value("8")

    page.get_by_role("button", name="See the plan").click()
    expect(page.locator("#plan")).to_contain_text("nowhere.jsonl", timeout=PATIENCE)
    page.get_by_role("button", name="Start training").click()
    lab.stage("failed")
    expect(page.locator("#stage").get_by_role("alert")).to_contain_text("nowhere.jsonl")


def test_the_plan_is_told_before_anything_starts(lab: Lab) -> None:
    lab.page.get_by_role("button", name="See the plan").click()
    expect(lab.page.locator("#plan")).to_contain_text("760 to train on, 40 for validation", timeout=PATIENCE)
    lab.open()
    expect(lab.page.locator("#plan")).to_contain_text("48 of 16 rows each", timeout=PATIENCE)
    assert list_runs(lab.runs) == []
