"""events.jsonl: appended, readable at every moment, and honest after a resume."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from qwenlab.errors import UserError
from qwenlab.runs import EventLog, Status, read_events
from qwenlab.runs.events import Best, Checkpoint, Note, StatusChange, Train, Validation, of_kind
from tests.events import point

TORN = '{"time": 1.0, "kind": "train", "step": 2, "lo'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def losses(path: Path) -> list[tuple[int, float]]:
    return [(event.step, event.loss) for event in of_kind(read_events(path), Train)]


def test_events_come_back_in_order_with_their_time(path: Path) -> None:
    log = EventLog(path)
    log.write(StatusChange(step=0, status=Status.running))
    log.write(point(1, 2.5))
    status, train = read_events(path)
    assert isinstance(status, StatusChange) and status.status is Status.running
    assert isinstance(train, Train) and (train.step, train.loss) == (1, 2.5)
    assert status.time <= train.time


def test_a_line_has_the_fields_of_its_kind_in_their_order_and_nothing_that_was_not_said(path: Path) -> None:
    log = EventLog(path)
    log.write(point(1, 2.5, time=1.0))
    log.write(Validation(time=1.0, step=1, eval_loss=2.0))
    log.write(StatusChange(time=1.0, step=0, status=Status.queued, ahead=["other"]))
    log.write(Checkpoint(time=1.0, step=1, folder="checkpoint-1"))
    log.write(Best(time=1.0, step=1, eval_loss=2.0))
    log.write(Note(time=1.0, step=1, about="spike", text="höher", loss=2.0, median=1.0))
    assert path.read_text(encoding="utf-8").splitlines() == [
        '{"time": 1.0, "kind": "train", "step": 1, "epoch": 1.0, "loss": 2.5, "learning_rate": 0.0002, '
        '"grad_norm": 0.5, "samples_per_second": 8.0, "tokens_per_second": 1000.0, "gpu_memory_gb": null, '
        '"eta_s": null}',
        '{"time": 1.0, "kind": "eval", "step": 1, "eval_loss": 2.0}',
        '{"time": 1.0, "kind": "status", "step": 0, "status": "queued", "ahead": ["other"]}',
        '{"time": 1.0, "kind": "checkpoint", "step": 1, "folder": "checkpoint-1"}',
        '{"time": 1.0, "kind": "best", "step": 1, "eval_loss": 2.0}',
        '{"time": 1.0, "kind": "note", "step": 1, "about": "spike", "loss": 2.0, "median": 1.0, "text": "höher"}',
    ]


def test_no_file_is_no_events(path: Path) -> None:
    assert read_events(path) == []


def test_a_torn_last_line_is_ignored(path: Path) -> None:
    EventLog(path).write(point(1, 2.0))
    with path.open("a") as file:
        file.write(TORN)
    assert losses(path) == [(1, 2.0)]


def test_a_torn_line_does_not_swallow_the_next_event(path: Path) -> None:
    EventLog(path).write(point(1, 2.0))
    with path.open("a") as file:
        file.write(TORN)
    EventLog(path).write(point(2, 1.5))
    assert losses(path) == [(1, 2.0), (2, 1.5)]


def test_a_resumed_run_replaces_what_it_repeats(path: Path) -> None:
    log = EventLog(path)
    for step in (1, 2, 3, 4):
        log.write(point(step, 10.0 + step))
    log.write(Note(step=4, about="spike", text="kept"))
    log.write(StatusChange(step=2, status=Status.running, resumed_from=2))
    log.write(point(3, 23.0))
    assert losses(path) == [(1, 11.0), (2, 12.0), (3, 23.0)]
    assert [note.text for note in of_kind(read_events(path), Note)] == ["kept"]


def test_what_is_not_a_number_stays_valid_json_and_comes_back(path: Path) -> None:
    EventLog(path).write(point(1, float("nan"), grad_norm=float("inf")))
    event = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert (event["loss"], event["grad_norm"]) == ("nan", "inf")
    (train,) = of_kind(read_events(path), Train)
    assert train.loss != train.loss and train.grad_norm == float("inf")


def test_what_another_version_wrote_is_passed_over(path: Path) -> None:
    path.write_text(
        '{"time": 1.0, "kind": "eval", "step": 1, "eval_loss": 2.0, "perplexity": 7.4}\n'
        '{"time": 1.0, "kind": "weather", "rain": true}\n'
    )
    (found,) = read_events(path)
    assert isinstance(found, Validation) and found.eval_loss == 2.0


@pytest.mark.parametrize("line", ["not JSON", '{"time": 1.0, "kind": "eval", "step": 1}', '"text"', "\0\0\0"])
def test_a_whole_line_that_is_no_event_is_told_with_its_number(path: Path, line: str) -> None:
    EventLog(path).write(point(1, 2.0))
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match="line 2 cannot be read"):
        read_events(path)


def test_a_field_that_is_not_known_is_not_written() -> None:
    with pytest.raises(ValidationError, match="perplexity"):
        point(1, 2.0, perplexity=7.4)


def test_a_long_curve_is_thinned_for_those_who_draw_it(path: Path) -> None:
    log = EventLog(path)
    for step in range(1, 1001):
        log.write(point(step, 1 / step))
        if step % 100 == 0:
            log.write(Validation(step=step, eval_loss=1.0))
    found = read_events(path, points=50)
    steps = [event.step for event in of_kind(found, Train)]
    assert len(steps) == 51 and steps[0] == 1 and steps[-1] == 1000
    assert {b - a for a, b in pairwise(steps[:-1])} == {20}
    assert len(of_kind(found, Validation)) == 10
    assert read_events(path, points=2000) == read_events(path)


def test_a_thinned_curve_leaves_out_what_was_logged_twice(path: Path) -> None:
    log = EventLog(path)
    for step in range(1, 301):
        log.write(point(step, 9.0))
    log.write(StatusChange(step=100, status=Status.running, resumed_from=100))
    for step in range(101, 401):
        log.write(point(step, 1.0))
    trained = of_kind(read_events(path, points=60), Train)
    assert {event.loss for event in trained if event.step > 100} == {1.0}
    assert [event.step for event in trained] == sorted({event.step for event in trained})


def test_the_line_of_a_fault_is_its_line_in_the_file_also_where_the_curve_is_thinned(path: Path) -> None:
    log = EventLog(path)
    for step in range(1, 101):
        log.write(point(step, 1.0))
    with path.open("a", encoding="utf-8") as file:
        file.write("no event\n")
    with pytest.raises(UserError, match="line 101 "):
        read_events(path, points=10)
