"""Disks that are full, files that may not grow, folders that are read-only: a sentence, and nothing is lost."""

import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from qwenlab.runs import list_runs
from qwenlab.runs.evaluation import list_evaluations
from tests.data.made import many, write_jsonl
from tests.faults.asked import Asked
from tests.faults.group import Attempt, LostError
from tests.faults.small_disk import SmallDisk, small_disk

TITLE = "disks full or read-only"
PROMISE = (
    "exit code 2 and a sentence; once there is room, the same command, or --resume, ends as if nothing had happened"
)
ALL = 70
FIRST = 12

SEED = 18
SECONDS = 400.0
TRAINING = (
    "data.source={data}", "train.max_steps=6", "train.save_steps=2", "train.eval_steps=3", "train.logging_steps=1",
    "train.per_device_train_batch_size=4", "data.validation_split=0.2",
)  # fmt: skip
FULL = ("disk is full", "larger than this process may write", "read-only")


class Place:
    """Where the attempts write: a small disk where one may be mounted, else a folder whose files may not grow."""

    def __init__(self, asked: Asked, folder: Path, disk: SmallDisk | None) -> None:
        self.asked, self.disk = asked, disk
        self.folder = disk.folder if disk else folder / "disk"
        self.kept = folder / "kept"
        """Where nothing is ever full."""
        self.kept.mkdir()
        self.data = write_jsonl(self.kept / "rows.jsonl", many(24))
        self._reference: Path | None = None

    def fresh(self) -> Path:
        """The folder, with nothing in it."""
        if self.disk:
            self.disk.make_room()
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        return self.folder

    def run(self, verb: str, *arguments: object, limit: int | None = None) -> tuple[int, str]:
        """The exit code of a verb and its words on stderr, where no file may grow beyond the limit."""
        heard = self.asked.ask("verb", json.dumps([limit, verb, *map(str, arguments)]), SECONDS)
        code, said = json.loads(heard.said)
        return code, said

    def must_run(self, verb: str, *arguments: object) -> None:
        """With room.

        Raises:
            LostError: it did not end well.
        """
        code, said = self.run(verb, *arguments)
        if code:
            raise LostError(f"with room, {verb} ends with {code}: {said[-300:]}")

    def is_refused(self, verb: str, *arguments: object, room: int) -> bool:
        """Whether it was, with so many bytes left, and in a sentence.

        Raises:
            LostError: without one, or in another.
        """
        if self.disk:
            self.disk.leave(room)
        code, said = self.run(verb, *arguments, limit=None if self.disk else room)
        if self.disk:
            self.disk.make_room()
        if code not in (0, 2) or (code == 2 and not any(word in said for word in FULL)):
            raise LostError(f"{verb} ends with {code}: {said[-300:]}")
        return code == 2

    @property
    def reference(self) -> Path:
        """The folder of a run that nothing disturbed."""
        if self._reference is None:
            self.must_run("train", *self.training(self.kept / "runs"))
            (run,) = list_runs(self.kept / "runs")
            self._reference = run.folder
        return self._reference

    def training(self, runs: Path) -> list[object]:
        settings = [part for setting in TRAINING for part in ("--set", setting.format(data=self.data))]
        return ["tiny", *settings, "--runs", runs]


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """What is quick first: data, uploads, read-only folders; then trainings, evaluations and exports."""
    made = 0
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "disk"))
        place = Place(stack.enter_context(Asked(memory_mb=6000)), folder, disk)
        for attempt in (*_quick(place), *_slow(place)):
            if made == count:
                return
            made += 1
            yield attempt


def _quick(place: Place) -> Iterator[Attempt]:
    for room in (0, 4096, 12_000, 20_000):
        yield Attempt(f"prepare --out, {room:,} bytes left", partial(_prepare, place, "clean.parquet", room))
        yield Attempt(f"prepare --report, {room:,} bytes left", partial(_prepare, place, "report.json", room))
    if place.disk:
        for room in (0, 8192):
            yield Attempt(f"an upload, {room:,} bytes left", partial(_upload, place, room))
        for verb, arguments in READ_ONLY.items():
            yield Attempt(f"{verb} in a read-only folder", partial(_read_only, place, verb, arguments))
    yield Attempt("every file as large as it may be", partial(_prepare, place, "clean.jsonl", 1))


def _slow(place: Place) -> Iterator[Attempt]:
    draw = random.Random(SEED)
    for number in range(ALL):
        kind, (smallest, largest) = list(SLOW.items())[number % len(SLOW)]
        room = int(math.exp(draw.uniform(math.log(smallest), math.log(largest)))) if number >= len(SLOW) else smallest
        yield Attempt(f"{kind.__name__[1:]}, {room:,} bytes left", partial(kind, place, room))


def _prepare(place: Place, name: str, room: int) -> None:
    out = place.fresh() / name
    arguments = (place.data, "--report" if name == "report.json" else "--out", out, "--set", "model.name=tiny")
    refused = place.is_refused("prepare", *arguments, room=room)
    if refused and any(place.folder.iterdir()):
        raise LostError(f"half of it is left: {[file.name for file in place.folder.iterdir()]}")
    place.must_run("prepare", *arguments)
    if not out.stat().st_size:
        raise LostError("the file is empty")


