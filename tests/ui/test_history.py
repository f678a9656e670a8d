"""The Runs tab without a browser."""

import shutil
from pathlib import Path

import pytest

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.report.schema import read_report
from qwenlab.runs import Evaluation, Run, Status, list_runs
from qwenlab.ui.tabs.runs import actions, deleted, listing, renamed, states
from qwenlab.ui.views.history import differences, overlay, table
from tests.report.reports import contest, whole_report
from tests.ui.made import made_run

FIRST_EDITION = Path(__file__).parents[1] / "first_edition"


def evaluated(run: Run) -> Evaluation:
    """With a report as evaluations write it."""
    evaluation = Evaluation.create(run, EvaluateSettings())
    write(whole_report(), evaluation.folder)
    return evaluation


def test_the_table_has_status_settings_curve_and_result(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    evaluated(run)
    made_run(tmp_path, "zero", status=Status.running)
    shown = table(tmp_path)
    assert shown.index("zero") < shown.index("made"), "newest first"
    assert "lost" in shown and "finished" in shown and "<svg" in shown and "1.000" in shown
    assert "Qwen2.5-7B-Instruct, r 16" in shown


def test_the_result_is_what_the_newest_report_says_of_each_suite(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    older, newer = evaluated(run), evaluated(run)
    older.report_file.write_text("{}")
    said = read_report(newer.report_file)
    assert f'{contest(said).title}</span> <span class="accent">{said.sentence}' in table(tmp_path)
    newer.report_file.write_text("{}")
    assert "report.json cannot be read" in table(tmp_path)


def test_reports_of_the_first_edition_have_their_result(tmp_path: Path) -> None:
    shutil.copytree(FIRST_EDITION, tmp_path / "runs")
    shown = table(tmp_path / "runs")
    assert "of 4" in shown and "cannot be read" not in shown


def test_no_run_says_what_will_stand_there(tmp_path: Path) -> None:
    assert "No run yet" in table(tmp_path)


def test_each_part_is_sent_when_it_looks_different(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    seen = states(tmp_path, [run.name])
    assert states(tmp_path, [run.name]) == seen, "nothing new"
    run.update(step=run.read().step + 1)
    assert _changed(seen, seen := states(tmp_path, [run.name])) == [True, True, False, False], "what is typed stays"
    renamed(tmp_path, [run.name], "<i>mine</i>", "why")
    assert _changed(seen, seen := states(tmp_path, [run.name])) == [True, True, True, False]
    assert _changed(seen, states(tmp_path, [])) == [False, True, True, True], "what was said of one run goes with it"


def test_the_table_has_titles_and_notes_as_text_and_forgets_runs_that_are_gone(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    renamed(tmp_path, [run.name], "<i>mine</i>", "why")
    shown, chosen = listing(tmp_path, [run.name, "gone"])
    assert "&lt;i&gt;mine&lt;/i&gt;" in shown and "why" in shown and chosen.value == [run.name]


def test_curves_lie_over_each_other_and_only_differences_are_told(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "first"), made_run(tmp_path, "second", train={"seed": 7})
    assert overlay([first, second]).count('class="line') == 2
    told = differences([first, second])
    assert "train.seed" in told and "42" in told and ">7<" in told and "lora.r" not in told
    assert "the same" in differences([first, first])


@pytest.mark.parametrize(
    ("status", "resume", "delivered"), [(Status.finished, False, True), (Status.stopped, True, True)]
)
def test_what_can_be_done_with_a_run_depends_on_how_it_stands(
    tmp_path: Path, status: Status, resume: bool, delivered: bool
) -> None:
    run = made_run(tmp_path, status=status)
    view = actions(tmp_path, [run.name])
    assert view[0].visible and view[3].visible is resume and view[4].visible is False
    assert view[6].visible is delivered and view[7].visible is delivered


def test_a_run_at_work_is_not_deleted(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    with run.locked():
        assert "being worked on" in deleted(tmp_path, [run.name])[0]
    assert deleted(tmp_path, [run.name])[0] == "" and list_runs(tmp_path) == []


def _changed(before: tuple[str, ...], after: tuple[str, ...]) -> list[bool]:
    return [one != other for one, other in zip(before, after, strict=True)]
