"""The history in the browser: opened, chosen, sorted, filtered, named, exported, deleted and put back."""

import re
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.runs import Evaluation, Run, Status, list_runs
from qwenlab.runs.deleted import list_deleted
from qwenlab.runs.label import Label, change_label, read_label
from qwenlab.ui.run_cache import name
from tests.report.reports import whole_report
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import Lab, Waited
from tests.ui.made import made_run

pytestmark = pytest.mark.browser


def row(lab: Lab, run: Run) -> Locator:
    return lab.page.locator(f'#history tr[data-run="{run.name}"]')


def opened(lab: Lab, run: Run) -> None:
    """Open the run by a click and wait until its details stand there."""
    row(lab, run).locator("td").nth(1).click()
    lab.page.locator(f'#run-card [data-shown="{run.name}"]').wait_for(state="attached")


def order(lab: Lab) -> list[str]:
    shown = lab.page.locator("#history tbody tr:visible")
    return [name.split("-")[2] for name in shown.evaluate_all("rows => rows.map(row => row.dataset.run)")]


def test_a_question_is_of_the_run_that_it_names_and_goes_with_it(lab: Lab, waited: Waited) -> None:
    page = lab.page
    first, second = made_run(lab.runs, "first"), made_run(lab.runs, "second")
    lab.tab("Runs")
    opened(lab, first)
    page.get_by_role("button", name="Delete…").click()
    question = page.locator("#run-question")
    expect(question).to_contain_text(f"Delete {name(first)} and its adapter?")
    red = question.get_by_role("button", name="Delete", exact=True)
    expect(red).to_have_css("background-color", "rgb(185, 28, 28)")
    opened(lab, second)
    expect(question).to_be_hidden()
    opened(lab, first)
    page.wait_for_timeout(500)
    expect(question).to_be_hidden()

    page.get_by_role("button", name="Delete…").click()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Delete…").click()
    red.click()
    expect(row(lab, first)).to_have_count(0)
    assert [run.name for run in list_runs(lab.runs)] == [second.name]
    expect(page.locator("#run-details")).to_be_hidden()

    page.get_by_role("button", name="Undo").click()
    expect(row(lab, first)).to_have_count(1)
    page.get_by_role("button", name="Delete…").click()
    red.click()
    expect(row(lab, first)).to_have_count(0)
    page.get_by_role("button", name="Deleted runs (1)").click()
    page.locator("#deleted").get_by_role("button", name="Put back").click()
    expect(row(lab, first)).to_have_count(1)
    opened(lab, second)
    page.get_by_role("button", name="Delete…").click()
    red.click()
    page.locator("#deleted").get_by_role("button", name="Delete for good").click()
    expect(page.locator("#deleted-question")).to_contain_text(re.compile(r"Delete tiny, .* for good\?"))
    page.locator("#deleted-question").get_by_role("button", name="Delete for good").click()
    waited(lambda: list_deleted(lab.runs) == [])
    assert [run.name for run in list_runs(lab.runs)] == [first.name]


def test_runs_are_compared_named_and_tagged(lab: Lab, waited: Waited) -> None:
    page = lab.page
    first, second = made_run(lab.runs, "first"), made_run(lab.runs, "second", train={"learning_rate": 1e-3})
    lab.tab("Runs")
    opened(lab, first)
    page.get_by_role("textbox", name="Name").fill("<b>mine</b>")
    page.get_by_role("textbox", name="Tags").fill("maths, keep it")
    page.get_by_role("textbox", name="Note").fill("what I want to remember")
    row(lab, second).locator(".open").click()  # without a word of saving
    typed = Label(title="<b>mine</b>", note="what I want to remember", tags=("maths", "keep it"))
    waited(lambda: read_label(first) == typed)
    assert read_label(second) == Label()
    expect(row(lab, first)).to_contain_text("<b>mine</b>")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("")

    expect(page.locator("#compared .overlay-key")).to_have_count(1)
    for run in (first, second):
        row(lab, run).get_by_role("checkbox").check()
    expect(page.locator("#compared")).to_contain_text("train.learning_rate")
    expect(page.locator("#compared")).not_to_contain_text("lora.r")
    expect(page.locator("#compared .overlay-key")).to_have_count(2)
    expect(page.locator("#chosen textarea")).to_have_value(f"{first.name}\n{second.name}")
    page.get_by_role("button", name="Clear the choice").click()
    expect(page.locator("#compared .overlay-key")).to_have_count(1)

    row(lab, first).get_by_role("button", name="keep it").click()
    expect(row(lab, second)).to_be_hidden()
    expect(page.get_by_label("Filter")).to_have_value('tag:"keep it"')
    expect(page.locator("#runs-count")).to_have_text("1 of 2 runs")


