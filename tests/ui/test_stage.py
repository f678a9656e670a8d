"""A run as a card, and the Train tab's right side: what it says for every state that a run can be in."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.drift import measure
from qwenlab.runs import Run, Status
from qwenlab.runs.events import Note, StatusChange, Validation
from qwenlab.runs.launch import Launch, launch
from qwenlab.ui.views.run_card import run_card, unimproved
from qwenlab.ui.views.run_panel import afresh, controls, extended, looked_at, resumed, show, stopped
from tests.evaluation.test_drift import Scripted
from tests.ui.made import made_run

CARD, CURVES = 2, 3
STOP, RESUME, EXTEND = 3, 4, 5


def waited(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def visible(view: list[Any], index: int) -> bool:
    return bool(view[index].visible)


def test_a_running_run_tells_how_far_it_is(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    with run.locked():
        card = run_card(run, run.events)
        view = controls(tmp_path, run.name)
    assert "50 %" in card and "0 s left" in card and "20 of 40" in card
    assert "1.000 at step 10" in card and "2 of 3, then it stops" in card and "1,000 tokens/s" in card
    assert visible(view, STOP) and not visible(view, RESUME) and not visible(view, EXTEND)


def test_a_finished_run_tells_what_came_out(tmp_path: Path) -> None:
    run = made_run(tmp_path, early_stopped=True)
    card = run_card(run, run.events)
    assert "2.000" in card and "1.000" in card and "step 10" in card and "stopped early" in card
    assert str(run.adapter) in card


def test_the_card_has_the_drift_where_it_was_measured(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    assert "<span>drift</span>" not in run_card(run, run.events)
    first = show(tmp_path, run.name, "")
    measure(Scripted(), "tuned", None, "abc").write(run.drift_file)
    assert "<span>drift</span>0.110 nats/token from the base" in run_card(run, run.events)
    assert show(tmp_path, run.name, first[0])[0] != first[0], "the browser hears of it, also after the end"
    run.drift_file.write_text("{")
    assert "drift.json cannot be read" in run_card(run, run.events)


def test_a_run_that_did_not_help_says_so(tmp_path: Path) -> None:
    run = made_run(tmp_path, base_eval_loss=0.9)
    assert "it did not help" in run_card(run, run.events)


def test_a_failed_run_shows_its_sentence_as_text(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.failed, error="The loss became NaN <b>.")
    assert "The loss became NaN &lt;b&gt;." in run_card(run, run.events)


def test_a_run_whose_process_is_gone_is_lost_and_can_be_resumed(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    card = afresh(tmp_path, "")[CARD]
    assert "lost" in card and run.name in card and visible(controls(tmp_path, ""), RESUME)


def test_a_waiting_run_tells_behind_whom(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.queued)
    run.log.write(StatusChange(step=0, status=Status.queued, ahead=["other<run"]))
    with run.locked():
        assert "Waits for the GPU behind other&lt;run." in run_card(run, run.events)


def test_patience_is_counted_as_early_stopping_counts() -> None:
    losses = [2.0, 1.5, 1.4995, 1.6, 1.2]
    events = [Validation(step=10 * index, eval_loss=loss) for index, loss in enumerate(losses)]
    assert [unimproved(events[: count + 1], 0.001) for count in range(1, 5)] == [0, 1, 2, 0]


def test_the_curve_has_both_losses_the_best_step_and_the_notes(tmp_path: Path) -> None:
    made_run(tmp_path)
    curves = afresh(tmp_path, "")[CURVES]
    assert "training" in curves and "validation" in curves and "best 1.000 at step 10" in curves
    assert "loss spike &lt;b&gt;" in curves and "<b>step" not in curves
    assert "tokens per second" in curves and "GPU memory" not in curves


def test_nothing_is_sent_again_that_the_browser_shows(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    seen, buttons = afresh(tmp_path, "")[:2]
    assert show(tmp_path, "", seen) == [seen, buttons, *[gr.skip()] * 3]
    run.log.write(Note(step=8, about="x", text="new"))
    now = show(tmp_path, "", seen)
    assert now[0] != seen and "new" in now[CURVES] and now[1] == buttons, "the buttons are as they were"
    run.update(status=Status.stopped)
    assert show(tmp_path, "", seen)[1] != buttons


def test_without_any_run_the_tab_says_what_will_stand_there(tmp_path: Path) -> None:
    assert "No run yet" in afresh(tmp_path, "")[CARD]


def test_a_run_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    made_run(tmp_path)
    assert "There is no run nowhere" in afresh(tmp_path, "nowhere")[CARD]


def test_a_launch_that_fails_before_there_is_a_run_is_told_where_the_run_would_be(tmp_path: Path) -> None:
    made_run(tmp_path)
    time.sleep(0.01)
    launched = launch(tmp_path, "train", ["no_such_recipe.toml", "--runs", str(tmp_path)])
    assert "Starting" in afresh(tmp_path, "")[CARD]
    waited(lambda: not launched.is_alive)
    assert "There is no recipe at no_such_recipe.toml." in afresh(tmp_path, "")[CARD]
    made_run(tmp_path, "newer")
    assert "newer" in afresh(tmp_path, "")[CARD], "a later run takes its place"


def test_resume_of_a_finished_run_is_refused_in_its_words(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    resumed(tmp_path, run.name)
    waited(lambda: not _launched(tmp_path).is_alive)
    assert f"{run.name} is finished." in afresh(tmp_path, "")[CARD]


def test_extend_says_how_far_in_the_unit_of_the_recipe(tmp_path: Path) -> None:
    by_epochs, by_steps = made_run(tmp_path, "a"), made_run(tmp_path, "b", train={"max_steps": 20})
    for run, until, setting in ((by_epochs, 6.0, "train.num_train_epochs=6.0"), (by_steps, 40.0, "train.max_steps=40")):
        extended(tmp_path, run.name, until)
        launched = _launched(tmp_path)
        assert setting in launched.read().command
        waited(lambda one=launched: not one.is_alive)  # type: ignore[misc]


def test_stop_asks_a_running_run(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    with run.locked():
        stopped(tmp_path, run.name)
        assert run.stop_file.exists()


def test_the_latest_is_the_run_that_was_started_last(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "first"), made_run(tmp_path, "second")
    assert looked_at(tmp_path, "") == looked_at(tmp_path, second.name) or _name(looked_at(tmp_path, "")) == second.name
    first.update(started=second.read().started.replace(year=2100))  # type: ignore[union-attr]
    assert _name(looked_at(tmp_path, "")) == first.name
    with pytest.raises(UserError):
        looked_at(tmp_path, "nowhere")


def _name(found: Run | Launch | None) -> str:
    assert isinstance(found, Run)
    return found.name


def _launched(runs: Path) -> Launch:
    found = looked_at(runs, "")
    assert isinstance(found, Launch)
    return found
