"""A run, an evaluation or a comparison that cannot be read is told where it stands, and hurts no other."""

import time
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import EvaluateSettings, Recipe
from qwenlab.runs import Evaluation, Run, Status, find_run, gpu_lock, list_runs
from qwenlab.runs.comparisons import Comparison, keep, list_comparisons, now, tally
from qwenlab.runs.evaluation import unfinished
from qwenlab.ui.choices import recipe_choices, run_choices
from qwenlab.ui.question import newest_chosen
from qwenlab.ui.run_cache import name as name_of
from qwenlab.ui.shown import newest_seen
from qwenlab.ui.status_bar import show
from qwenlab.ui.tabs import evaluate
from qwenlab.ui.tabs.runs import done, look, question, states
from qwenlab.ui.views.history import table
from qwenlab.ui.views.plan import plan_card
from qwenlab.ui.views.run_details import able, labels
from qwenlab.ui.views.run_panel import afresh, controls
from tests.ui.made import made_run

BREAK = {
    "a record that is torn": ("run.json", '{"status": "run'),
    "a record of another shape": ("run.json", '{"status": "dancing", "created": "2026-01-01T00:00:00Z"}'),
    "a recipe that no longer validates": ("recipe.toml", "[train]\nlearning_rate = 7.0\n"),
    "a recipe that is no TOML": ("recipe.toml", "[train\n"),
    "no recipe": ("recipe.toml", None),
    "events that are not JSON": ("events.jsonl", "step 1, loss 2.0\n"),
}


@pytest.fixture(params=list(BREAK.values()), ids=list(BREAK))
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Beside a good run, one of which a file is broken; it is the newest."""
    made_run(tmp_path, "good")
    run = made_run(tmp_path, "zero")
    name, content = request.param
    (run.folder / name).unlink()
    if content is not None:
        (run.folder / name).write_text(content)
    return run


def test_a_broken_run_is_a_row_that_says_why(broken: Run) -> None:
    shown = table(broken.folder.parent)
    row, good = shown.split("</tr>")[1:3]
    assert "broken" in row and broken.name in row
    assert any(file in row for file in ("run.json", "recipe.toml", "events.jsonl, line 1"))
    assert "good" in good and "finished" in good and "<svg" in good


def test_a_broken_run_is_looked_at_and_deleted_like_any_other(broken: Run) -> None:
    runs = broken.folder.parent
    good = list_runs(runs)[0]
    assert states(runs, broken.name, "", "") == states(runs, broken.name, "", "")
    seen = look(runs, broken.name, f"{broken.name}\n{good.name}")
    assert 'role="alert"' in seen[0] and 'role="alert"' in seen[1] and seen[1].count("data-overlay") == 1
    assert able(runs, broken.name)[1].visible
    filled, *_ = labels(runs, broken.name)
    wish = {"act": "delete", "run": broken.name, "asked": str(time.monotonic_ns())}
    asked = question(runs, wish, filled)
    assert asked and name_of(broken) in asked.question
    assert "Undo" in done(runs, wish, False)[0] and [run.name for run in list_runs(runs)] == [good.name]


@pytest.mark.filterwarnings("ignore:The value passed into gr.Dropdown")  # this one is an update of a list of several
def test_a_broken_run_hurts_no_other(broken: Run) -> None:
    runs = broken.folder.parent
    good = list_runs(runs)[0]
    assert find_run(runs, "last").name == broken.name and find_run(runs, "good").name == good.name
    assert good.name in {name for _, name in run_choices(runs)}
    assert any(good.name in path for _, path in recipe_choices(runs))
    assert "Nothing is running" in show(runs)
    good.update(status=Status.running)
    with good.locked(), gpu_lock(runs, good.name):
        assert name_of(good) in show(runs)
    assert "Before it starts" in plan_card(runs, Recipe())
    for name in ("", good.name, broken.name):
        assert len(afresh(runs, name)) == 6 and len(controls(runs, name)) == 7
    assert 'role="alert"' in afresh(runs, broken.name)[2]
    assert name_of(good) in afresh(runs, good.name)[2]
    assert evaluate.newest_chosen(runs, None).value in (good.name, broken.name)
    assert newest_chosen(runs, []).value in ([good.name], [broken.name])


def test_a_label_that_cannot_be_read_is_told_as_the_note(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    (run.folder / "label.json").write_text("mine")
    assert f"{run.folder / 'label.json'} cannot be read" in table(tmp_path)
    assert run_choices(tmp_path) == [(name_of(run), run.name)]


@pytest.mark.parametrize("content", ["{", '{"status": "finished"}', '{"metrics": {}}', ""])
def test_an_evaluation_that_cannot_be_read_is_told_and_hurts_no_other(tmp_path: Path, content: str) -> None:
    run = made_run(tmp_path)
    good, bad = (Evaluation.create(run, EvaluateSettings()) for _ in range(2))
    bad.record_file.write_text(content)
    assert unfinished(run).name == good.name
    assert "cannot be read" in evaluate.look(tmp_path, run.name, bad.name, ("", ""))[1].value
    seen = evaluate.look(tmp_path, run.name, good.name, ("", ""))
    assert "lost" in seen[1].value and (f"{bad.name}: cannot be read", bad.name) in seen[5].choices
    assert evaluate.state(tmp_path, run.name, bad.name) == evaluate.state(tmp_path, run.name, bad.name)


def test_a_report_that_cannot_be_read_is_told_in_its_place(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    evaluation = Evaluation.create(run, EvaluateSettings())
    evaluation.update(status=Status.finished)
    evaluation.report_file.write_text("{}")
    assert f"{evaluation.report_file} cannot be read: sentence" in table(tmp_path)


def test_a_comparison_that_cannot_be_read_is_told_and_hurts_no_other(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    kept = Comparison(created=now(), messages=(), max_tokens=1, temperature=0.0, seed=1, columns=())
    keep(run, kept)
    bad = run.folder / "comparisons" / "20200101-000000-000000.json"
    bad.write_text('{"version": 1')
    assert list_comparisons(run) == [kept] and tally(run) == (0, 0, 0)
    assert f"{bad} cannot be read" in newest_seen(tmp_path, [run.name])[0]


@pytest.mark.parametrize("verb", ["read", "recipe"])
def test_what_a_broken_run_says_is_a_sentence_for_whoever_asks(tmp_path: Path, verb: str) -> None:
    run = made_run(tmp_path)
    run.record_file.write_text("{")
    run.recipe_file.write_text("[train\n")
    with pytest.raises(UserError, match=r"cannot be read|is not valid TOML"):
        run.read() if verb == "read" else run.recipe
