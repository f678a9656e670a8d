"""Exports that are killed while they merge, check and write."""

import hashlib
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.group import Attempt, LostError
from tests.faults.groups.trainings_killed import SHORT
from tests.faults.outcome import lost_where_different
from tests.faults.verbs import At, Ended, Verbs, kills, passed_lines

TITLE = "export killed"
PROMISE = "The next one has the same bytes, and leaves nothing beside them."
ALL = 20
FIRST = 1

TELLING = {
    "export", "_staged", "_export", "make", "_model", "_adapter", "merge", "copy_adapter", "check_merged",
    "check_adapter", "open_to_readers", "write_atomically", "replacing", "gpu_lock",
}  # fmt: skip


class Outcome(NamedTuple):
    """What an export leaves."""

    files: dict[str, str]
    """SHA-256 of each, by its path from the folder that the export stands in."""
    modes: dict[str, str]


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Of merged models and of adapters in turns, at telling lines first, then at drawn lines and moments."""
    with Verbs(folder / "logs") as verbs:
        settings = [part for setting in SHORT for part in ("--set", setting)]
        verbs.run("train", ["recipes/tiny.toml", *settings, "--runs", folder / "runs"])
        shares = {"merged": count - count // 4, "adapter": count // 4}
        for to, share in shares.items():
            if not share:
                continue
            passed, whole = folder / f"{to}.passed", folder / f"whole-{to}"
            ended = _export(verbs, folder / "runs", to, whole, passed=passed)
            assert ended.code == 0, ended.said
            wanted = _outcome(whole)
            for number, kill in enumerate(kills(passed_lines(passed), TELLING, ended.seconds, share), start=1):
                where = f"at {kill}" if isinstance(kill, At) else f"after {kill:.2f} s"
                check = partial(_check, verbs, folder / "runs", to, folder / f"{to}-{number}", kill, wanted)
                yield Attempt(f"{to}, killed {where}", check)


def _export(verbs: Verbs, runs: Path, to: str, place: Path, **how: Any) -> Ended:
    place.mkdir(exist_ok=True)
    return verbs.run("export", ["last", "--to", to, "--out", place / "out", "--runs", runs], **how)


def _check(verbs: Verbs, runs: Path, to: str, place: Path, kill: At | float, wanted: Outcome) -> None:
    """Kill, export again, compare."""
    ended = _export(verbs, runs, to, place, kill=kill)
    if ended.code != -9 and not (ended.code == 0 and isinstance(kill, float)):
        raise LostError(f"it was not killed there, and ended with {ended.code}: {ended.said[-300:]}")
    done = place / "out"
    if done.exists():  # killed after it was in its place, or not at all
        lost_where_different(_outcome(place), wanted)
    else:
        ended = _export(verbs, runs, to, place)
        if ended.code != 0:
            raise LostError(f"the next one fails: {ended.said[-500:]}")
        lost_where_different(_outcome(place), wanted)
    if running := verbs.left_running():
        raise LostError(f"left running: {running}")
    left = [path.name for path in (runs / ".gpu").glob("*.ticket")]
    if len(left) > 1:
        raise LostError(f"left in the GPU queue: {left}")
    shutil.rmtree(place)


def _outcome(place: Path) -> Outcome:
    files = {str(path.relative_to(place)): path for path in sorted(place.rglob("*")) if path.is_file()}
    return Outcome(
        {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()},
        {name: oct(path.stat().st_mode & 0o777) for name, path in files.items()},
    )
