"""Comparing in the browser: both columns stream from one real server, programs run, votes are kept."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from qwenlab.runs import Run, gpu_lock, list_runs
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.runs.label import change_label
from qwenlab.ui.jobs.served import pending
from qwenlab.ui.run_cache import name
from tests.serving import scripted
from tests.trained import copy_of_a_trained_run, end_launches
from tests.ui.browser.axe import grave_violations
from tests.ui.browser.conftest import Lab, Waited

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> ${alert(3)} {{4}}"


@pytest.fixture
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A trained run in the lab, chosen in the Compare tab."""
    run = copy_of_a_trained_run(lab.runs, tmp_path_factory)
    lab.open()
    lab.tab("Compare")
    lab.page.locator("#compare-runs").get_by_text(name(run)).wait_for()
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
    expect(page.locator("#columns .tuned .said")).to_have_text("7 * 8 = 56.")
    expect(folded.locator("summary")).to_contain_text("reasoned for")
    expect(folded.locator(".prose")).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator(".prose")).to_contain_text("which is 60 less 4")


TOGETHER = """() => new MutationObserver(() => {
  const columns = [...document.querySelectorAll('#columns section:not(.data)')];
  window.together ||= columns.length === 2 && columns.every(column =>
    column.querySelector('.said').textContent.length > 0 && column.textContent.includes('answering'));
}).observe(document.querySelector('#columns'), {childList: true, subtree: true, characterData: true})"""
"""Takes note of a moment in which both columns have begun and neither has its stamp: they stream together."""


def test_both_columns_stream_at_once_and_their_programs_are_run(lab: Lab, run: Run) -> None:
    page = lab.page
    page.evaluate(TOGETHER)
    with scripted(lab.runs, run, False, lambda prompt: "one two three " * 100, pace_s=0.05):
        for _ in range(5):  # on a busy machine one may come too late for the other's batch, and then waits for it
            page.get_by_role("button", name="Answer side by side").click()
            expect(page.locator("#ask")).to_be_disabled()
            expect(page.locator("#ask")).to_be_enabled()
            expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
            expect(page.locator("#columns .stamp").get_by_text("adapter off")).to_be_visible()
            if page.evaluate("window.together"):
                break
        assert page.evaluate("window.together")
    earlier = page.locator("#earlier button").count()
    page.get_by_role("button", name="Answer side by side").click()
    expect(page.locator("#earlier button")).to_have_count(earlier + 1)
    page.get_by_role("button", name="Run the code").click()
    expect(page.locator("#columns .tuned .chip")).to_have_text("passes all tests")
    expect(page.locator("#columns .base .chip")).to_be_visible()

    lab.open()
    lab.tab("Compare")
    expect(page.locator("#columns .tuned .chip")).to_have_text("passes all tests")
    page.get_by_role("button", name="Did it help?").last.click()
    expect(page.get_by_role("tab", name="Result")).to_have_attribute("aria-selected", "true")


def test_a_hostile_prompt_stays_text(lab: Lab, run: Run) -> None:
    page = lab.page
    endings = itertools.cycle(["one", "two"])
    with scripted(lab.runs, run, False, lambda prompt: f"{HOSTILE} {next(endings)}"):
        for _ in range(2):
            ask_typed(page, HOSTILE)
            expect(page.locator("#ask")).to_be_enabled()
            expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
            expect(page.locator("#columns .question")).to_have_text(HOSTILE)
            page.locator("#question").get_by_role("button").first.click()
            page.get_by_label("System message").fill(HOSTILE)
        entry = page.locator("#earlier button")
        expect(entry).to_have_count(1)
        expect(entry).to_contain_text(HOSTILE)
        page.get_by_role("button", name="Mark differences").click()
        expect(page.locator("#columns mark")).to_have_count(2)
    expect(page.locator("#columns .tuned .said")).to_contain_text(HOSTILE)
    expect(page.locator("#columns .force q")).to_have_text(HOSTILE)
    assert page.locator("#columns :is(img, script), #earlier :is(img, script)").count() == 0


