"""The Result tab's handlers, on reports made by hand; in tests/ui/browser an evaluation really runs."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

from qwenlab.evaluation.item import Item, Reference
from qwenlab.evaluation.suites import suite_names
from qwenlab.files import rewrite_lines
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.criteria import COLOURS
from qwenlab.report.render import page, write
from qwenlab.report.schema import Report
from qwenlab.runs import Evaluation, Run, Status
from qwenlab.runs.evaluation import Phase
from qwenlab.runs.launch import list_launches
from qwenlab.ui import evaluation_form
from qwenlab.ui.evaluation_form import SETTINGS
from qwenlab.ui.jobs.evaluations import NEWEST
from qwenlab.ui.tabs import evaluate
from qwenlab.ui.tabs.evaluate import FOLDED, Shown
from qwenlab.ui.views import evaluation as progress_view
from qwenlab.ui.views.suites import HELD_OUT, suite_choices, ticked
from tests.report.reports import CONTEST, SCRIPT, contest, whole_report
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
    assert not part(outputs, "result").visible and not part(outputs, "page").visible
    assert not part(outputs, "stop").visible and not part(outputs, "again").visible
    assert part(outputs, "form").elem_classes == []


class Seen(HTMLParser):
    """The elements of a piece of a page, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def frame(html: str) -> dict[str, str | None]:
    """The attributes of the one element that shows a report, as a browser reads them."""
    found = Seen(html).elements
    assert [tag for tag, _ in found] == ["div", "iframe"]
    return found[1][1]


def test_a_result_has_its_card_its_verdict_its_files_and_its_items_and_the_form_folds(runs: Path, run: Run) -> None:
    report = whole_report()
    evaluation = finished(run, report)
    outputs = look(runs, run)
    assert not part(outputs, "progress").visible
    assert part(outputs, "form").elem_classes == [FOLDED] and part(outputs, "again").visible
    shown = Seen(part(outputs, "report"))
    assert report.sentence in shown.text and "9 learned" in shown.text and "1 forgotten" in shown.text
    for criterion in report.criteria:
        assert f'<span class="chip {COLOURS[criterion.status]}">{criterion.status}</span>' in part(outputs, "report")
    squares = [attributes for tag, attributes in Seen(part(outputs, "tiles")).elements if tag == "i"]
    assert squares[0]["title"] == "add-one-0: learned"
    assert [square["class"] for square in squares] == [row.outcome for row in contest(report).rows]
    assert "add-one-0" in part(outputs, "item") and "add-one-1" not in part(outputs, "item")
    for name, file in (("page", "report.html"), ("markdown", "report.md"), ("figures", "report.json")):
        assert part(outputs, name).visible
        assert Path(part(outputs, name).value["path"]).read_bytes() == (evaluation.folder / file).read_bytes()


def test_the_filters_say_how_many_there_are_and_none_where_there_is_none(runs: Path, run: Run) -> None:
    finished(run, whole_report())
    words = "".join(Seen(part(look(runs, run), "tiles")).text.split())
    assert words == "all18learned9forgotten1stillright2stillwrong6None."


def test_an_item_is_sent_when_it_is_opened(runs: Path, run: Run) -> None:
    report = whole_report()
    finished(run, report)
    opened = evaluate.opened(runs, run.name, NEWEST, f"{CONTEST}/9")
    row = contest(report).rows[9]
    assert row.name in opened and "forgotten" in opened and "standard error" in opened and "Add one to the" in opened
    for nothing in (f"{CONTEST}/", f"{CONTEST}/999", "no_suite/1", "", "x"):
        assert "No item is opened" in evaluate.opened(runs, run.name, NEWEST, nothing)
    assert "No item is opened" in evaluate.opened(runs, "gone", NEWEST, f"{CONTEST}/1")


def test_the_whole_report_is_sent_when_it_is_opened_in_a_frame_without_scripts(runs: Path, run: Run) -> None:
    report = whole_report(hostile=f'{SCRIPT}"></iframe>{BRACES}')
    finished(run, report)
    assert part(look(runs, run), "frame") == ""
    shown = evaluate.whole_page(runs, run.name, NEWEST)
    found = frame(shown)
    assert found["srcdoc"] == page(report)
    assert found["sandbox"] in ("", None)
    assert not set("${}`") & set(shown)


