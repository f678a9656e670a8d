"""Evaluating in the browser, on a run that was really trained: from the button to one problem's failing test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.report.schema import Report, read_report
from qwenlab.runs import Evaluation, Run, Status, list_evaluations
from tests.report.reports import SCRIPT, contest, whole_report
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.conftest import Lab
from tests.ui.made import made_run

pytestmark = pytest.mark.browser

HOSTILE = SCRIPT + "<img src=x onerror=alert(1)>${alert(2)}{{3}}"


@pytest.fixture
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run in the lab, chosen in the Evaluate tab."""
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory, limit=20)
    lab.open()
    lab.tab("Evaluate")
    expect(lab.page.locator("#evaluate-run input")).to_have_value(run.name)
    yield run
    end_launches(lab.runs)


def finished(run: Run, report: Report) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    write(report, evaluation.folder)
    evaluation.update(status=Status.finished)


def shown(lab: Lab) -> FrameLocator:
    """The report's page, which stands in a frame."""
    return lab.page.frame_locator("#evaluation-report iframe")


def open_problem(lab: Lab, name: str) -> Locator:
    problem = shown(lab).locator(".problem").filter(has=lab.page.get_by_text(name, exact=True))
    problem.locator("summary").first.click()
    return problem


def test_an_evaluation_from_the_button_to_the_failing_test(lab: Lab, run: Run) -> None:
    page = lab.page
    expect(page.locator("#suites")).to_contain_text("Mini contest (tiny): 20, shows a gain from")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("Evaluation 2")
    expect(page.locator("#evaluation-stop")).to_be_visible()

    lab.open()  # it goes on without the page, and is found again
    lab.tab("Evaluate")
    found = shown(lab)
    expect(found.locator("h1")).to_contain_text("of 20")
    (evaluation,) = list_evaluations(run)
    report = read_report(evaluation.report_file)
    expect(found.locator("h1")).to_have_text(report.sentence)
    expect(found.locator(".criterion")).to_have_count(4)
    expect(found.locator(".rates svg").first).to_be_visible()

    failed = next(row for row in contest(report).rows if row.base[0].failing_test and row.outcome == "gained")
    gained = sum(row.outcome == "gained" for row in contest(report).rows)
    found.get_by_text(f"gained {gained}", exact=True).click()
    expect(found.locator(".problem:visible")).to_have_count(gained)
    opened = open_problem(lab, failed.name)
    expect(opened.locator(".base .code")).to_have_text(failed.base[0].found)
    expect(opened.locator(".tuned .facts")).to_contain_text("6 of 6 tests run")
    assert failed.base[0].failing_test
    expect(opened.locator(".base .test pre").nth(1)).to_have_text(failed.base[0].failing_test.expected)

    for name in ("report.html", "report.md", "report.json"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {name}").click()
        assert download.value.path().read_bytes() == (evaluation.folder / name).read_bytes()

    lab.tab("Runs")
    expect(page.locator("#history")).to_contain_text(report.sentence)


def test_the_report_is_dark_where_the_page_is(lab: Lab) -> None:
    finished(made_run(lab.runs), whole_report())
    lab.page.emulate_media(color_scheme="null")  # else every frame is as light as the driver says
    colours = {}
    for theme in ("light", "dark"):
        lab.page.goto(f"{lab.url}?__theme={theme}")
        lab.tab("Evaluate")
        expect(shown(lab).locator("h1")).to_contain_text("Improved")
        colours[theme] = shown(lab).locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert colours == {"light": "rgb(248, 250, 252)", "dark": "rgb(11, 17, 32)"}


def test_an_evaluation_is_stopped_and_gone_on_with(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_role("spinbutton", name="max_items").fill("400")
    expect(page.locator("#can-show")).to_contain_text("One suite")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("Base and tuned answer")
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
    run = made_run(lab.runs)
    report = whole_report(hostile=HOSTILE)
    finished(run, report)
    lab.open()
    lab.tab("Evaluate")
    page = lab.page
    expect(shown(lab).locator("h1")).to_have_text(report.sentence)
    lost = contest(report).transitions
    assert lost
    opened = open_problem(lab, lost.lost[0])
    expect(opened.locator(".statement")).to_contain_text(HOSTILE)
    expect(opened.locator(".base .code")).to_contain_text(SCRIPT)
    assert shown(lab).locator("img, script").count() == page.locator("#evaluation-report script").count() == 0
