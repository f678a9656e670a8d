"""Looking at data in the browser: columns get their roles there, faults are sentences, and texts stay texts."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from qwenlab.ui.jobs.prepared import latest_question
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import PATIENCE, Lab

pytestmark = pytest.mark.browser

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> ${alert(3)} {{x}} [a](javascript:alert(4)) "

Rows = list[dict[str, str]]


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


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A table whose columns nobody knows by their names."""
    file = tmp_path / "odd.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["id", "frage", '<b>"loesung"</b>', "tag"])
        for number in range(60):
            asked = f"Was ist {number} plus {number}, wenn man es im Kopf und ohne Hilfe ausrechnet?"
            writer.writerow(
                [number, asked, f"{number} und {number} sind zusammen {2 * number}, also {2 * number}.", "x"]
            )
    return file


@pytest.fixture
def drop(lab: Lab) -> Callable[[Path], None]:
    """Drop a file on the Data tab, which must be in view."""

    def dropped(file: Path) -> None:
        lab.page.set_input_files("#upload input[type=file]", file)

    return dropped


Drop = Callable[[Path], None]


def test_a_bad_file_is_told_with_its_line(lab: Lab, tmp_path: Path, drop: Drop) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"question": "a", "answer": "b"}\n{"question": \n')
    lab.tab("Data")
    drop(file)
    said = lab.page.locator("#data-fault").get_by_role("alert")
    expect(said).to_contain_text("bad.jsonl, line 2", timeout=PATIENCE)
    expect(said).not_to_contain_text("Traceback")


def test_a_hostile_data_set_is_looked_at_as_text_and_trained_on(lab: Lab, hostile: Path, drop: Drop) -> None:
    page = lab.page
    lab.tab("Data")
    drop(hostile)
    report = page.locator("#report")
    expect(report).to_contain_text("question and answer: user from question, assistant from solution", timeout=PATIENCE)
    expect(report).to_contain_text("38 to train on, 2 for validation")
    report.locator("summary", has_text="too short").click()
    expect(report).to_contain_text("<b>short</b>")
    for place in ("#row", "#table"):
        expect(page.locator(place)).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("#row")).to_contain_text("<|im_start|>assistant")
    for place in ("#report", "#row", "#table"):
        assert page.locator(f"{place} script, {place} img, {place} a").count() == 0

    title = page.locator("#row-title")
    before = title.inner_text()
    page.get_by_role("button", name="Next").click()
    expect(title).not_to_have_text(before)

    lab.open()
    lab.tab("Data")
    expect(report).to_contain_text("38 to train on, 2 for validation", timeout=PATIENCE)
    expect(page.locator("#table select")).to_have_count(2)
    page.get_by_role("button", name="Train on this").click()
    asked = latest_question(lab.runs)
    assert asked and asked.data.source.endswith("hostile.jsonl")
    expect(page.locator("#start")).to_be_visible()
    page.get_by_role("button", name="See the plan").click()
    expect(page.locator("#plan")).to_contain_text("38 to train on, 2 for validation", timeout=PATIENCE)


def test_columns_that_are_not_known_are_given_their_roles_above_the_rows(
    lab: Lab, hostile: Path, odd: Path, drop: Drop
) -> None:
    page = lab.page
    lab.tab("Data")
    drop(hostile)
    expect(page.locator("#train-on-this")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Clear", exact=False).first.click()
    expect(page.locator("#table select")).to_have_count(0)
    expect(page.locator("#report")).to_contain_text("Drop a file on the left")
    expect(page.locator("#train-on-this")).to_be_hidden()
    expect(page.get_by_role("textbox", name=re.compile("^Data"))).to_have_value("")

    drop(odd)
    table = page.locator("#table")
    expect(table).to_contain_text("Which column is the question, and which is the answer?", timeout=PATIENCE)
    expect(table.locator("th .name")).to_have_text(["id", "frage", '<b>"loesung"</b>', "tag"])
    expect(table.locator("tbody tr")).to_have_count(3)
    for command in ("--columns", "columns ="):
        expect(page.locator("#data-fault")).not_to_contain_text(command)
    expect(page.locator("#train-on-this")).to_be_hidden()

    by_mouse = page.get_by_label("What frage is", exact=True)
    by_mouse.select_option("Question")
    expect(table).to_contain_text("Which column is the answer?")
    by_keyboard = page.get_by_label('What <b>"loesung"</b> is', exact=True)
    by_keyboard.focus()
    page.keyboard.press("A")
    row = page.locator("#row")
    expect(row.locator(".mask .learned").first).to_contain_text("0 und 0 sind zusammen 0")
    expect(by_keyboard).to_be_focused()
    expect(page.locator("#row-title")).to_contain_text("from the chat template of tiny")
    expect(page.locator("#train-on-this")).to_be_visible(timeout=PATIENCE)

    by_mouse = page.get_by_label("What frage is", exact=True)
    by_mouse.select_option("Answer")
    expect(row.locator(".mask .learned").first).to_contain_text("Was ist 0 plus 0")
    expect(page.get_by_label('What <b>"loesung"</b> is', exact=True)).to_have_value("user")


def test_a_file_of_one_s_own_is_used_whole_and_the_bundled_data_in_part(lab: Lab, odd: Path) -> None:
    page = lab.page
    lab.tab("Data")
    page.get_by_role("button", name="Try the bundled data").click()
    report = page.locator("#report")
    expect(report).to_contain_text("not used: max_samples = 800", timeout=PATIENCE)
    expect(report.locator(".step").first).to_have_text(re.compile("rows in the data.*2,000"))
    expect(report).to_contain_text("rules dropped nothing")
    assert report.locator(".step", has_text=re.compile(r"^\D*\b0\b")).count() == 0
    assert grave_violations(page) == []
    report.get_by_role("button", name="Use all").click()
    expect(report.locator(".step").last).to_have_text(re.compile("kept.*(1,9|2,0)"), timeout=PATIENCE)
    expect(report).not_to_contain_text("not used")
    page.get_by_role("button", name="Train on this").click()
    page.get_by_role("button", name="All other settings").click()
    page.get_by_role("button", name="Data: rules").click()
    expect(page.get_by_label(re.compile("^max_samples")).locator("visible=true")).to_have_value("0")


def test_a_large_file_tells_how_much_of_it_is_sent(lab: Lab, tmp_path: Path, drop: Drop) -> None:
    page = lab.page
    file = tmp_path / "large.jsonl"
    row = json.dumps({"question": "What is it? " * 400, "answer": "It is a long text. " * 400})
    file.write_text(f"{row}\n" * 400)
    lab.tab("Data")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    drop(file)
    expect(page.locator(".sending")).to_have_text(re.compile(r"^Sent \d+\.\d of 5\.\d MB, \d+ %$"))
    expect(page.locator("#table")).to_contain_text("large.jsonl", timeout=PATIENCE)
    expect(page.locator(".sending")).to_have_count(0)