def test_the_table_is_sorted_and_filtered_and_stays_so(lab: Lab) -> None:
    page = lab.page
    for slug, loss in (("b", 10.5), ("c", 9.25), ("a", 100.0)):
        made_run(lab.runs, slug, best={"step": 1, "eval_loss": loss})
    none = made_run(lab.runs, "none", best=None, status=Status.failed)
    lab.tab("Runs")
    expect(row(lab, none)).to_be_visible()
    head = page.get_by_role("button", name="best validation loss")
    head.click()
    assert order(lab) == ["c", "b", "a", "none"], "as numbers, and what has none last"
    column = page.locator("#history th", has=head)
    expect(column).to_have_attribute("aria-sort", "ascending")
    head.press("Enter")
    assert order(lab) == ["a", "b", "c", "none"]
    expect(column).to_have_attribute("aria-sort", "descending")

    page.get_by_label("Filter").fill("FINISHED tiny")
    assert order(lab) == ["a", "b", "c"]
    last = next(run for run in list_runs(lab.runs) if run.name.endswith("-c"))
    row(lab, last).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    made_run(lab.runs, "new", best={"step": 1, "eval_loss": 50.0})
    expect(page.locator("#history tbody tr")).to_have_count(5)
    expect(page.locator("#runs-count")).to_have_text("4 of 5 runs")
    assert order(lab) == ["a", "new", "b", "c"], "the server has sent another table"
    box = row(lab, last).get_by_role("checkbox")
    expect(box).to_be_focused()
    expect(box).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(f'#run-card [data-shown="{last.name}"]').wait_for(state="attached")
    expect(row(lab, last).locator(".open")).to_have_attribute("aria-expanded", "true")


def test_seven_runs_are_not_chosen(lab: Lab) -> None:
    for number in range(7):
        made_run(lab.runs, f"run {number}")
    lab.tab("Runs")
    boxes = lab.page.locator("#history tbody input[type=checkbox]")
    for number in range(6):
        boxes.nth(number).check()
    expect(boxes.nth(6)).to_be_disabled()
    boxes.nth(0).uncheck()
    expect(boxes.nth(6)).to_be_enabled()


def test_only_what_can_be_gone_on_with_is_resumed(lab: Lab) -> None:
    page = lab.page
    run = made_run(lab.runs, status=Status.failed, error="There is no model.", best=None)
    run.adapter.rmdir()
    lab.tab("Runs")
    expect(row(lab, run)).to_be_visible()
    primary = page.locator("#run-details button.primary:visible")
    expect(primary).to_have_count(0)
    opened(lab, run)
    expect(primary).to_have_count(1)
    expect(page.get_by_role("button", name="Start again")).to_be_visible()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Open its recipe on Train")).to_be_visible()


def test_the_tab_can_be_read_and_heard_by_everybody(lab: Lab) -> None:
    page = lab.page
    run, other = made_run(lab.runs, "first"), made_run(lab.runs, "second", train={"seed": 7})
    write(whole_report(), Evaluation.create(run, EvaluateSettings()).folder)
    change_label(run, note="why", tags=("maths",))
    made_run(lab.runs, "broken").recipe_file.write_text("[train")
    (run.folder / "exports" / "merged").mkdir(parents=True)
    (run.folder / "exports" / "merged" / "README.md").write_text("Checked: it is right.\n")
    lab.open()
    lab.tab("Runs")
    opened(lab, run)
    page.get_by_role("button", name="Export…").click()
    page.get_by_label("GGUF: one file").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.locator("#run-question")).to_be_visible()
    for each in (run, other):
        row(lab, each).get_by_role("checkbox").check()
    expect(page.locator("#compared .overlay-key")).to_have_count(2)
    expect(page.locator("#exports")).to_contain_text("Download all")
    assert grave_violations(page) == []
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(500)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the table scrolls in its own box"
    name = row(lab, run).locator(".open")
    page.locator("#history .runs").evaluate("box => { box.scrollLeft = 400; }")
    box = name.bounding_box()
    assert box and box["x"] >= 0, "the first column stays"


def test_a_run_is_exported_proved_and_downloaded(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    page = lab.page
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory, limit=20)
    lab.tab("Runs")
    opened(lab, run)
    page.get_by_role("button", name="Export…").click()
    page.get_by_label("Hugging Face hub").check()
    expect(page.locator("#export-told")).to_contain_text("HF_TOKEN")
    expect(page.locator("#export-start")).to_be_disabled()
    page.get_by_role("radio", name="Merged model").check()
    expect(page.locator("#export-told")).to_contain_text("answers as the adapter does")
    page.locator("#export-start").click()
    try:
        expect(page.locator("#export-state")).to_contain_text("Exporting")
        expect(page.get_by_role("button", name="Stop the export")).to_be_visible()
        expect(page.locator("#exports")).to_contain_text(re.compile("Checked: its greedy answers"))
    finally:
        end_launches(lab.runs)
    assert (run.folder / "exports" / "merged" / "model.safetensors").exists()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download all").click()
    with tarfile.open(begun.value.path()) as archive:
        names = {Path(name).name for name in archive.getnames()}
    assert {"model.safetensors", "README.md"} <= names and begun.value.suggested_filename == f"{run.name}-merged.tar"
    page.locator("#exports").get_by_role("button", name="Remove").click()
    page.locator("#run-question").get_by_role("button", name="Remove the export").click()
    expect(page.locator("#exports")).not_to_contain_text("Checked")
    assert not (run.folder / "exports" / "merged").exists() and run.adapter.exists()