def _upload(place: Place, room: int) -> None:
    assert place.disk
    source = write_jsonl(place.kept / "upload.jsonl", many(1000))
    place.fresh()
    place.disk.leave(room)
    question = json.dumps([str(place.folder / "runs"), [str(source)]])
    heard = place.asked.ask("upload", question)
    if not heard.refused or "disk is full" not in heard.said:
        raise LostError(f"it is not refused: {heard.said}")
    if left := [file.name for file in place.folder.rglob("*.jsonl*")]:
        raise LostError(f"half of it is left: {left}")
    place.disk.make_room()
    kept = Path(place.asked.ask("upload", question).said)
    if kept.read_bytes() != source.read_bytes():
        raise LostError("what is kept is not what was uploaded")


def _read_only(place: Place, verb: str, arguments: Callable[[Place], list[object]]) -> None:
    assert place.disk
    shutil.copytree(place.reference, place.fresh() / "runs" / place.reference.name)
    with place.disk.read_only():
        code, said = place.run(verb, *arguments(place))
    if code != 2 or not any(word in said for word in FULL):
        raise LostError(f"{verb} ends with {code}: {said[-300:]}")


def _training(place: Place, room: int) -> None:
    reference, runs = place.reference, place.fresh() / "runs"
    refused = place.is_refused("train", *place.training(runs), room=room)
    if refused and list_runs(runs):
        place.must_run("train", "--resume", "last", "--runs", runs)
    elif refused:
        place.must_run("train", *place.training(runs))
    run = list_runs(runs)[-1]
    if run.read().status != "finished":
        raise LostError(f"the run is {run.read().status}")
    ours, theirs = (folder / "adapter" / "adapter_model.safetensors" for folder in (run.folder, reference))
    if ours.read_bytes() != theirs.read_bytes():
        raise LostError("the adapter is not that of a training that nothing disturbed")


def _evaluation(place: Place, room: int) -> None:
    runs = place.fresh() / "runs"
    shutil.copytree(place.reference, runs / place.reference.name)
    items = write_jsonl(
        place.kept / "sums.jsonl", [{"question": f"{n} + 1 = ?", "answer": f"#### {n + 1}"} for n in range(12)]
    )
    asked = [
        "last",
        "--suite",
        f"gsm8k={items}",
        "--set",
        "evaluate.max_new_tokens=8",
        "--set",
        "evaluate.batch_size=4",
    ]
    refused = place.is_refused("evaluate", *asked, "--runs", runs, room=room)
    (run,) = list_runs(runs)
    if refused and list_evaluations(run):
        place.must_run("evaluate", "last", "--resume", "--runs", runs)
    elif refused:
        place.must_run("evaluate", *asked, "--runs", runs)
    lines = (list_evaluations(run)[-1].suite("gsm8k").samples_file).read_bytes().splitlines()
    answers = sorted(json.dumps(_without_times(json.loads(line))) for line in lines)
    expected = place.kept / "answers.json"
    if not refused or not expected.exists():
        expected.write_text(json.dumps(answers))
    if len(answers) != 24 or answers != json.loads(expected.read_text()):
        raise LostError("the answers are not those of an evaluation that nothing disturbed")


def _export(place: Place, room: int) -> None:
    out = place.fresh() / "out"
    arguments = (place.reference.name, "--to", "adapter", "--out", out, "--runs", place.reference.parent)
    refused = place.is_refused("export", *arguments, room=room)
    if refused:
        if left := [path.name for path in place.folder.iterdir()]:
            raise LostError(f"half of it is left: {left}")
        place.must_run("export", *arguments)
    ours, theirs = (folder / "adapter_model.safetensors" for folder in (out, place.reference / "adapter"))
    if ours.read_bytes() != theirs.read_bytes():
        raise LostError("what was exported is not the adapter")


def _without_times(sample: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in sample.items() if key in ("item", "model", "sample", "answer")}


SLOW: dict[Callable[[Place, int], None], tuple[int, int]] = {
    _training: (4096, 6_000_000),
    _evaluation: (4096, 200_000),
    _export: (4096, 3_000_000),
}
"""The fewest bytes that are left for each, and the most."""

READ_ONLY: dict[str, Callable[[Place], list[object]]] = {
    "train": lambda place: place.training(place.folder / "runs"),
    "evaluate": lambda place: ["last", "--suite", "tiny", "--runs", place.folder / "runs"],
    "serve": lambda place: ["last", "--port", "0", "--runs", place.folder / "runs"],
    "compare": lambda place: ["last", "--prompt", "Who?", "--runs", place.folder / "runs"],
    "export": lambda place: [
        "last",
        "--to",
        "adapter",
        "--out",
        place.folder / "out",
        "--runs",
        place.reference.parent,
    ],
    "prepare": lambda place: [place.data, "--out", place.folder / "clean.jsonl", "--set", "model.name=tiny"],
}