def test_blind_columns_are_a_and_b_until_the_vote(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_label("Blind").check()
    page.get_by_role("button", name="Answer side by side").click()
    page.get_by_role("button", name="A is better").click()
    expect(page.locator("#columns h4").get_by_text("your choice")).to_be_visible()
    expect(page.get_by_label("Tally of blind choices")).to_contain_text("95 % interval")
    (kept,) = list_comparisons(run)
    assert kept.choice == kept.columns[0].model


RICH = """By the *law*, $7 \\cdot 8$ is:

$$\\frac{112}{2} = 56$$

```python
print(7 * 8)
```

The answer is **NUMBER**."""


def test_answers_are_read_and_what_differs_is_marked(lab: Lab, run: Run) -> None:
    page = lab.page
    numbers = itertools.cycle(["fifty six", "fifty seven"])
    with scripted(lab.runs, run, False, lambda prompt: RICH.replace("NUMBER", next(numbers)), pace_s=0.01):
        ask_typed(page, "What is $7 \\cdot 8$?")
        expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
        expect(page.locator("#columns .question .katex")).to_have_count(1)
        for kind in ("base", "tuned"):
            answer = page.locator(f"#columns .{kind} .said")
            expect(answer.locator(".katex-display")).to_be_visible()
            expect(answer.locator(".math .katex")).to_have_count(2)
            expect(answer.locator("strong")).to_contain_text("fifty")
            expect(answer.locator(".code .hl-nb")).to_have_text("print")
            expect(answer.locator("mark")).to_have_count(0)
        differ = page.get_by_role("button", name="Mark differences")
        differ.click()
        expect(differ).to_have_attribute("aria-pressed", "true")
        marked = [page.locator(f"#columns .{kind} mark").all_inner_texts() for kind in ("base", "tuned")]
        assert sorted(marked) == [["seven"], ["six"]]
        # What is marked stays marked, and what is typeset typeset, when Gradio writes to the same place.
        page.locator("#more textarea").fill("And now?")
        page.locator("#ask-on").click()
        expect(page.locator("#columns .turn")).to_have_count(2)
        expect(page.locator("#columns .growing")).to_have_count(0)
        expect(page.locator("#columns .turn mark")).to_have_count(4)
        expect(page.locator("#columns .said .katex-display")).to_have_count(4)
        expect(page.locator("#more textarea")).to_have_value("")
        differ.click()
        expect(page.locator("#columns mark")).to_have_count(0)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#columns .tuned .answer-head [data-copy]").first.click()
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("By the *law*, $7 \\cdot 8$ is:")
    (kept,) = list_comparisons(run)
    assert [turn.question for turn in kept.later] == ["And now?"]
    lab.open()
    lab.tab("Compare")
    expect(page.locator("#columns .turn")).to_have_count(2)


def ask_typed(page: Page, prompt: str) -> None:
    if not page.get_by_label("Typed").is_checked():
        page.get_by_label("Typed").click()
        expect(page.get_by_label("Prompt", exact=True)).to_have_value("")
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_role("button", name="Answer side by side").click()


def test_a_typed_question_is_asked_under_no_hidden_system_message(lab: Lab, run: Run) -> None:
    page = lab.page
    system = page.get_by_label("System message")
    expect(system).to_have_value(re.compile("competitive programmer"))
    page.get_by_label("Typed").click()
    expect(system).to_have_value("")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("")
    page.get_by_label("Prompt", exact=True).fill("What is two plus two?")
    answered(lab)
    (kept,) = list_comparisons(run)
    assert [message["role"] for message in kept.messages] == ["user"]
    expect(page.locator("#columns .force")).to_contain_text("No system message but the chat template's own.")
    expect(page.locator("#columns .question")).to_have_text("What is two plus two?")
    # The question is folded away, and both answers stand on the first screen.
    expect(page.get_by_label("Prompt", exact=True)).to_be_hidden()
    for kind in ("base", "tuned"):
        expect(page.locator(f"#columns .{kind} h4")).to_be_in_viewport()


def test_what_is_filled_in_outlives_other_runs_and_a_reload(lab: Lab, run: Run) -> None:
    page = lab.page
    copied = Run(lab.runs / "20991231-000000-other")
    shutil.copytree(run.folder, copied.folder)
    other = change_label(copied, title="the copy").title
    page.get_by_label("Typed").click()
    prompt, longest = page.get_by_label("Prompt", exact=True), page.get_by_label("Longest, in tokens")
    expect(prompt).to_have_value("")
    prompt.fill("My own question.")
    longest.fill("33")
    page.get_by_label("System message").fill("Be kind.")
    page.locator("#compare-runs input").click()
    page.get_by_role("option", name=other).click()
    expect(page.locator("#compare-runs").get_by_text(other).first).to_be_visible()
    page.locator("#machine").click()
    page.wait_for_timeout(1000)  # for what must not happen
    expect(prompt).to_have_value("My own question.")
    # The first of the runs is taken away, so that another is the first.
    page.locator("#compare-runs").get_by_role("button", name="Remove").first.click()
    page.wait_for_timeout(1500)
    lab.open()
    lab.tab("Compare")
    expect(page.locator("#compare-runs").get_by_text(other)).to_be_visible()
    expect(page.locator("#compare-runs").get_by_text(name(run))).to_have_count(0)
    expect(prompt).to_have_value("My own question.")
    expect(page.get_by_label("System message")).to_have_value("Be kind.")
    expect(longest).to_have_value("33")
    expect(page.get_by_label("Typed")).to_be_checked()


def test_stop_keeps_what_was_written_and_marks_it(lab: Lab, run: Run) -> None:
    page = lab.page
    expect(page.locator("#halt")).to_be_disabled()
    with scripted(lab.runs, run, False, lambda prompt: "one two three " * 100, pace_s=0.05):
        ask_typed(page, "Count.")
        expect(page.locator("#columns .columns")).to_contain_text("one two")
        expect(page.locator("#ask")).to_be_disabled()
        page.locator("#halt").click()
        expect(page.locator("#compare-notice")).to_contain_text("What was written until then is kept")
        expect(page.locator("#halt")).to_be_disabled()
        expect(page.locator("#ask")).to_be_enabled()
        page.wait_for_timeout(1500)
    expect(page.locator("#columns .stamp .amber")).to_have_text(["stopped", "stopped"])
    expect(page.locator("#columns")).not_to_contain_text("answering")
    (kept,) = list_comparisons(run)
    assert all(column.finish == "stopped" for column in kept.columns)
    assert any(column.text.startswith("one two") for column in kept.columns)


def test_blind_rounds_are_played_by_keyboard(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_label("Blind").check()
    with scripted(lab.runs, run, False, lambda prompt: "Some answer."):
        for number, key in enumerate(["a", "b", "t"]):
            page.locator("#machine").click()  # away from all fields
            page.keyboard.press("n")
            expect(page.locator("#vote-a")).to_be_visible()
            expect(page.locator("#columns h4").first).to_have_text("A")
            page.keyboard.press(key)
            expect(page.locator("#vote-a")).to_be_hidden()
            expect(page.locator("#columns h4").first).to_contain_text("A: ")
            assert len([each for each in list_comparisons(run) if each.choice is not None]) == number + 1
        expect(page.get_by_label("Tally of blind choices")).to_contain_text("no preference in 1")
        kept = list_comparisons(run)
        assert len({each.messages[-1]["content"] for each in kept}) == 3, "each round asks another"
        assert [each.choice for each in kept] == [kept[0].columns[0].model, kept[1].columns[1].model, ""]
        # In a field a letter is a letter.
        page.locator("#more textarea").press("n")
        page.wait_for_timeout(1000)
        expect(page.locator("#more textarea")).to_have_value("n")
        assert len(list_comparisons(run)) == 3


def test_the_tab_can_be_read_and_used_by_everybody(lab: Lab, run: Run) -> None:
    page = lab.page
    page.get_by_role("button", name="Answer side by side").click()
    expect(page.locator("#columns .stamp").get_by_text("adapter on")).to_be_visible()
    page.locator("#run-code").click()
    expect(page.locator("#columns .tuned .chip")).to_be_visible()
    expect(page.locator("#run-code")).to_be_hidden()
    page.get_by_label("Blind").check()
    page.locator("#next").click()
    expect(page.locator("#vote-a")).to_be_visible()
    expect(page.locator("#ask")).to_be_enabled()
    assert grave_violations(page) == []
    lab.open()
    lab.tab("Compare")
    expect(page.locator("#columns .answer.hidden")).to_have_count(2)
    page.locator("#earlier button").click()
    expect(page.locator("#columns .tuned .chip")).to_be_visible()
    page.get_by_role("button", name="Mark differences").click()
    expect(page.locator("#columns mark").first).to_be_visible()
    assert grave_violations(page) == []


def test_a_gpu_that_is_taken_is_told_and_waited_for_when_asked(lab: Lab, run: Run, waited: Waited) -> None:
    page = lab.page
    with gpu_lock(lab.runs, "20261122-153012-other"):
        page.get_by_role("button", name="Answer side by side").click()
        notice = page.locator("#compare-notice")
        expect(notice).to_contain_text("20261122-153012-other is at work")
        page.get_by_role("button", name="Wait in line").click()
        waited(lambda: pending(lab.runs, [run.name]) is not None)
        expect(page.locator("#strip .queue")).to_contain_text("the model that answers in Compare")
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
