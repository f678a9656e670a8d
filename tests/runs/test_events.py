"""events.jsonl: appended, readable at every moment, and honest after a resume."""

import json
from pathlib import Path

import pytest

from qwenlab.runs import EventLog, read_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def losses(path: Path) -> list[tuple[int, float]]:
    return [(event["step"], event["loss"]) for event in read_events(path) if event["kind"] == "train"]


def test_events_come_back_in_order_with_their_time(path: Path) -> None:
    log = EventLog(path)
    log.write("status", status="running", step=0)
    log.write("train", step=1, loss=2.5)
    status, train = read_events(path)
    assert (status["kind"], status["status"]) == ("status", "running")
    assert (train["step"], train["loss"]) == (1, 2.5)
    assert status["time"] <= train["time"]


def test_no_file_is_no_events(path: Path) -> None:
    assert read_events(path) == []


def test_a_torn_last_line_is_ignored(path: Path) -> None:
    EventLog(path).write("train", step=1, loss=2.0)
    with path.open("a") as file:
        file.write('{"kind": "train", "step": 2, "lo')
    assert losses(path) == [(1, 2.0)]


def test_a_torn_line_does_not_swallow_the_next_event(path: Path) -> None:
    EventLog(path).write("train", step=1, loss=2.0)
    with path.open("a") as file:
        file.write('{"kind": "train", "step": 2, "lo')
    EventLog(path).write("train", step=2, loss=1.5)
    assert losses(path) == [(1, 2.0), (2, 1.5)]


def test_a_resumed_run_replaces_what_it_repeats(path: Path) -> None:
    log = EventLog(path)
    for step in (1, 2, 3, 4):
        log.write("train", step=step, loss=10.0 + step)
    log.write("note", step=4, text="kept")
    log.write("status", status="running", step=2, resumed_from=2)
    log.write("train", step=3, loss=23.0)
    assert losses(path) == [(1, 11.0), (2, 12.0), (3, 23.0)]
    assert [event["text"] for event in read_events(path) if event["kind"] == "note"] == ["kept"]


def test_what_is_not_a_number_stays_valid_json(path: Path) -> None:
    EventLog(path).write("train", step=1, loss=float("nan"), grad_norm=float("inf"))
    event = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert (event["loss"], event["grad_norm"]) == ("nan", "inf")
