"""Verbs as processes of their own: alive or not, what they said last, and the run that came of them."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.launch import Launch, LaunchRecord, launch, list_launches, shown_command
from qwenlab.runs.stop import stop


def waited(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def written(folder: Path, text: str, record: LaunchRecord | None = None) -> Launch:
    """A launch whose process has ended with these words."""
    folder.mkdir(exist_ok=True)
    log = folder / "1-train.log"
    log.write_text(text)
    if record:
        log.with_suffix(".json").write_text(record.model_dump_json())
    return Launch(log)


def test_a_process_lives_beside_us_and_its_last_words_stay(tmp_path: Path) -> None:
    launched = launch(tmp_path, "train", ["nowhere.toml", "--runs", str(tmp_path)])
    assert launched.is_alive
    record = launched.read()
    assert os.getsid(record.pid) == record.pid, "a session of its own: a closed terminal does not reach it"
    assert record.command == f"python -m qwenlab.train nowhere.toml --runs {tmp_path}"
    waited(lambda: not launched.is_alive)
    assert launched.last_words.startswith("There is no recipe at nowhere.toml.")
    assert [found.log for found in list_launches(tmp_path, "train")] == [launched.log]
    assert launched.find_run(tmp_path) is None


def test_launches_are_found_by_their_whole_name(tmp_path: Path) -> None:
    launched = launch(tmp_path, "train", ["nowhere.toml", "--dry-run"], "plan-12")
    waited(lambda: not launched.is_alive)
    assert list_launches(tmp_path, "train") == []
    assert list_launches(tmp_path, "12") == []
    assert len(list_launches(tmp_path, "plan-12")) == 1


def test_a_traceback_is_not_shown_but_said_to_be_no_fault_of_the_user(tmp_path: Path) -> None:
    said = 'first\nTraceback (most recent call last):\n  File "x.py", line 1\nValueError: broken\n'
    words = written(tmp_path / "launches", said).last_words
    assert "fault of the program" in words and "ValueError: broken" in words and "File" not in words


def test_the_run_is_found_by_its_process_and_not_by_an_older_one_of_the_same_number(tmp_path: Path) -> None:
    launched = written(tmp_path / "l", "", LaunchRecord(verb="train", command="", pid=4242, time=time.time()))
    run = Run.create(tmp_path, Recipe(), "old")
    run.update(pid=4242, started=datetime(2001, 1, 1, tzinfo=UTC))
    assert launched.find_run(tmp_path) is None
    run.update(started=datetime.now(UTC))
    found = launched.find_run(tmp_path)
    assert found and found.name == run.name


def test_commands_are_shown_as_a_shell_reads_them() -> None:
    assert (
        shown_command("train", ["a b.toml", "--set", 'x="y"']) == "python -m qwenlab.train 'a b.toml' --set 'x=\"y\"'"
    )


def test_stopping_a_run_that_is_over_does_nothing(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    run.update(status=Status.running, pid=1)
    stop(run)
    assert not run.stop_file.exists()
