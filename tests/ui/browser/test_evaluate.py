"""Evaluating in the browser, on a run that was really trained: from the button to one problem's failing test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.report.schema import Report, read_report
from qwenlab.runs import Evaluation, Run, Status, list_evaluations
from qwenlab.ui.run_cache import name
from tests.report.reports import SCRIPT, contest, whole_report, with_contest
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import Lab
from tests.ui.browser.test_lists import look_into
from tests.ui.made import made_run

pytestmark = pytest.mark.browser

HOSTILE = SCRIPT + "<img src=x onerror=alert(1)>${alert(2)}{{3}}"


@pytest.fixture
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run in the lab, chosen in the Result tab."""
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory, limit=20)
    lab.open()
    lab.tab("Result")
    expect(lab.page.locator("#evaluate-run input")).to_have_value(name(run))
    yield run
    end_launches(lab.runs)


def finished(run: Run, report: Report) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    write(report, evaluation.folder)
    evaluation.update(status=Status.finished)


def shown(lab: Lab) -> Locator:
    return lab.page.locator("#evaluation-report")


def reported(lab: Lab, report: Report) -> None:
    """The Result tab over one made run with this report."""
    finished(made_run(lab.runs), report)
    lab.open()
    lab.tab("Result")
    expect(shown(lab).locator("svg.result-card")).to_be_visible()


def tile(lab: Lab, number: int) -> Locator:
    return lab.page.locator("#items [role=option]").nth(number)


