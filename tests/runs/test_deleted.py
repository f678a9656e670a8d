"""Deleted runs: out of the list at once, kept for a while, put back whole, and gone for good when that is wanted."""

import time
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs import Run, list_runs
from qwenlab.runs.deleted import (
    KEPT_DAYS,
    PLACE,
    delete,
    delete_for_good,
    find_deleted,
    list_deleted,
    put_back,
    remove,
    remove_expired,
    size,
)


def test_a_deleted_run_is_put_back_as_it_was(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x-1")
    (run.folder / "adapter").mkdir()
    (run.folder / "adapter" / "weights").write_bytes(bytes(1000))
    gone = delete(run)
    assert [one.name for one in list_deleted(tmp_path)] == [run.name]
    assert size(gone.run.folder) > 1000 and KEPT_DAYS - 1 < gone.days_left <= KEPT_DAYS
    back = put_back(find_deleted(tmp_path, gone.run.name))
    assert back.folder == run.folder and (run.folder / "adapter" / "weights").stat().st_size == 1000
    assert list_deleted(tmp_path) == [] and [each.name for each in list_runs(tmp_path)] == [run.name]
    with pytest.raises(UserError, match="not there any more"):
        find_deleted(tmp_path, gone.run.name)


def test_only_a_run_that_nobody_works_on_is_deleted(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    for way in (delete, delete_for_good):
        with run.locked(), pytest.raises(UserError, match="being worked on"):
            way(run)
    delete_for_good(run)
    assert not run.folder.exists() and list_deleted(tmp_path) == []
    with pytest.raises(UserError, match="no run"):
        delete(run)


def test_nothing_is_put_back_over_another_run(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    gone = delete(run)
    run.folder.mkdir()
    (run.folder / "mine").write_text("mine")
    with pytest.raises(UserError, match="already"):
        put_back(gone)
    assert (run.folder / "mine").exists() and gone.run.folder.exists()


def test_what_was_kept_for_long_enough_is_removed_with_the_next(tmp_path: Path) -> None:
    long_ago = time.time_ns() - (KEPT_DAYS * 24 * 3600 + 60) * 10**9
    for name in ("old", "half", "young"):
        delete(Run.create(tmp_path, Recipe(), name))
    old, half, young = sorted(
        (tmp_path / PLACE).iterdir(), key=lambda path: ["old", "half", "young"].index(_word(path))
    )
    old.rename(old.with_name(f"{old.name.rpartition('-')[0]}-{long_ago}"))
    (half / "run.json").unlink()
    remove_expired(tmp_path)
    assert [path.name for path in (tmp_path / PLACE).iterdir()] == [young.name]
    remove(find_deleted(tmp_path, young.name))
    assert list_deleted(tmp_path) == []


def _word(path: Path) -> str:
    return path.name.split("-")[2]
