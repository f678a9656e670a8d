"""A run's folder: names, record, liveness by lock, checkpoints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.files import write_atomically
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.runs import Run, Status, find_run, list_runs

HOLD = """
import sys
from pathlib import Path
from qwenlab.runs import Run, Status
run = Run(Path(sys.argv[1]))
with run.owned():
    run.update(status=Status.running)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, Recipe(), "My recipe!")


def holder(run: Run) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_new_run_has_a_dated_name_and_its_recipe(run: Run) -> None:
    assert run.name.endswith("-my-recipe")
    assert len(run.name.split("-")[0]) == 8
    assert run.recipe == Recipe()
    assert read_recipe(run.recipe_file) == Recipe()
    assert run.read().status is Status.queued


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    names = {Run.create(tmp_path, Recipe(), "same").name for _ in range(3)}
    assert len(names) == 3
    assert [run.name for run in list_runs(tmp_path)] == sorted(names)


def test_a_run_lives_as_long_as_its_process_holds_it(run: Run) -> None:
    process = holder(run)
    assert run.is_alive
    assert run.status is Status.running
    with pytest.raises(UserError, match=f"process {process.pid}"), run.owned():
        pass
    process.kill()
    process.communicate()
    assert not run.is_alive
    assert run.status is Status.lost, "it says running, and nobody holds it"
    assert run.read().status is Status.running
    with run.owned():
        assert run.is_alive


def test_a_finished_run_is_not_lost(run: Run) -> None:
    run.update(status=Status.finished)
    assert run.status is Status.finished


def test_a_stop_request_is_a_file_and_gone_with_the_next_start(run: Run) -> None:
    run.request_stop()
    assert run.stop_file.exists()
    with run.owned():
        assert not run.stop_file.exists()


def test_what_a_killed_process_was_about_to_replace_goes_with_the_next_start(run: Run) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    unfinished = {pid: run.folder / f".run.json.{pid}.tmp" for pid in (gone.pid, os.getppid())}
    unfinished[0] = run.folder / "deeper" / f".report.json.{gone.pid}.tmp"
    unfinished[0].parent.mkdir()
    for path in unfinished.values():
        path.write_text("half")
    with run.owned():
        assert not unfinished[0].exists() and not unfinished[gone.pid].exists()
        assert unfinished[os.getppid()].exists(), "its process may be writing yet"


def test_only_complete_checkpoints_count_in_the_order_of_their_steps(run: Run) -> None:
    for step, state in ((900, "{}"), (1000, "{}"), (1100, '{"torn'), (1200, None)):
        folder = run.folder / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert [path.name for path in run.checkpoints] == ["checkpoint-900", "checkpoint-1000"]


def test_runs_are_found_by_path_name_part_and_last(tmp_path: Path) -> None:
    first, second = Run.create(tmp_path, Recipe(), "math"), Run.create(tmp_path, Recipe(), "code")
    for name in (str(first.folder), first.name, "math"):
        assert find_run(tmp_path, name).name == first.name
    assert find_run(tmp_path, "last").name == max(first.name, second.name)
    with pytest.raises(UserError, match="could be any of"):
        find_run(tmp_path, first.name[:6])
    with pytest.raises(UserError, match="There is no run poetry") as caught:
        find_run(tmp_path, "poetry")
    assert second.name in caught.value.hint


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="cannot be made"):
        Run.create(tmp_path / "runs", Recipe(), "x")


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.json"
    write_atomically(path, json.dumps({"a": 1}))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, json.dumps({"a": 2}))
    assert json.loads(path.read_text()) == {"a": 1}
