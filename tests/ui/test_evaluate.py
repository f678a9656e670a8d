"""The Evaluate tab's handlers, on reports made by hand; in tests/ui/browser an evaluation really runs."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from qwenlab.evaluation.item import Item, Reference
from qwenlab.evaluation.suites import suite_names
from qwenlab.files import rewrite_lines
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import page, write
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status
from qwenlab.runs.launch import list_launches
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.tabs import evaluate
from qwenlab.ui.tabs.evaluate import SETTINGS, Shown
from qwenlab.ui.views.suites import suite_choices
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
    write(report, evaluation.folder)
    evaluation.update(status=Status.finished, finished=datetime.now(UTC))
    return evaluation


def part(outputs: list[Any], name: str) -> Any:
    return outputs[Shown._fields.index(name)]


def look(runs: Path, run: Run, evaluation: str = NEWEST) -> list[Any]:
    return evaluate.look(runs, run.name, evaluation, ("", ""))


def test_a_run_without_an_evaluation_teaches_what_will_stand_here(runs: Path, run: Run) -> None:
    outputs = look(runs, run)
    assert "Did it help, did it forget?" in part(outputs, "progress").value
    assert part(outputs, "report") == "" and not part(outputs, "page").visible
    assert not part(outputs, "stop").visible


def frame(outputs: list[Any]) -> dict[str, str | None]:
    """The attributes of the one element that shows a report, as a browser reads them."""
    found: list[dict[str, str | None]] = []
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            found.append(dict(attrs))

    Reader().feed(part(outputs, "report"))
    assert tags == ["div", "iframe"]
    return found[1]


def test_a_report_is_shown_as_the_page_that_it_is_and_can_be_downloaded(runs: Path, run: Run) -> None:
    report = whole_report()
    evaluation = finished(run, report)
    outputs = look(runs, run)
    assert frame(outputs)["srcdoc"] == page(report)
    assert not part(outputs, "progress").visible
    for name, file in (("page", "report.html"), ("markdown", "report.md"), ("figures", "report.json")):
        assert part(outputs, name).visible
        assert Path(part(outputs, name).value["path"]).read_bytes() == (evaluation.folder / file).read_bytes()


def test_what_the_browser_shows_already_is_not_sent_again(runs: Path, run: Run) -> None:
    finished(run, whole_report())
    first = look(runs, run)
    again = evaluate.look(runs, run.name, NEWEST, first[0])
    assert again[0] == first[0]
    assert all(value == {"__type__": "update"} for value in again[1:])


def test_what_models_wrote_stays_inside_a_frame_without_scripts(runs: Path, run: Run) -> None:
    report = whole_report(hostile=f'{SCRIPT}"></iframe>{BRACES}')
    finished(run, report)
    outputs = look(runs, run)
    found = frame(outputs)
    assert found["srcdoc"] == page(report)
    assert found["sandbox"] in ("", None)
    assert not set("${}`") & set(part(outputs, "report"))


def test_an_evaluation_is_shown_by_name_too(runs: Path, run: Run) -> None:
    first = finished(run, whole_report())
    second = Evaluation.create(run, EvaluateSettings())
    second.update(status=Status.failed, error="The GPU <b>fell</b> off.")
    assert "The GPU &lt;b&gt;fell&lt;/b&gt; off." in part(look(runs, run), "progress").value
    assert part(look(runs, run), "report") == ""
    assert part(look(runs, run, first.name), "report") and part(look(runs, run, first.name), "page").visible
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
    assert "exited unexpectedly" in part(outputs, "progress").value
    assert part(outputs, "resume").visible
    finished(run, whole_report())
    assert part(look(runs, run, evaluation.name), "resume").visible


def test_the_command_has_what_differs_from_the_run_and_what_it_can_show(runs: Path, run: Run) -> None:
    told, command = evaluate.edited(runs, run.name, False, *settings(run))
    assert "5 suites: each p is adjusted" in told
    assert command == f"python -m qwenlab.evaluate {run.name} --runs {runs}"
    told, command = evaluate.edited(runs, run.name, True, *settings(run, suites=["tiny"], max_items=5))
    assert "One suite" in told
    assert "--set 'evaluate.suites=[\"tiny\"]' --set evaluate.max_items=5 --noise-floor" in command


def test_each_suite_says_how_many_items_it_has_and_what_they_show(runs: Path, run: Run) -> None:
    boxes = {value: label for label, value in suite_choices(run, run.recipe.evaluate)}
    assert list(boxes)[:5] == list(run.recipe.evaluate.suites) and list(boxes)[-2:] == ["tiny", "tiny_functions"]
    assert set(boxes) == set(suite_names())
    assert boxes["gsm8k"] == "Maths (gsm8k): 300, shows a gain from 5.3 points"
    assert boxes["code_contests"] == "Contest problems (code_contests): 100, shows a gain from 11.0 points"
    assert boxes["held_out"].startswith("Your own rows (held_out): ")
    assert "compared by what your answers are found to be" in boxes["held_out"]
    tiny = {value: label for label, value in suite_choices(None, EvaluateSettings(suites=("tiny",), max_items=5))}
    assert next(iter(tiny)) == "tiny" and tiny["tiny"] == "Mini contest (tiny): 5, too few to show any gain"
    assert suite_choices(None, EvaluateSettings(suites=("gsm8",)))[0][0] == "gsm8: There is no suite gsm8."


def test_a_suite_keeps_the_file_that_the_recipe_takes_it_from(runs: Path, run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text("{}\n", encoding="utf-8")
    run.write_recipe(run.recipe.with_values(evaluate={"suites": [f"gsm8k={mine}", "math"]}))
    boxes = {value: label for label, value in suite_choices(run, run.recipe.evaluate)}
    assert list(boxes)[:2] == ["gsm8k", "math"] and str(mine) in boxes["gsm8k"]
    _, command = evaluate.edited(runs, run.name, False, *settings(run, suites=["gsm8k"]))
    assert f'evaluate.suites=["gsm8k={mine}"]' in command


def test_the_time_of_a_suite_is_that_of_the_evaluation_before(runs: Path, run: Run) -> None:
    evaluation = finished(run, whole_report())
    files = evaluation.suite("gsm8k")
    files.folder.mkdir(parents=True)
    files.items_file.write_text("{}\n" * 10, encoding="utf-8")
    evaluation.update(suite_seconds={"gsm8k": 30.0})
    boxes = {value: label for label, value in suite_choices(run, run.recipe.evaluate)}
    assert boxes["gsm8k"].endswith(", about 15 min") and "about" not in boxes["humaneval"]
    rows = evaluation.suite("held_out")
    rows.folder.mkdir(parents=True)
    asked = Item(name="a", messages=({"role": "user", "content": "Why?"},), shown="Why?", task=Reference(answer="So."))
    rewrite_lines(rows.items_file, [asked])
    boxes = {value: label for label, value in suite_choices(run, EvaluateSettings())}
    assert "compares losses" in boxes["held_out"]


@pytest.mark.parametrize(
    ("key", "value", "said"), [("max_items", None, "evaluate.max_items"), ("top_p", 7.0, "evaluate.top_p")]
)
def test_a_bad_setting_is_told_and_nothing_starts(runs: Path, run: Run, key: str, value: Any, said: str) -> None:
    values = settings(run, **{key: value})
    assert said in evaluate.edited(runs, run.name, False, *values)[0]
    assert said in evaluate.started(runs, run.name, False, *values)[0]
    assert not (runs / ".launches").exists()


def test_a_start_that_fails_is_told_in_its_own_words(runs: Path, run: Run) -> None:
    """The run's base was never recorded, so that nothing can be loaded."""
    values = settings(run, suites=["gsm8k=/nowhere.jsonl"])
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
