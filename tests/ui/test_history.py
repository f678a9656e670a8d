"""The Runs tab without a browser."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from qwenlab.jobs.export import Target
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status, list_runs
from qwenlab.runs.deleted import list_deleted
from qwenlab.runs.label import Label, change_label, read_label
from qwenlab.ui.confirmation import wish
from qwenlab.ui.jobs.continued import resuming
from qwenlab.ui.jobs.exported import Choice, arguments
from qwenlab.ui.run_cache import name
from qwenlab.ui.tabs.runs import done, export_wanted, look, put_back_again, question, states
from qwenlab.ui.views.export_panel import choice_of, offered
from qwenlab.ui.views.history import differences, overlay, table
from qwenlab.ui.views.run_details import able, kept, labels
from tests.report.reports import CONTEST, whole_report
from tests.ui.made import made_run

FIRST_EDITION = Path(__file__).parents[1] / "first_edition"


def evaluated(run: Run, report: Report | None = None) -> Evaluation:
    """With a report as evaluations write it."""
    evaluation = Evaluation.create(run, EvaluateSettings())
    write(report or whole_report(), evaluation.folder)
    return evaluation


def test_the_table_has_status_settings_curve_and_result(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    evaluated(run)
    made_run(tmp_path, "zero", status=Status.running, train={"max_steps": 1234})
    shown = table(tmp_path)
    assert shown.index("zero") < shown.index("made"), "newest first"
    assert "lost" in shown and "finished" in shown and "<svg" in shown
    assert "Qwen2.5-7B-Instruct, 3 epochs, r 16" in shown and "1,234 steps" in shown
    assert '1.000 <span class="quiet">on tiny</span>' in shown, "a loss is told with its data"


def test_the_moment_is_a_date(tmp_path: Path) -> None:
    now, old = made_run(tmp_path, "now"), made_run(tmp_path, "old")
    then = datetime.now(UTC) - timedelta(days=800)
    old.update(created=then)
    created = now.read().created.astimezone()
    shown = table(tmp_path)
    assert f">{created.day} {created:%b} {created:%H:%M}</time>" in shown
    assert f"{then.astimezone():%b} {then.astimezone().year}" in shown and "ago" not in shown


def test_a_rate_stands_with_its_set_its_count_and_its_verdict(tmp_path: Path) -> None:
    evaluated(made_run(tmp_path))
    shown = table(tmp_path)
    assert "Contest problems</span>" in shown and "16.7 % → 61.1 % of 18, improved" in shown


def test_each_suite_is_told_by_the_newest_evaluation_that_asked_it(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    evaluated(run)
    other = whole_report()
    suite = other.suites[CONTEST].model_copy(update={"title": "own.jsonl", "verdict": "not shown"})
    evaluated(run, other.model_copy(update={"suites": {"own": suite}}))
    shown = table(tmp_path)
    assert shown.index("own.jsonl") < shown.index("Contest problems"), "the newest first, and the older stays"
    again = other.suites[CONTEST].model_copy(update={"title": "Contest problems again"})
    evaluated(run, other.model_copy(update={"suites": {CONTEST: again}}))
    assert table(tmp_path).count("Contest problems") == table(tmp_path).count("Contest problems again") > 0
    broken = evaluated(run)
    broken.report_file.write_text("{}")
    assert "report.json cannot be read" in table(tmp_path)


def test_reports_of_the_first_edition_have_their_result(tmp_path: Path) -> None:
    shutil.copytree(FIRST_EDITION, tmp_path / "runs")
    shown = table(tmp_path / "runs")
    assert "of 4" in shown and "cannot be read" not in shown


def test_no_run_says_what_will_stand_there(tmp_path: Path) -> None:
    assert "No run yet" in table(tmp_path)


def test_each_part_is_sent_when_it_looks_different(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    seen = states(tmp_path, run.name, "", run.name)
    assert states(tmp_path, run.name, "", run.name) == seen, "nothing new"
    run.update(step=run.read().step + 1)
    seen, was = states(tmp_path, run.name, "", run.name), seen
    assert _changed(was, seen) == [True, True, False, False, False, False]
    change_label(run, title="<i>mine</i>", note="why", tags=("a", '"b'))
    seen, was = states(tmp_path, run.name, "", run.name), seen
    assert _changed(was, seen)[:2] == [True, True]
    assert _changed(seen, states(tmp_path, run.name, "", "another"))[2], "a panel that shows another run is filled"
    (run.folder / "exports" / "merged").mkdir(parents=True)
    assert _changed(seen, states(tmp_path, run.name, "", run.name)) == [False, False, False, True, False, False]


def test_titles_notes_and_tags_are_text(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    change_label(run, title="<i>mine</i>", note='"><b>why', tags=('"><script>', "{{x}}"))
    shown = table(tmp_path)
    assert "&lt;i&gt;mine&lt;/i&gt;" in shown and "<b>why" not in shown and "<script" not in shown
    assert "{{" not in shown


def test_curves_lie_over_each_other_and_only_differences_are_told(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "first"), made_run(tmp_path, "second", train={"seed": 7})
    drawn = json.loads(unescape(overlay([first, second]).partition('data-overlay="')[2].partition('"')[0]))
    assert [run["name"] for run in drawn] == [name(first), name(second)]
    assert drawn[0]["validation"][0] == [0, 2.0] and drawn[0]["colour"] != drawn[1]["colour"]
    told = differences([first, second])
    assert "train.seed" in told and "42" in told and ">7<" in told and "lora.r" not in told
    assert "the same" in differences([first, first]) and "different data" not in told
    second.update(data_sha256="other")
    assert "different data" in differences([first, second]), "their losses are not compared without a word"
    assert look(tmp_path, first.name, f"{first.name}\n{second.name}\ngone")[1].count("&quot;name&quot;") == 2
    assert look(tmp_path, first.name, "")[1].count("&quot;name&quot;") == 1, "the opened one, where none is chosen"


def visible(run: Run) -> dict[str, Any]:
    names = ("evaluate", "compare", "recipe", "resume", "extend", "until", "start_from", "export")
    return dict(zip(names, able(run.folder.parent, run.name)[3:], strict=True))


@pytest.mark.parametrize(
    ("status", "checkpoint", "resume"),
    [
        (Status.finished, True, ""),
        (Status.stopped, True, "Resume"),
        (Status.lost, True, "Resume"),
        (Status.failed, False, "Start again"),
    ],
)
def test_what_can_be_done_with_a_run_depends_on_how_it_stands(
    tmp_path: Path, status: Status, checkpoint: bool, resume: str
) -> None:
    run = made_run(tmp_path, status=status)
    if checkpoint:
        (run.folder / "checkpoint-5").mkdir()
        (run.folder / "checkpoint-5" / "trainer_state.json").write_text("{}")
    assert resuming(run, run.status) == resume
    buttons = visible(run)
    assert buttons["resume"].visible is bool(resume) and (not resume or buttons["resume"].value == resume)
    assert buttons["extend"].visible is checkpoint and buttons["export"].visible and buttons["recipe"].visible
    assert [key for key, one in buttons.items() if getattr(one, "variant", "") == "primary"] == [
        "resume" if resume == "Resume" else "evaluate"
    ]


def test_a_run_that_delivered_nothing_is_neither_compared_nor_exported(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.failed)
    run.adapter.rmdir()
    buttons = visible(run)
    assert not any(buttons[name].visible for name in ("evaluate", "compare", "start_from", "export"))
    assert buttons["recipe"].variant == "primary" and buttons["resume"].variant == "secondary"


def test_the_question_names_the_run_and_is_of_that_run_alone(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "first"), made_run(tmp_path, "second")
    evaluated(first)
    before, *_ = labels(tmp_path, first.name)
    asked = json.loads(wish("delete", run=first.name))
    words, called = question(tmp_path, asked, before), name(first)
    assert words and called in words.question and "its adapter and 1 evaluation?" in words.question
    again, *_ = labels(tmp_path, first.name)
    other, *_ = labels(tmp_path, second.name)
    assert not any(question(tmp_path, asked, filled) for filled in (again, other, "")), "another one was opened since"
    assert wish("delete", run=first.name) != wish("delete", run=first.name), "the same can be asked again"
    said, opened, _ = done(tmp_path, asked, False)
    assert called in said and opened == "" and [run.name for run in list_runs(tmp_path)] == [second.name]
    (gone,) = list_deleted(tmp_path)
    assert put_back_again(tmp_path, f"{gone.run.name}\n1")[1] == first.name and len(list_runs(tmp_path)) == 2
    assert "for good" in done(tmp_path, asked, True)[0] and list_deleted(tmp_path) == []
    assert "gone" in done(tmp_path, asked, False)[0] and [run.name for run in list_runs(tmp_path)] == [second.name]


def test_a_run_at_work_is_not_deleted(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    with run.locked():
        assert "being worked on" in done(tmp_path, {"act": "delete", "run": run.name}, False)[0]
    assert [each.name for each in list_runs(tmp_path)] == [run.name]


def test_what_is_typed_is_kept_for_the_run_that_it_was_typed_for(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "first"), made_run(tmp_path, "second")
    filled, title, note, _tags = labels(tmp_path, first.name)
    saved, said = kept(tmp_path, filled, "", "mine", note, "a, b,a")
    assert read_label(first) == Label(title="mine", tags=("a", "b")) and read_label(second) == Label()
    assert "Saved" in said
    change_label(first, note="of another browser")
    saved, _ = kept(tmp_path, filled, saved, "mine", note, "a")
    assert read_label(first) == Label(title="mine", note="of another browser", tags=("a",)), "only what was changed"
    kept(tmp_path, filled, saved, title, note, "a")
    assert read_label(first).title == "", "back to what it was at first"
    other, *_ = labels(tmp_path, second.name)
    kept(tmp_path, other, saved, "x", "", "")
    assert read_label(second).title == "x" and read_label(first).title == ""


def test_an_export_goes_to_a_new_folder_and_says_what_the_machine_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LLAMA_CPP", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    run = made_run(tmp_path)
    out = run.folder.resolve() / "exports"
    (out / "merged").mkdir(parents=True)
    asked = arguments(tmp_path, run, Choice(Target.merged))
    assert asked[asked.index("--out") + 1] == str(out / "merged-2")
    for target, said in (("gguf", "LLAMA_CPP"), ("ollama", "LLAMA_CPP"), ("hub", "HF_TOKEN")):
        *_, told, start = offered(run, choice_of(target, "auto", "me/mine", False, False))
        assert said in told and not start.interactive
        wished = export_wanted(tmp_path, run.name, target, "auto", "me/mine", False, False)
        assert target == "hub" or said in wished[0]
    assert "owner/name" in export_wanted(tmp_path, run.name, "hub", "auto", "--public", False, False)[0]
    for target in ("adapter", "merged"):
        *_, told, start = offered(run, choice_of(target, "auto", "", False, False))
        assert "answers as the adapter does" in told and start.interactive
    assert not (tmp_path / ".launches").exists()


def _changed(before: tuple[str, ...], after: tuple[str, ...]) -> list[bool]:
    return [one != other for one, other in zip(before, after, strict=True)]