def test_what_models_wrote_stays_text(runs: Path, run: Run) -> None:
    report = whole_report(hostile=f'{SCRIPT}"></i></svg><img src=x onerror=alert(1)>{BRACES}')
    finished(run, report)
    outputs = look(runs, run)
    opened = [evaluate.opened(runs, run.name, NEWEST, f"{CONTEST}/{number}") for number in range(18)]
    for html in (part(outputs, "report"), part(outputs, "tiles"), part(outputs, "item"), *opened):
        seen = Seen(html)
        assert not seen.tags() & {"script", "img", "iframe"}
        assert not [name for _, attributes in seen.elements for name in attributes if name.startswith("on")]
        assert not set("${}`") & set(html)
    assert all(SCRIPT in Seen(html).text for html in opened)


def test_what_the_browser_shows_already_is_not_sent_again(runs: Path, run: Run) -> None:
    finished(run, whole_report())
    first = look(runs, run)
    again = evaluate.look(runs, run.name, NEWEST, first[0])
    assert again[0] == first[0]
    assert all(value == {"__type__": "update"} for value in again[1:])


def test_a_failed_evaluation_leaves_the_last_good_result_where_it_is(runs: Path, run: Run) -> None:
    report = whole_report()
    first = finished(run, report)
    second = Evaluation.create(run, EvaluateSettings())
    second.update(status=Status.failed, error="The GPU <b>fell</b> off.")
    outputs = look(runs, run)
    assert "The GPU &lt;b&gt;fell&lt;/b&gt; off." in part(outputs, "progress").value
    assert report.sentence in part(outputs, "report") and part(outputs, "page").visible
    assert part(outputs, "form").elem_classes == [FOLDED]
    assert not part(outputs, "resume").visible  # it had not begun to ask
    assert report.sentence in part(look(runs, run, first.name), "report")
    labels = {value: label for label, value in part(outputs, "evaluation").choices}
    assert list(labels) == [NEWEST, second.name, first.name]
    assert labels[second.name].endswith(": failed") and labels[first.name].endswith(": Contest problems improved")


