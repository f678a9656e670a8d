"""Checkpoints: which are complete, and which of them a training may go on from.

The trainer writes a checkpoint's files one after the other, trainer_state.json last. Then it is sealed: a file holds
the SHA-256 of each of them, so that one that was cut, emptied or overwritten later is seen before it is loaded.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.files import Record, read_json, reason
from qwenlab.runs.forms import is_json, is_safetensors, is_whole_archive

SEAL = "sealed.json"
STATE = "trainer_state.json"
NEEDED = ("adapter_model.safetensors", "adapter_config.json", "optimizer.pt", "scheduler.pt", STATE)
"""Without one of them the trainer would go on as well, and be another training."""


class _Seal(Record):
    sha256: dict[str, str]
    """By the file's name."""


class Made(Record):
    """How far the training was when it wrote the checkpoint, of trainer_state.json."""

    global_step: int
    epoch: float
    """Passes over the training rows."""


class Choice(NamedTuple):
    """Where a training goes on from."""

    checkpoint: Path | None
    """None: none is whole."""
    faults: list[str]
    """Of each later one, why it cannot be used, as a sentence."""

    @property
    def step(self) -> int:
        """0 without a checkpoint."""
        return step_of(self.checkpoint) if self.checkpoint else 0


def step_of(checkpoint: Path) -> int:
    """The step that its name tells."""
    return int(checkpoint.name.partition("-")[2])


def complete(folder: Path) -> list[Path]:
    """The checkpoints in a run's folder that were written to their end, earliest first; they are not looked through."""
    return [path for path in _all(folder) if is_json(path / STATE)]


def choose(folder: Path) -> Choice:
    """The newest checkpoint in a run's folder that is whole; every byte of it is read."""
    faults: list[str] = []
    for path in reversed(complete(folder)):
        fault = fault_of(path)
        if not fault:
            return Choice(path, faults)
        faults.append(f"{path.name} cannot be used: {fault}.")
    return Choice(None, faults)


def drop_later(folder: Path, step: int) -> None:
    """Remove the checkpoints beyond this step, whole or not: a training that goes on from there makes them again."""
    for path in _all(folder):
        if step_of(path) > step:
            shutil.rmtree(path, ignore_errors=True)


def made(checkpoint: Path) -> Made:
    """Raises:
    UserError: trainer_state.json cannot be read.
    """
    return read_json(checkpoint / STATE, Made)


def seal(checkpoint: Path) -> None:
    """Keep what its files hold, once all of them are written."""
    files = sorted(path for path in checkpoint.iterdir() if path.is_file() and path.name != SEAL)
    _Seal(sha256={path.name: _sha256(path) for path in files}).write(checkpoint / SEAL)


def is_sealed(checkpoint: Path) -> bool:
    return (checkpoint / SEAL).exists()


def fault_of(checkpoint: Path) -> str:
    """What is wrong with it, in a few words; empty where it is whole.

    One that was killed before it was sealed, or is older than seals, is looked at by the forms of its files.
    """
    missing = [name for name in NEEDED if not (checkpoint / name).is_file()]
    if missing:
        return f"{missing[0]} is missing"
    try:
        if is_sealed(checkpoint):
            changed = _changed(checkpoint)
            return f"{changed} is not what was saved" if changed else ""
        return next(_malformed(checkpoint), "")
    except OSError as error:
        return reason(error)
    except UserError as error:
        return error.message.rstrip(".")


def _changed(checkpoint: Path) -> str:
    """The first file that is not as it was sealed."""
    kept = _Seal.read(checkpoint / SEAL).sha256
    files = ((name, checkpoint / name) for name in kept)
    return next((name for name, path in files if not path.is_file() or _sha256(path) != kept[name]), "")


def _malformed(checkpoint: Path) -> Iterator[str]:
    if made(checkpoint).global_step != step_of(checkpoint):
        yield f"{STATE} is of another step"
    for path in sorted(checkpoint.iterdir()):
        if path.suffix == ".json" and not is_json(path):
            yield f"{path.name} is not JSON"
        if path.suffix == ".safetensors" and not is_safetensors(path):
            yield f"{path.name} is cut or overwritten"
        if path.suffix in (".pt", ".pth", ".bin") and not is_whole_archive(path):
            yield f"{path.name} is cut or overwritten"


def _all(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
    return sorted(found, key=step_of)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
