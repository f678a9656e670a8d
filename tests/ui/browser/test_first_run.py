"""The way of docs/first-run.md, from the first click to the report, as its pictures are taken."""

from pathlib import Path

import pytest

from qwenlab.runs import Status, list_evaluations, list_runs
from qwenlab.runs.comparisons import list_comparisons
from tests.trained import end_launches
from tests.ui.browser.conftest import Lab
from tests.ui.browser.screenshots import four_clicks

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_clicks_alone_train_compare_and_evaluate(lab: Lab, tmp_path: Path) -> None:
    try:
        four_clicks(lab, tmp_path)
    finally:
        end_launches(lab.runs)
    (run,) = list_runs(lab.runs)
    assert run.status is Status.finished
    (comparison,) = list_comparisons(run)
    assert [column.model for column in comparison.columns] == ["base", run.name]
    (evaluation,) = list_evaluations(run)
    assert evaluation.status is Status.finished
