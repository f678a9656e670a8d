"""Data sets that were checked: each check is a process, and its answer lies in a folder named after what was asked."""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from qwenlab.data.preview import Preview
from qwenlab.data.report import DatasetReport
from qwenlab.data.sample import Sample
from qwenlab.errors import UserError
from qwenlab.files import Record, make_parent, replacing
from qwenlab.recipe import Recipe
from qwenlab.runs.launch import Launch, launch, list_launches
from qwenlab.ui.run_cache import stamp

NAME = "prepare"

LATEST = 3
"""Checks that are looked at for one that is under way."""

Content = TypeVar("Content", bound=Record)


class Question(Record):
    """What was asked of `qwenlab.prepare`: the model whose tokens are counted, and the data settings."""

    recipe: Recipe


class Check(NamedTuple):
    """One question's answer, as far as it is there."""

    folder: Path
    launch: Launch | None

    @property
    def report(self) -> DatasetReport | None:
        return _read(self.folder / "report.json", DatasetReport)

    @property
    def preview(self) -> Preview | None:
        """Some rows as the model sees them; None where there is no tokenizer, or no answer yet."""
        return _read(self.folder / "preview.json", Preview)

    @property
    def sample_file(self) -> Path:
        return self.folder / "sample.json"

    @property
    def sample(self) -> Sample | None:
        """The first rows, which are there before the rest is read; None: they are not there yet."""
        return _read(self.sample_file, Sample)

    @property
    def is_running(self) -> bool:
        return self.launch is not None and self.launch.is_alive

    @property
    def is_done(self) -> bool:
        return self.report is not None and not self.is_running


def check_of(runs: Path, recipe: Recipe) -> Check:
    """The check of this recipe's data, whether or not there is one."""
    key = _key(recipe)
    launches = list_launches(runs, f"{NAME}-{key}")
    return Check(_folder(runs, key), launches[-1] if launches else None)


def start_check(runs: Path, recipe: Recipe, arguments: Sequence[str]) -> None:
    """Check the data in a process of its own, unless that was done or is under way; what else is checked is ended."""
    check = check_of(runs, recipe)
    if check.is_done or check.is_running:
        return
    _end_others(runs)
    check.folder.mkdir(parents=True, exist_ok=True)
    Question(recipe=recipe).write(check.folder / "question.json")
    files = ["--preview", str(check.folder / "preview.json"), "--report", str(check.folder / "report.json")]
    launch(runs, "prepare", [*arguments, *files], f"{NAME}-{_key(recipe)}")


def latest_question(runs: Path) -> Recipe | None:
    """What was asked last, in whatever browser."""
    found = sorted(runs.glob(f".launches/[0-9]*-{NAME}-*.json"))
    for record in reversed(found):
        question = _read(_folder(runs, record.stem.rpartition("-")[2]) / "question.json", Question)
        if question:
            return question.recipe
    return None


def keep_uploads(runs: Path, files: Sequence[str]) -> Path:
    """Move uploaded files from the browser's temporary place to where a training still finds them next week.

    Returns:
        The file, or the folder of several; files of the same name are numbered.

    Raises:
        UserError: the disk refuses.
    """
    # Gradio's path holds the content's hash.
    digest = hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:12]
    folder = runs / ".uploads" / digest
    kept: list[Path] = []
    for file in sorted(files):
        target, number = folder / Path(file).name, 1
        while target in kept:
            number += 1
            target = folder / f"{number}-{Path(file).name}"
        make_parent(target)
        with replacing(target) as unfinished:
            shutil.copyfile(file, unfinished)
        kept.append(target)
    return kept[0] if len(kept) == 1 else folder


def _end_others(runs: Path) -> None:
    """End the check that is under way: with another column or rule, nobody waits for it."""
    for record in sorted(runs.glob(f".launches/[0-9]*-{NAME}-*.json"))[-LATEST:]:
        other = Launch(record.with_suffix(".log"))
        if other.is_alive:
            with suppress(ProcessLookupError, UserError):
                os.kill(other.read().pid, signal.SIGTERM)  # the holder of the log's lock is this process


def _read(file: Path, kind: type[Content]) -> Content | None:
    """None: it is not there yet, or of another version; then it is asked anew."""
    try:
        return kind.read(file)
    except UserError:
        return None


def _key(recipe: Recipe) -> str:
    """The same for the same settings over the same file."""
    model = [recipe.model.name, recipe.model.revision, recipe.model.thinking]
    settings = [model, recipe.data.model_dump(mode="json"), recipe.train.seed]
    identity = json.dumps([settings, stamp(Path(recipe.data.source))])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _folder(runs: Path, key: str) -> Path:
    return runs / ".prepared" / key
