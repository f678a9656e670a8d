"""The Evaluate tab's handlers and views, on reports made by hand; in tests/ui/browser an evaluation really runs."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qwenlab.recipe import EvaluateSettings
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status
from qwenlab.runs.launch import list_launches
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.tabs import evaluate
from qwenlab.ui.tabs.evaluate import SETTINGS, Opened, Shown
from qwenlab.ui.views import problem
from qwenlab.ui.views.report import report_view
from tests.report.reports import SCRIPT, whole_report
from tests.ui.made import made_run

BRACES = "${alert(1)}{{x}}`"


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for name in {path.stem.partition("-")[2] for path in (tmp_path / ".launches").glob("*.json")}:
        for launched in list_launches(tmp_path, name):
            if launched.is_alive:
                os.kill(launched.read().pid, signal.SIGKILL)


@pytest.fixture
def run(runs: Path) -> Run:
    return made_run(runs)


def finished(run: Run, report: Report) -> Evaluation:
    """An evaluation that has ended with this report."""
    evaluation = Evaluation.create(run, EvaluateSettings())
    evaluation.report_file.write_text(report.model_dump_json(), encoding="utf-8")
    evaluation.page_file.write_text("<html></html>", encoding="utf-8")
    evaluation.update(status=Status.finished, finished=datetime.now(UTC))
    return evaluation


def part(outputs: list[Any], name: str) -> Any:
    return outputs[Shown._fields.index(name)]


def look(runs: Path, run: Run, evaluation: str = NEWEST) -> list[Any]:
    return evaluate.look(runs, run.name, evaluation, ("", ""))


def test_a_run_without_an_evaluation_teaches_what_will_stand_here(runs: Path, run: Run) -> None:
    outputs = look(runs, run)
    assert "Did it help?" in part(outputs, "progress").value
    assert not part(outputs, "problems").visible
    assert not part(outputs, "stop").visible


def test_a_report_begins_with_its_sentence_and_has_all_parts(runs: Path, run: Run) -> None:
    report = whole_report()
    finished(run, report)
    outputs = look(runs, run)
    shown = part(outputs, "report")
    answer, _, rest = report.sentence.partition(":")
    assert shown.index(answer) < shown.index("Generation rate")
    assert rest.strip() in shown.replace("&gt;", ">").replace("&lt;", "<")
    for criterion in report.criteria:
        assert criterion.name in shown
    assert "<svg" in shown
    assert "From verdict to verdict" in shown
    assert "360 tokens in 12 s" in shown
    assert part(outputs, "problems").visible
    assert part(outputs, "page").visible
    assert not part(outputs, "progress").visible
    assert len(part(outputs, "table")) == report.n


def test_what_the_browser_shows_already_is_not_sent_again(runs: Path, run: Run) -> None:
    finished(run, whole_report())
    first = look(runs, run)
    again = evaluate.look(runs, run.name, NEWEST, first[0])
    assert again[0] == first[0]
    assert all(value == {"__type__": "update"} for value in again[1:])


def test_transitions_count_every_problem(runs: Path, run: Run) -> None:
    report = whole_report()
    shown = report_view(report)
    gained = report.transitions.matrix()[("WA", "AC")]
    assert f'<td class="gained">{gained}</td>' in shown
    assert f"{len(report.transitions.gained)} gained, {len(report.transitions.lost)} lost" in shown


def test_without_a_sandbox_it_says_not_measured_and_what_mends_it() -> None:
    shown = report_view(whole_report(sandbox=False))
    assert "Not measured: no program was run" in shown
    assert "<pre>no sandbox works here; sudo apt install bubblewrap" in shown
    assert "Programs that parse" in shown


def test_problems_are_filtered_by_outcome_and_by_verdict(runs: Path, run: Run) -> None:
    report = whole_report()
    name = finished(run, report).name
    everything = evaluate.filtered(runs, run.name, name, "all", "all")
    gained = evaluate.filtered(runs, run.name, name, "gained", "all")
    assert [row[0] for row in gained] == list(report.transitions.gained)
    assert 0 < len(gained) < len(everything)
    for verdict in problem.verdicts(report)[1:]:
        rows = evaluate.filtered(runs, run.name, name, "all", verdict)
        assert rows
        assert all(verdict in row[2:4] for row in rows)
    assert evaluate.filtered(runs, run.name, name, "gained", "no program") != gained


def test_a_problem_opens_with_both_programs_and_the_failing_test(runs: Path, run: Run) -> None:
    report = whole_report()
    finished(run, report)
    box, statement, base, tuned, base_outcome, tuned_outcome = evaluate.opened(
        runs, run.name, NEWEST, report.transitions.gained[0]
    )
    assert box.visible
    assert "Add one to the number." in statement
    assert base == tuned == "print(int(input()) + 1)\n"
    assert "wrong answer" in base_outcome
    for value in ("41", "42", "40"):
        assert f"<pre>{value}" in base_outcome
    assert "all 10 tests passed" in tuned_outcome


def test_a_problem_that_is_not_there_any_more_closes_the_box(runs: Path, run: Run) -> None:
    finished(run, whole_report())
    closed = evaluate.opened(runs, run.name, NEWEST, "another")
    assert not closed[Opened._fields.index("box")].visible


def test_hostile_text_stays_text(runs: Path, run: Run) -> None:
    report = whole_report(hostile=SCRIPT + BRACES)
    finished(run, report)
    pages = [part(look(runs, run), "report")]
    for row in report.problems:
        _, statement, _, _, base, tuned = evaluate.opened(runs, run.name, NEWEST, row.name)
        pages += [statement, base, tuned]
    for page in pages:
        assert "<script" not in page
        assert not set("${}`") & set(page)


def test_an_evaluation_is_shown_by_name_too(runs: Path, run: Run) -> None:
    first = finished(run, whole_report())
    second = Evaluation.create(run, EvaluateSettings())
    second.update(status=Status.failed, error="The GPU <b>fell</b> off.")
    assert "The GPU &lt;b&gt;fell&lt;/b&gt; off." in part(look(runs, run), "progress").value
    assert part(look(runs, run, first.name), "table")
    assert [value for _, value in part(look(runs, run), "evaluation").choices] == [NEWEST, second.name, first.name]


def test_a_living_evaluation_shows_how_far_it_is_and_can_be_stopped(runs: Path, run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    with evaluation.owned():
        evaluation.update(
            status=Status.running, phase="generating", done=30, total=120, tokens_per_second=80.0, eta_s=200.0
        )
        outputs = look(runs, run)
        for said in ("25 %", "30 of 120", "80 tokens/s", "3 min left", 'aria-valuenow="25"'):
            assert said in part(outputs, "progress").value
        assert part(outputs, "stop").visible
        assert not part(outputs, "resume").visible
        evaluate.stopped(runs, run.name, NEWEST)
        assert evaluation.stop_file.exists()
        assert "under way" in evaluate.started(runs, run.name, False, *settings(run))[0]


def test_a_lost_evaluation_can_be_gone_on_with(runs: Path, run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    evaluation.update(status=Status.running, phase="judging", done=3, total=12)
    outputs = look(runs, run)
    assert "gone without a word" in part(outputs, "progress").value
    assert part(outputs, "resume").visible
    finished(run, whole_report())
    assert part(look(runs, run, evaluation.name), "resume").visible


def test_the_command_has_what_differs_from_the_run_and_what_it_can_show(runs: Path, run: Run) -> None:
    told, command = evaluate.edited(runs, run.name, False, *settings(run))
    assert "100 problems show a net gain of" in told
    assert command == f"python -m qwenlab.evaluate {run.name} --runs {runs}"
    told, command = evaluate.edited(runs, run.name, True, *settings(run, limit=5, problems="tiny"))
    assert "too few to show any gain" in told
    assert "--set 'evaluate.problems=\"tiny\"' --set evaluate.limit=5 --noise-floor" in command


@pytest.mark.parametrize(
    ("key", "value", "said"), [("limit", None, "evaluate.limit"), ("top_p", 7.0, "evaluate.top_p")]
)
def test_a_bad_setting_is_told_and_nothing_starts(runs: Path, run: Run, key: str, value: Any, said: str) -> None:
    values = settings(run, **{key: value})
    assert said in evaluate.edited(runs, run.name, False, *values)[0]
    assert said in evaluate.started(runs, run.name, False, *values)[0]
    assert not (runs / ".launches").exists()


def test_a_start_that_fails_is_told_in_its_own_words(runs: Path, run: Run) -> None:
    """The run's base was never recorded, so that nothing can be loaded."""
    values = settings(run, problems="/nowhere.jsonl", limit=3)
    evaluate.started(runs, run.name, False, *values)
    [launched] = list_launches(runs, f"evaluate-{run.name}")
    while launched.is_alive:
        time.sleep(0.1)
    assert "/nowhere.jsonl" in part(look(runs, run), "progress").value


def test_a_run_that_was_deleted_is_told(runs: Path) -> None:
    assert "There is no run gone" in part(evaluate.look(runs, "gone", NEWEST, ("", "")), "progress").value


def settings(run: Run, **changes: Any) -> list[Any]:
    values = run.recipe.evaluate.model_dump() | changes
    return [values[key] for key, _ in SETTINGS]
