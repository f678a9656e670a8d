"""Which files of a folder are the data: not hidden ones, not descriptions of a data set, and no test files unasked."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from qwenlab.data.files import check_exists, data_suffix, readable
from qwenlab.errors import UserError

DESCRIPTIONS = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json"}
"""Files about a data set that lie beside its data."""

HELD_OUT = {"test", "tests", "testing", "validation", "valid", "val", "dev", "eval", "evaluation"}
"""Words in the names of files that are for looking at a model, not for teaching it."""

MOST_NAMES = 10
"""Names that a note holds."""


class Chosen(NamedTuple):
    """Files to read, by name, and what was left out of the folder."""

    files: list[Path]
    notes: list[str]


def data_files(path: Path) -> list[Path]:
    """The file itself, or all data files of a folder.

    Raises:
        UserError: nothing is there, it is not a data file, or the folder holds none.
    """
    check_exists(path)
    return _folder(path).files if path.is_dir() else [path]


def training_files(path: Path) -> Chosen:
    """The file itself, or those of a folder that are there to be learned from: all, where it holds test files alone.

    Raises:
        UserError: as `data_files`.
    """
    check_exists(path)
    if not path.is_dir():
        return Chosen([path], [])
    files, notes = _folder(path)
    training = [file for file in files if not is_held_out(file)]
    if training and len(training) < len(files):
        others = [file for file in files if is_held_out(file)]
        notes = [*notes, f"Not trained on, by {'its name' if len(others) == 1 else 'their names'}: {_names(others)}."]
    return Chosen(training or files, notes)


def is_held_out(file: Path) -> bool:
    """Whether a file's name says that it is a test or validation part."""
    words = set(re.split(r"[^a-z]+", file.name.lower()))
    return not HELD_OUT.isdisjoint(words) and words.isdisjoint({"train", "training"})


def _folder(path: Path) -> Chosen:
    """The data files of a folder, or of the train split that `datasets` saved in it."""
    splits = path / "dataset_dict.json"
    if splits.is_file() and not any(data_suffix(file) and file != splits for file in path.iterdir() if file.is_file()):
        if not (path / "train").is_dir():
            raise UserError(
                f"{path} was written by save_to_disk, and has no split `train`.",
                f"Name the folder of a split: {_names(folder for folder in path.iterdir() if folder.is_dir())}",
            )
        others = sorted(folder for folder in path.iterdir() if folder.is_dir() and folder.name != "train")
        files, notes = _folder(path / "train")
        return Chosen(files, [*notes, *([f"The split train was read, and not {_names(others)}."] if others else [])])
    saved = _saved_files(path)
    if saved:
        return Chosen(saved, [])
    entries = sorted(file for file in path.iterdir() if file.is_file() and data_suffix(file))
    visible = [file for file in entries if not file.name.startswith(".")]
    files = [file for file in visible if file.name.lower() not in DESCRIPTIONS]
    if not files:
        raise UserError(f"There is no data file in the folder {path}.", f"{readable()} Subfolders are not searched.")
    others = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    left_out = {*entries, *others} - {*files}
    return Chosen(files, [f"No data, and left out: {_names(left_out)}."] if left_out else [])


def _saved_files(path: Path) -> list[Path]:
    """The Arrow files of a folder that `Dataset.save_to_disk` wrote; none where it did not."""
    try:
        state = json.loads((path / "state.json").read_bytes())
        files = [path / file["filename"] for file in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return files if all(file.is_file() for file in files) else []


def _names(files: Iterable[Path]) -> str:
    names = sorted(file.name for file in files)
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