def test_an_evaluation_from_the_button_to_the_failing_test(lab: Lab, run: Run) -> None:
    page = lab.page
    expect(page.locator("#suites")).to_contain_text("Mini contest (tiny): 20, shows a gain from")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("Evaluation of ")
    expect(page.locator("#evaluation-stop")).to_be_visible()
    expect(page.locator("#evaluation-progress")).to_be_in_viewport()

    lab.open()  # it goes on without the page, and is found again
    lab.tab("Result")
    (evaluation,) = list_evaluations(run)
    expect(shown(lab).locator("h2")).to_contain_text("of 20")
    report = read_report(evaluation.report_file)
    expect(shown(lab).locator("h2")).to_have_text(report.sentence)
    assert report.trained and report.trained.model == "tiny"
    expect(page.locator("#evaluate")).to_be_hidden()  # the form makes room
    for seen in (shown(lab).locator("svg.result-card"), shown(lab).locator("h2"), page.locator("#copy-card")):
        box = seen.bounding_box()
        assert box and box["y"] + box["height"] <= 900  # on the first screen

    shown(lab).get_by_text("How sure is this?").click()
    expect(shown(lab).locator(".criterion")).to_have_count(4)

    rows = contest(report).rows
    failed = next(number for number, row in enumerate(rows) if row.base[0].failing_test and row.outcome == "gained")
    tile(lab, failed).click()
    item = page.locator("#item")
    expect(item.locator(".head b")).to_have_text(rows[failed].name)
    expect(item.locator(".base .code pre").first).to_have_text(rows[failed].base[0].found)
    expect(item.locator(".tuned .told")).to_contain_text("6 of 6 tests run")
    test = rows[failed].base[0].failing_test
    assert test
    expect(item.locator(".base .test pre").nth(1)).to_have_text(test.expected)

    for file, button in (("report.html", "Download page"), ("report.md", "report.md"), ("report.json", "report.json")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.path().read_bytes() == (evaluation.folder / file).read_bytes()

    page.get_by_role("button", name="The whole report").click()
    expect(page.frame_locator("#evaluation-page iframe").locator("h1")).to_have_text(report.sentence)

    log = page.locator("#evaluation-log textarea")
    page.get_by_role("button", name=re.compile("^Log")).click()
    assert "monospace" in log.evaluate("log => getComputedStyle(log).fontFamily")

    lab.tab("Runs")
    expect(page.locator("#history")).to_contain_text("5 % → 80 % of 20, improved")


def test_the_tiles_are_filtered_and_gone_through_by_keyboard_and_the_item_is_always_the_chosen_one(lab: Lab) -> None:
    report = whole_report()
    rows = contest(report).rows
    reported(lab, report)
    page, opened = lab.page, lab.page.locator("#item .head b")
    expect(opened).to_have_text(rows[0].name)
    beside, tiles = page.locator("#item").bounding_box(), page.locator("#items .tiles").bounding_box()
    assert beside and tiles and beside["x"] > tiles["x"] + tiles["width"] and beside["y"] <= tiles["y"]

    tile(lab, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(opened).to_have_text(rows[2].name)
    expect(tile(lab, 2)).to_be_focused()
    expect(page.locator("#items [aria-selected=true]")).to_have_attribute("title", f"{rows[2].name}: learned")
    page.keyboard.press("End")
    expect(opened).to_have_text(rows[-1].name)

    page.locator("#items").get_by_role("button", name="forgotten 1").click()
    expect(page.locator("#items [role=option]:visible")).to_have_count(1)
    expect(opened).to_have_text(next(row.name for row in rows if row.outcome == "lost"))
    page.keyboard.press("Tab")  # past the two filters that are left, into the tiles
    page.locator("#items").get_by_role("button", name="all 18").click()
    expect(page.locator("#items [role=option]:visible")).to_have_count(18)


def test_an_empty_filter_says_none_and_no_item_of_another_stays_open(lab: Lab) -> None:
    report = whole_report()
    rows = tuple(row for row in contest(report).rows if row.outcome != "lost")
    reported(lab, with_contest(report, rows=rows))
    lab.page.locator("#items").get_by_role("button", name="forgotten 0").click()
    expect(lab.page.locator("#items .none")).to_be_visible()
    expect(lab.page.locator("#items [role=option]:visible")).to_have_count(0)
    expect(lab.page.locator("#item")).to_have_text("No item is opened: choose a square.")
    lab.page.locator("#items").get_by_role("button", name="learned 9").click()
    expect(lab.page.locator("#items .none")).to_be_hidden()
    expect(lab.page.locator("#item .chip").first).to_have_text("learned")


def test_the_card_is_copied_as_a_picture_and_saved_where_the_clipboard_refuses(lab: Lab) -> None:
    reported(lab, whole_report(hostile=HOSTILE))
    page = lab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as image").click()
    expect(page.locator("#copy-card")).to_have_text("Copied")
    size = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const image = await createImageBitmap(await item.getType("image/png"));
            return [image.width, image.height];
        }"""
    )
    assert size == [2400, 1260]
    expect(page.locator("#copy-card")).to_have_text("Copy as image")
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new Error('refused')); }")
    with page.expect_download() as download:
        page.get_by_role("button", name="Copy as image").click()
    assert download.value.suggested_filename == "result.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_failed_evaluation_stands_above_the_last_good_result(lab: Lab) -> None:
    run = made_run(lab.runs)
    finished(run, whole_report())
    Evaluation.create(run, EvaluateSettings()).update(status=Status.failed, error="There is no file mine.jsonl.")
    lab.open()
    lab.tab("Result")
    page = lab.page
    expect(page.locator("#evaluation-progress")).to_contain_text("There is no file mine.jsonl.")
    expect(page.locator("#evaluation-resume")).to_be_hidden()
    expect(shown(lab)).to_contain_text("9 learned")
    above, below = page.locator("#evaluation-progress").bounding_box(), shown(lab).bounding_box()
    assert above and below and above["y"] < below["y"]
    page.locator("#evaluation input").click()
    expect(page.get_by_role("option")).to_contain_text(["the newest", "failed", "Contest problems improved"])


def test_a_look_at_the_evaluations_leaves_the_opened_item(lab: Lab) -> None:
    report = whole_report()
    reported(lab, report)
    tile(lab, 5).click()
    expect(lab.page.locator("#item .head b")).to_have_text(contest(report).rows[5].name)
    look_into(lab, lab.page.locator("#evaluation input"))
    expect(lab.page.locator("#item .head b")).to_have_text(contest(report).rows[5].name)


def test_what_was_filled_in_is_still_there_when_the_form_comes_back(lab: Lab) -> None:
    reported(lab, whole_report())
    page = lab.page
    page.locator("#evaluate-again").click()
    page.get_by_role("spinbutton", name="max_items").fill("77")
    expect(page.locator("#suites")).to_contain_text("Maths (gsm8k): 77")
    page.get_by_role("button", name="Hide the questions").click()
    expect(page.locator("#evaluate")).to_be_hidden()
    page.locator("#evaluate-again").click()
    expect(page.get_by_role("spinbutton", name="max_items")).to_have_value("77")


def test_a_file_of_ones_own_is_uploaded_and_asked(lab: Lab, tmp_path: Path) -> None:
    made_run(lab.runs)
    lab.open()
    lab.tab("Result")
    page, file = lab.page, tmp_path / "mine.csv"
    file.write_text("question,answer\n" + "".join(f"What is {n} plus 1?,{n + 1}\n" for n in range(12)), "utf-8")
    page.get_by_role("button", name="Questions of your own").click()
    page.locator("#own-questions input[type=file]").set_input_files(file)
    expect(page.get_by_label("mine.csv, asked as Maths (gsm8k): 12")).to_be_checked()
    expect(page.locator("#evaluate-command textarea")).to_have_value(re.compile("mine.csv"))


def test_a_run_on_ones_own_data_is_asked_about_it_first_and_why_is_said(lab: Lab) -> None:
    made_run(lab.runs, data={"source": "mine.csv"})
    lab.open()
    lab.tab("Result")
    boxes = lab.page.locator("#suites input[type=checkbox]")
    expect(lab.page.locator("#suites-why")).to_contain_text("mine.csv")
    expect(boxes.first).to_be_checked()
    expect(lab.page.get_by_label("Contest problems")).not_to_be_checked()


def test_nobody_is_kept_out(lab: Lab) -> None:
    reported(lab, whole_report())
    shown(lab).get_by_text("How sure is this?").click()
    tile(lab, 9).click()
    expect(lab.page.locator("#item .chip").first).to_have_text("forgotten")
    assert grave_violations(lab.page) == []
    lab.page.locator("#evaluate-again").click()
    expect(lab.page.locator("#evaluate")).to_be_visible()
    assert grave_violations(lab.page) == []


def test_the_report_is_dark_where_the_page_is(lab: Lab) -> None:
    finished(made_run(lab.runs), whole_report())
    lab.page.emulate_media(color_scheme="null")  # else every frame is as light as the driver says
    colours = {}
    for theme in ("light", "dark"):
        lab.page.goto(f"{lab.url}?__theme={theme}")
        lab.tab("Result")
        lab.page.get_by_role("button", name="The whole report").click()
        whole = lab.page.frame_locator("#evaluation-page iframe")
        expect(whole.locator("h1")).to_contain_text("Improved")
        colours[theme] = whole.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert colours == {"light": "rgb(248, 250, 252)", "dark": "rgb(11, 17, 32)"}


def test_an_evaluation_is_stopped_and_gone_on_with(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_role("spinbutton", name="max_items").fill("400")
    expect(page.locator("#can-show")).to_contain_text("One suite")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("The base and the tuned model answer")
    page.locator("#evaluation-stop").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("stopped")
    (evaluation,) = list_evaluations(run)
    samples = evaluation.suite("tiny").samples_file
    written = samples.read_bytes() if samples.exists() else b""
    page.locator("#evaluation-resume").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("running")
    assert [each.name for each in list_evaluations(run)] == [evaluation.name]
    page.locator("#evaluation-stop").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("stopped")
    assert samples.read_bytes().startswith(written)


def test_hostile_text_stays_text(lab: Lab) -> None:
    report = whole_report(hostile=HOSTILE)
    reported(lab, report)
    page = lab.page
    expect(shown(lab).locator("h2")).to_have_text(report.sentence)
    lost = next(number for number, row in enumerate(contest(report).rows) if row.outcome == "lost")
    tile(lab, lost).click()
    expect(page.locator("#item .question")).to_contain_text(HOSTILE)
    expect(page.locator("#item .base .code pre").first).to_contain_text(SCRIPT)
    for place in ("#evaluation-report", "#items", "#item"):
        assert page.locator(f"{place} :is(img, script, iframe)").count() == 0
    page.get_by_role("button", name="The whole report").click()
    whole = page.frame_locator("#evaluation-page iframe")
    expect(whole.locator("h1")).to_have_text(report.sentence)
    assert whole.locator("img, script").count() == page.locator("#evaluation-page script").count() == 0
