"""Evaluating in the browser, on a run that was really trained: from the button to one problem's failing test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status, list_evaluations
from tests.report.reports import SCRIPT, whole_report
from tests.ui.browser.conftest import Lab
from tests.ui.browser.trained import copy_of_a_trained_run, end_launches
from tests.ui.made import made_run

pytestmark = pytest.mark.browser

HOSTILE = SCRIPT + "<img src=x onerror=alert(1)>${alert(2)}{{3}}"


@pytest.fixture
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run in the lab, chosen in the Evaluate tab."""
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory)
    lab.open()
    lab.tab("Evaluate")
    expect(lab.page.locator("#evaluate-run input")).to_have_value(run.name)
    yield run
    end_launches(lab.runs)


def finished(run: Run, report: Report) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    evaluation.report_file.write_text(report.model_dump_json(), encoding="utf-8")
    evaluation.update(status=Status.finished)


def open_problem(lab: Lab, name: str) -> None:
    lab.page.locator("#problems").get_by_text(name, exact=True).last.click()
    expect(lab.page.locator("#opened")).to_contain_text(name)


def test_an_evaluation_from_the_button_to_the_failing_test(lab: Lab, run: Run) -> None:
    page = lab.page
    expect(page.locator("#can-show")).to_contain_text("20 problems")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("Evaluation 2")
    expect(page.locator("#evaluation-stop")).to_be_visible()

    lab.open()  # it goes on without the page, and is found again
    lab.tab("Evaluate")
    expect(page.locator("#evaluation-report .big").first).to_contain_text("of 20")
    (evaluation,) = list_evaluations(run)
    report = Report.model_validate_json(evaluation.report_file.read_text(encoding="utf-8"))
    expect(page.locator("#evaluation-report .big").first).to_have_text(report.sentence)
    expect(page.locator("#evaluation-report .criterion")).to_have_count(4)
    expect(page.locator("#evaluation-report svg")).to_be_visible()

    failed = next(row for row in report.problems if row.base[0].failing_test and row.outcome == "gained")
    page.get_by_label("gained", exact=True).click()
    expect(page.locator("#problems")).not_to_contain_text("neither")
    open_problem(lab, failed.name)
    opened = page.locator("#opened")
    expect(opened.locator(".cm-content")).to_have_count(2)
    expect(opened.locator(".cm-content").first).to_contain_text(failed.base[0].code.splitlines()[0])
    expect(opened).to_contain_text("all 6 tests passed")
    assert failed.base[0].failing_test
    expect(opened.locator("dd").nth(1)).to_have_text(failed.base[0].failing_test.expected.strip())

    with page.expect_download() as download:
        page.get_by_role("button", name="Download this report").click()
    assert "qwenlab" in download.value.path().read_text(encoding="utf-8")


def test_an_evaluation_is_stopped_and_gone_on_with(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_role("spinbutton", name="limit").fill("400")
    expect(page.locator("#can-show")).to_contain_text("400 problems")
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-progress")).to_contain_text("answer the problems")
    page.locator("#evaluation-stop").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("stopped")
    (evaluation,) = list_evaluations(run)
    written = evaluation.samples_file.read_bytes() if evaluation.samples_file.exists() else b""
    page.locator("#evaluation-resume").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("running")
    assert [each.name for each in list_evaluations(run)] == [evaluation.name]
    page.locator("#evaluation-stop").click()
    expect(page.locator("#evaluation-progress .chip")).to_have_text("stopped")
    assert evaluation.samples_file.read_bytes().startswith(written)


def test_hostile_text_stays_text(lab: Lab) -> None:
    run = made_run(lab.runs)
    report = whole_report(hostile=HOSTILE)
    finished(run, report)
    lab.open()
    lab.tab("Evaluate")
    page = lab.page
    expect(page.locator("#evaluation-report .big").first).to_have_text(report.sentence)
    lost = report.transitions.lost[0]
    open_problem(lab, lost)
    expect(page.locator("#opened pre").first).to_contain_text(HOSTILE)
    expect(page.locator("#opened .cm-content").first).to_contain_text(SCRIPT)
    for part in ("#evaluation-report", "#opened", "#problems"):
        assert page.locator(f"{part} img[src=x], {part} script").count() == 0
