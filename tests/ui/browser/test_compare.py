"""Comparing in the browser: both columns stream from one real server, programs run, votes are kept."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from qwenlab.runs import Run, gpu_lock, list_runs
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.ui.jobs.served import pending
from tests.serving import scripted
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.conftest import Lab, Waited

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> ${alert(3)} {{4}}"


@pytest.fixture
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run in the lab, chosen in the Compare tab."""
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory)
    lab.open()
    lab.tab("Compare")
    lab.page.locator("#compare-runs").get_by_text(run.name).wait_for()
    expect(lab.page.get_by_label("Prompt", exact=True)).not_to_have_value("")
    yield run
    end_launches(lab.runs)


def thinks(run: Run) -> None:
    """As if it had been trained on reasoning."""
    model = run.read().model
    assert model
    run.update(model=model.model_copy(update={"thinking": True}).model_dump())
    data = json.loads(run.data_file.read_text(encoding="utf-8"))
    run.data_file.write_text(json.dumps(data | {"thinking": True}), encoding="utf-8")


def answered(lab: Lab) -> None:
    """Ask, and wait for the stamps."""
    lab.page.get_by_role("button", name="Answer side by side").click()
    expect(lab.page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()


THOUGHT = "7 times 7 is 49.\nAnd 7 more is 56, which is 60 less 4. So it is 56.\n" * 6


def test_reasoning_is_open_while_it_is_written_and_folded_when_it_is_done(lab: Lab, run: Run) -> None:
    thinks(run)
    page = lab.page
    with scripted(lab.runs, run, True, lambda prompt: f"<think>\n{THOUGHT}</think>\n\n7 * 8 = 56.", pace_s=0.03):
        page.get_by_label("Prompt", exact=True).fill("What is 7 * 8?")
        page.get_by_role("button", name="Answer side by side").click()
        folded = page.locator("#columns .tuned details.thought")
        expect(folded).to_have_attribute("open", "")
        expect(page.locator("#columns .tuned .stamp")).to_have_text("thinking")
        expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
    expect(page.locator("#columns .tuned > pre")).to_have_text("7 * 8 = 56.")
    expect(folded.locator("summary")).to_contain_text("reasoned for")
    expect(folded.locator("pre")).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator("pre")).to_contain_text("which is 60 less 4")


def test_both_columns_stream_at_once_and_their_programs_are_run(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_role("button", name="Answer side by side").click()
    # A moment in which both have begun and neither has its stamp: they stream together.
    page.wait_for_function(
        """() => {
          const columns = [...document.querySelectorAll('#columns section')];
          return columns.length === 2 && columns.every(column =>
            column.querySelector('pre').textContent.length > 0 && column.textContent.includes('answering'));
        }"""
    )
    expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
    expect(page.locator("#columns .stamp").get_by_text("adapter off")).to_be_visible()
    page.get_by_role("button", name="Run the code").click()
    expect(page.locator("#columns .tuned .chip")).to_have_text("AC · accepted")
    expect(page.locator("#columns .base .chip")).to_be_visible()

    lab.open()
    lab.tab("Compare")
    expect(page.locator("#columns .tuned .chip")).to_have_text("AC · accepted")
    page.get_by_role("button", name="Did it help?").last.click()
    expect(page.get_by_role("tab", name="Result")).to_have_attribute("aria-selected", "true")


def test_a_hostile_prompt_stays_text(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_label("Typed").click()
    page.get_by_label("Prompt", exact=True).fill(HOSTILE)
    answered(lab)
    page.get_by_role("button", name="Answer side by side").click()
    expect(page.locator("#earlier details")).to_have_count(1)
    page.locator("#earlier summary").click()
    expect(page.locator("#earlier .asked")).to_have_text(HOSTILE)
    assert page.locator("#earlier img, #earlier script").count() == 0


def test_blind_columns_are_a_and_b_until_the_vote(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_label("Blind").check()
    page.get_by_role("button", name="Answer side by side").click()
    page.get_by_role("button", name="A is better").click()
    expect(page.locator("#columns h4").get_by_text("your choice")).to_be_visible()
    expect(page.get_by_label("Tally of blind choices")).to_contain_text("95 % interval")
    (kept,) = list_comparisons(run)
    assert kept.choice == kept.columns[0].model


def test_a_gpu_that_is_taken_is_told_and_waited_for_when_asked(lab: Lab, run: Run, waited: Waited) -> None:
    page = lab.page
    with gpu_lock(lab.runs, "20261122-153012-other"):
        page.get_by_role("button", name="Answer side by side").click()
        notice = page.locator("#compare-notice")
        expect(notice).to_contain_text("The GPU is with 20261122-153012-other")
        page.get_by_role("button", name="Wait in line").click()
        waited(lambda: pending(lab.runs, [run.name]) is not None)
        expect(page.locator("#strip")).to_contain_text("waiting: serve")
        expect(notice).to_contain_text("The answers follow by themselves")
    expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()


def test_stop_ends_the_waiting_server(lab: Lab, run: Run, waited: Waited) -> None:
    page = lab.page
    with gpu_lock(lab.runs, "20261122-153012-other"):
        page.get_by_role("button", name="Answer side by side").click()
        page.get_by_role("button", name="Wait in line").click()
        waited(lambda: pending(lab.runs, [run.name]) is not None)
        page.locator("#halt").click()
        waited(lambda: pending(lab.runs, [run.name]) is None)
        expect(page.locator("#compare-notice")).to_contain_text("Stopped.")
    assert list_comparisons(list_runs(lab.runs)[0]) == []
