"""Looking at data in the browser: faults are sentences, and texts stay texts."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from qwenlab.ui.jobs.prepared import latest_question
from tests.ui.browser.conftest import PATIENCE, Lab

pytestmark = pytest.mark.browser

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> ${alert(3)} {{x}} [a](javascript:alert(4)) "


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Questions and answers full of markup, one of them too short, one twice."""
    rows = [
        {"question": f"{HOSTILE} what is {number} plus {number}?", "solution": f"{HOSTILE} It is {2 * number}. " * 2}
        for number in range(40)
    ]
    rows += [rows[3], {"question": "<b>short</b>", "solution": "<i>no</i>"}]
    file = tmp_path / "hostile.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_a_bad_file_is_told_with_its_line(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"question": "a", "answer": "b"}\n{"question": \n')
    lab.tab("Data")
    lab.page.set_input_files("input[type=file] >> nth=0", file)
    said = lab.page.locator("#data-fault").get_by_role("alert")
    expect(said).to_contain_text("bad.jsonl, line 2", timeout=PATIENCE)
    expect(said).not_to_contain_text("Traceback")


def test_a_hostile_data_set_is_looked_at_as_text_and_trained_on(lab: Lab, hostile: Path) -> None:
    page = lab.page
    lab.tab("Data")
    page.set_input_files("input[type=file] >> nth=0", hostile)
    report = page.locator("#report")
    expect(report).to_contain_text("question and answer: user from question, assistant from solution", timeout=PATIENCE)
    expect(report).to_contain_text("38 to train on, 2 for validation")
    report.locator("summary", has_text="too short").click()
    expect(report).to_contain_text("<b>short</b>")
    expect(page.locator("#row")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("#row")).to_contain_text("<|im_start|>assistant")
    for place in ("#report", "#row"):
        assert page.locator(f"{place} script, {place} img, {place} a").count() == 0

    title = page.locator("#row-title textarea, #row-title input")
    before = title.input_value()
    page.get_by_role("button", name="Next").click()
    expect(title).not_to_have_value(before)

    lab.open()
    lab.tab("Data")
    expect(report).to_contain_text("38 to train on, 2 for validation", timeout=PATIENCE)
    page.get_by_role("button", name="Train on this").click()
    asked = latest_question(lab.runs)
    assert asked and asked.data.source.endswith("hostile.jsonl")
    expect(page.locator("#start")).to_be_visible()
    page.get_by_role("button", name="See the plan").click()
    expect(page.locator("#plan")).to_contain_text("38 to train on, 2 for validation", timeout=PATIENCE)
