"""The way of docs/first-run.md, from the first button to the result, as its pictures are taken: by keyboard alone."""

from pathlib import Path

import pytest

from qwenlab.runs import Status, list_evaluations, list_runs
from qwenlab.runs.comparisons import list_comparisons
from tests.trained import end_launches
from tests.ui.browser.conftest import Lab
from tests.ui.browser.screenshots import four_clicks

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_TABS = 80
"""Presses of the Tab key after which a button cannot be called reachable."""

FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  return [at.tagName === 'BUTTON' || at.getAttribute('role') === 'button' ? at.textContent.trim() : '', seen];
}"""


def by_keyboard(lab: Lab, name: str) -> None:
    """Go to the button by the Tab key, see that it shows where one is, and press Enter."""
    for _ in range(MOST_TABS):
        lab.page.keyboard.press("Tab")
        label, is_seen = lab.page.evaluate(FOCUSED)
        if label.startswith(name):
            assert is_seen, f"{label} does not show that it has the focus"
            lab.page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} is not reached in {MOST_TABS} presses of the Tab key")


def test_four_buttons_train_compare_and_evaluate(lab: Lab, tmp_path: Path) -> None:
    try:
        four_clicks(lab, tmp_path, by_keyboard)
    finally:
        end_launches(lab.runs)
    (run,) = list_runs(lab.runs)
    assert run.status is Status.finished
    (comparison,) = list_comparisons(run)
    assert [column.model for column in comparison.columns] == ["base", run.name]
    (evaluation,) = list_evaluations(run)
    assert evaluation.status is Status.finished
