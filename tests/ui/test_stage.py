"""A run as a card, and the Train tab's right side: what it says for every state that a run can be in."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.drift import measure
from qwenlab.runs import Run, Status, gpu_lock, gpu_waiting
from qwenlab.runs.events import Note, StatusChange, Validation
from qwenlab.runs.launch import Launch, launch
from qwenlab.ui.curves import reading
from qwenlab.ui.run_cache import name
from qwenlab.ui.status_bar import acted
from qwenlab.ui.views.head import head
from qwenlab.ui.views.run_card import run_card, unimproved
from qwenlab.ui.views.run_panel import afresh, controls, extended, looked_at, resumed, show
from tests.evaluation.test_drift import Scripted
from tests.ui.made import made_run

CARD, CURVES, BELOW = 2, 3, 4
COMPARE, RESUME, EXTEND, START = 1, 3, 4, 6


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
    assert not visible(view, RESUME) and not visible(view, EXTEND)


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
    assert "lost" in card and name(run) in card and visible(controls(tmp_path, ""), RESUME)


def test_a_waiting_run_tells_behind_whom_it_waits_now(tmp_path: Path) -> None:
    other = made_run(tmp_path, "other")
    run = made_run(tmp_path, status=Status.queued)
    run.log.write(StatusChange(step=0, status=Status.queued, ahead=["long-gone"]))
    with run.locked():
        assert "Getting ready" in run_card(run, run.events), "what it waited for once has ended"
        with gpu_lock(tmp_path, other.name):
            waiting = threading.Thread(target=lambda: gpu_lock(tmp_path, run.name).__enter__(), daemon=True)
            waiting.start()
            waited(lambda: gpu_waiting(tmp_path) == [other.name, run.name])
            assert f"Waits behind {name(other)}." in run_card(run, run.events)


def test_what_was_done_before_it_was_extended_is_no_progress(tmp_path: Path) -> None:
    run = made_run(tmp_path, status=Status.running)
    run.update(started=datetime.now(UTC) + timedelta(seconds=1))
    with run.locked():
        assert "Loading the model" in run_card(run, run.events)
        assert "Loading the model" in head(tmp_path, "a machine", run, False)


def test_patience_is_counted_as_early_stopping_counts() -> None:
    losses = [2.0, 1.5, 1.4995, 1.6, 1.2]
    events = [Validation(step=10 * index, eval_loss=loss) for index, loss in enumerate(losses)]
    assert [unimproved(events[: count + 1], 0.001) for count in range(1, 5)] == [0, 1, 2, 0]


def told(html: str) -> dict[str, Any]:
    """What `static/curves.js` is told."""
    found: dict[str, Any] = json.loads(unescape(html.partition('data-news="')[2].partition('"')[0]))
    return found


def test_the_curves_have_both_losses_and_the_notes(tmp_path: Path) -> None:
    made_run(tmp_path)
    view = afresh(tmp_path, "")
    curves = told(view[CURVES])
    assert curves["series"]["loss"][:2] == [[1, 2.0], [2, 1.0]] and curves["series"]["eval_loss"][0] == [0, 2.0]
    assert "tokens per second" in curves["series"] and "GPU memory, GB" not in curves["series"]
    assert curves["marks"] == [[7, "loss spike <b>"]] and "loss spike &lt;b&gt;" in view[BELOW]


def test_nothing_is_sent_again_that_the_browser_shows(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    seen, buttons = afresh(tmp_path, "")[:2]
    assert show(tmp_path, "", seen) == [seen, buttons, *[gr.skip()] * 4]
    run.log.write(Note(step=8, about="x", text="new"))
    now = show(tmp_path, "", seen)
    assert now[CARD] == gr.skip() and now[1] == buttons, "the card and the buttons are as they were"
    assert told(now[CURVES])["series"] == {} and "new" in now[BELOW]
    run.log.write(Validation(step=20, eval_loss=0.5))
    run.log.write(Validation(step=25, eval_loss=0.25))
    assert told(show(tmp_path, "", now[0])[CURVES])["series"] == {"eval_loss": [[25, 0.25]]}
    run.update(status=Status.stopped)
    assert show(tmp_path, "", seen)[1] != buttons
    assert told(show(tmp_path, "", "of another version")[CURVES])["series"]["loss"], "then it has all anew"


def test_the_log_is_sent_to_who_looks_at_it(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    run.log_file.write_text("said")
    seen, *_, log = show(tmp_path, "", "")
    assert log == ""
    assert show(tmp_path, "", seen, "open")[-1] == "said"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([2.0, 1.0], ""),
        ([2.0, 1.5, 1.2, 1.0], "still falling"),
        ([2.0, 1.0, 0.99, 0.985, 0.984, 0.983], "flat since step 10"),
        ([2.0, 1.0, 1.2, 1.4], "risen since step 10"),
        ([2.0, 2.1, 2.2], "not fallen"),
        ([2.0, float("nan"), 1.0], ""),
    ],
)
def test_the_curve_is_read_in_a_sentence(losses: list[float], said: str) -> None:
    found = reading([(10 * place, loss) for place, loss in enumerate(losses)])
    assert said in found and bool(found) == bool(said)


def test_one_button_is_what_comes_next(tmp_path: Path) -> None:
    def primary(view: list[Any]) -> list[int]:
        return [
            place for place, button in enumerate(view) if getattr(button, "variant", "") == "primary" and button.visible
        ]

    assert primary(controls(tmp_path, "")) == [START]
    run = made_run(tmp_path)
    assert primary(controls(tmp_path, "")) == [COMPARE]
    run.update(status=Status.stopped)
    assert primary(controls(tmp_path, "")) == [RESUME]


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
    assert "Starting" not in afresh(tmp_path, "")[CARD] and "finished" in afresh(tmp_path, "")[CARD], "a later run"


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


def test_stop_asks_the_run_that_was_named(tmp_path: Path) -> None:
    other = made_run(tmp_path, "other", status=Status.running)
    run = made_run(tmp_path, status=Status.running)
    with run.locked(), other.locked():
        acted(tmp_path, {"act": "stop", "name": run.name})
        assert run.stop_file.exists() and not other.stop_file.exists()
        for told in (None, {}, {"act": "stop", "name": "../nowhere"}, {"act": "rm", "name": other.name}, ["stop"]):
            acted(tmp_path, told)
        assert not other.stop_file.exists()


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