def test_a_living_evaluation_shows_how_far_it_is_and_can_be_stopped(runs: Path, run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    with evaluation.owned():
        evaluation.update(
            status=Status.running,
            phase="generating",
            done=60,
            total=120,
            share=0.25,
            tokens_per_second=80.0,
            eta_s=200.0,
        )
        outputs = look(runs, run)
        for said in ("25 %", "60 of 120", "80 tokens/s", "3 min left", 'aria-valuenow="25"'):
            assert said in part(outputs, "progress").value
        assert part(outputs, "stop").visible
        assert not part(outputs, "resume").visible
        evaluate.stopped(runs, run.name, NEWEST)
        assert evaluation.stop_file.exists()
        assert "under way" in evaluate.started(runs, run.name, False, *settings(run))[0]


def test_one_bar_tells_of_the_whole_evaluation_and_an_older_record_of_its_phase(runs: Path, run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    with evaluation.owned():
        evaluation.update(status=Status.running, phase="judging", done=1, total=100, share=0.8, eta_s=9.0)
        assert "80 %" in part(look(runs, run), "progress").value
        evaluation.update(share=None)
        assert "1 %" in part(look(runs, run), "progress").value


@pytest.mark.parametrize(("gpu", "said"), [(False, "another job on this machine is done"), (True, "has left the GPU")])
def test_what_it_waits_for_is_said_in_the_words_of_this_machine(
    runs: Path, run: Run, gpu: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_view, "has_gpu", lambda: gpu)
    evaluation = Evaluation.create(run, EvaluateSettings())
    with evaluation.owned():
        evaluation.update(status=Status.running, phase="waiting for the GPU")
        assert said in part(look(runs, run), "progress").value
        for phase in get_args(Phase):
            evaluation.update(phase=phase)
            assert part(look(runs, run), "progress").value


def test_a_lost_evaluation_can_be_gone_on_with_where_there_is_something_to_go_on_with(runs: Path, run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    evaluation.update(status=Status.running, phase="preparing")
    outputs = look(runs, run)
    assert "exited unexpectedly" in part(outputs, "progress").value and "Resume" not in part(outputs, "progress").value
    assert not part(outputs, "resume").visible
    evaluation.update(phase="judging", done=3, total=12)
    assert "press Resume" in part(look(runs, run), "progress").value
    assert part(look(runs, run), "resume").visible
    finished(run, whole_report())
    assert part(look(runs, run, evaluation.name), "resume").visible


def test_the_command_has_what_differs_from_the_run_and_what_it_can_show(runs: Path, run: Run) -> None:
    told, command = evaluation_form.edited(runs, run.name, False, *settings(run))
    assert "5 suites: each p is adjusted" in told
    assert command == f"python -m qwenlab.evaluate {run.name} --runs {runs}"
    told, command = evaluation_form.edited(runs, run.name, True, *settings(run, suites=["tiny"], max_items=5))
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
    _, command = evaluation_form.edited(runs, run.name, False, *settings(run, suites=["gsm8k"]))
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
    assert said in evaluation_form.edited(runs, run.name, False, *values)[0]
    assert said in evaluate.started(runs, run.name, False, *values)[0]
    assert not (runs / ".launches").exists()


@pytest.mark.parametrize(
    "changed",
    [{"suites": ["gsm8k=/nowhere.jsonl"]}, {"suites": ["code_contests"], "problems": "/nowhere.jsonl"}],
)
def test_a_file_that_is_not_there_is_told_before_anything_starts(runs: Path, run: Run, changed: dict[str, Any]) -> None:
    values = settings(run, **changed)
    assert "/nowhere.jsonl" in evaluation_form.edited(runs, run.name, False, *values)[0]
    assert "/nowhere.jsonl" in evaluate.started(runs, run.name, False, *values)[0]
    assert not (runs / ".launches").exists()


def test_a_start_that_fails_is_told_in_its_own_words(runs: Path, run: Run) -> None:
    """The run's base was never recorded, so that nothing can be loaded."""
    evaluate.started(runs, run.name, False, *settings(run, suites=["tiny"]))
    [launched] = list_launches(runs, f"evaluate-{run.name}")
    while launched.is_alive:
        time.sleep(0.1)
    assert 'role="alert"' in part(look(runs, run), "progress").value


def test_a_run_on_ones_own_data_is_asked_about_that_data_first(runs: Path) -> None:
    mine = made_run(runs, "mine", data={"source": "mine.csv"})
    assert ticked(mine, mine.recipe.evaluate)[0] == [HELD_OUT, "humaneval", "instructions"]
    tiny = EvaluateSettings(suites=("tiny", "tiny_functions"))
    names, why = ticked(mine, tiny)
    assert names == [HELD_OUT, "tiny_functions"] and "mine.csv" in why and "held out" in why
    assert suite_choices(mine, tiny)[0][1] == HELD_OUT
    *_, shown = evaluation_form.settings_of(runs, mine.name, {})
    assert "mine.csv" in shown


def test_what_somebody_chose_and_what_a_shipped_recipe_trains_on_stay_as_they_are(runs: Path, run: Run) -> None:
    mine = made_run(runs, "mine", data={"source": "mine.csv"})
    chosen = EvaluateSettings(suites=("gsm8k", "math"))
    assert ticked(mine, chosen) == (["gsm8k", "math"], "")
    assert ticked(run, run.recipe.evaluate) == (list(run.recipe.evaluate.suites), "")  # trained on `tiny`
    assert evaluation_form.settings_of(runs, run.name, {})[-1] == ""


def test_a_file_of_ones_own_questions_becomes_a_suite_that_is_ticked(runs: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "upload" / "mine.csv"
    file.parent.mkdir()
    file.write_text("question,answer\n" + "".join(f"What is {n} plus 1?,{n + 1}\n" for n in range(12)), "utf-8")
    own, boxes, told = evaluation_form.uploaded(runs, str(file), run.name, {}, ["gsm8k", "tiny"], 300, 100)
    [(name, count)] = own.items()
    assert name.startswith(f"gsm8k={runs}") and name.endswith("mine.csv") and count == 12
    assert boxes.value == [name, "tiny"] and told == ""
    assert boxes.choices[0][0].startswith("mine.csv, asked as Maths (gsm8k): 12, ")
    _, command = evaluation_form.edited(runs, run.name, False, *settings(run, suites=boxes.value))
    assert name in command
    again = evaluation_form.counted(runs, run.name, own, 5, 100)
    assert again.choices[0][0].startswith("mine.csv, asked as Maths (gsm8k): 5, ")


def test_a_file_that_holds_no_questions_is_told_and_leaves_the_form(runs: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "poem.txt"
    file.write_text("Roses are red", "utf-8")
    *left, told = evaluation_form.uploaded(runs, str(file), run.name, {}, ["tiny"], 300, 100)
    assert "poem.txt holds no questions" in told and all(value == {"__type__": "update"} for value in left)


def test_the_form_comes_back_and_goes_again() -> None:
    form, button = evaluate.unfolded("Evaluate again")
    assert form.elem_classes == [] and button.value == "Hide the questions"
    form, button = evaluate.unfolded("Hide the questions")
    assert form.elem_classes == [FOLDED] and button.value == "Evaluate again"


def test_a_run_that_was_deleted_is_told(runs: Path) -> None:
    assert "There is no run gone" in part(evaluate.look(runs, "gone", NEWEST, ("", "")), "progress").value


def settings(run: Run, **changes: Any) -> list[Any]:
    values = run.recipe.evaluate.model_dump() | changes
    return [values[key] for key, _ in SETTINGS]
