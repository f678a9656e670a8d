"""Deleted runs: kept beside the others for a while, put back, and removed from the disk."""

import os
import re
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError, refused
from qwenlab.runs.run import Run

PLACE = ".deleted"
"""The folder of deleted runs, in the folder of all runs."""

KEPT_DAYS = 7
_DAY_NS = 24 * 3600 * 10**9


class DeletedRun(NamedTuple):
    """One that can be put back."""

    run: Run
    """Where it lies now."""
    name: str
    """As it was called among the runs."""
    deleted_ns: int
    """When, in nanoseconds since 1970."""

    @property
    def days_left(self) -> float:
        return KEPT_DAYS - (time.time_ns() - self.deleted_ns) / _DAY_NS


def delete(run: Run) -> DeletedRun:
    """Take the run out of the list, and remove those that were deleted more than `KEPT_DAYS` ago.

    Raises:
        UserError: a process works on it, or the disk refuses.
    """
    doomed = _set_aside(run)
    remove_expired(run.folder.parent)
    return doomed


def delete_for_good(run: Run) -> None:
    """Remove the run's folder: recipe, curves, checkpoints, adapter, evaluations, exports.

    Raises:
        UserError: a process works on it, or the disk refuses.
    """
    # Out of the list in one step: who lists runs meanwhile must not find half of one.
    remove(_set_aside(run))


def list_deleted(runs: Path) -> list[DeletedRun]:
    """What can be put back, the latest first."""
    found = [_known(folder) for folder in (runs / PLACE).glob("*")]
    return sorted((one for one in found if one), key=lambda one: -one.deleted_ns)


def find_deleted(runs: Path, folder: str) -> DeletedRun:
    """The one that lies in the folder of this name.

    Raises:
        UserError: it is gone.
    """
    for one in list_deleted(runs):
        if one.run.name == folder:
            return one
    raise UserError("This deleted run is not there any more: it was put back, or removed for good.")


def put_back(deleted: DeletedRun) -> Run:
    """Make it a run again, under its old name.

    Raises:
        UserError: another run has that name by now, or the disk refuses.
    """
    place = deleted.run.folder.parent.parent / deleted.name
    if place.exists():
        raise UserError(f"There is a run {deleted.name} already.", f"Rename its folder {place} first.")
    try:
        return Run(deleted.run.folder.rename(place))
    except OSError as error:
        raise refused(error, f"{deleted.name} cannot be put back", "See to the folder of the runs.") from None


def remove(deleted: DeletedRun) -> None:
    """Free its disk.

    Raises:
        UserError: the disk refuses.
    """
    try:
        shutil.rmtree(deleted.run.folder)
    except OSError as error:
        raise refused(error, f"{deleted.run.folder} cannot be removed", "Remove it by hand.") from None


def remove_expired(runs: Path) -> None:
    """Remove what was kept for long enough, and what a removal that was killed has left."""
    for folder in (runs / PLACE).glob("*"):
        known = _known(folder)
        if known is None or known.days_left <= 0:
            shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path) -> int:
    """Bytes of all files in it, links not followed; of one that goes meanwhile, what was still there."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def _set_aside(run: Run) -> DeletedRun:
    if run.is_alive:
        raise UserError(f"{run.name} is being worked on.", "Stop it first.")
    if not run.record_file.exists():
        raise UserError(f"There is no run {run.name} any more.")
    now = time.time_ns()
    place = run.folder.parent / PLACE
    try:
        place.mkdir(exist_ok=True)
        return DeletedRun(Run(run.folder.rename(place / f"{run.name}-{now}")), run.name, now)
    except OSError as error:
        raise refused(error, f"{run.folder} cannot be moved", "See to the folder of the runs.") from None


def _known(folder: Path) -> DeletedRun | None:
    """None: nothing that can be put back."""
    parts = re.fullmatch(r"(.+)-(\d+)", folder.name)
    run = Run(folder)
    return DeletedRun(run, parts[1], int(parts[2])) if parts and run.record_file.exists() else None
