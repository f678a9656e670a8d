"""What was exported into a run's own folder: `RUN/exports/NAME`, each complete from the moment it is there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError, refused
from qwenlab.files import last_lines
from qwenlab.runs.run import Run

CARD = "README.md"
PROOF = ("Checked: ", "Converted, not checked: ")
"""How the card's sentence on the comparison with the adapter begins."""


class Export(NamedTuple):
    """One folder that was made of a run's adapter."""

    run: Run
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def files(self) -> list[Path]:
        """All of its files, sorted; links are none."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())

    @property
    def proof(self) -> str:
        """What its card says of the comparison with the adapter; empty where it says nothing."""
        lines = last_lines(self.folder / CARD, 10_000).splitlines()
        return next((line for line in lines if line.startswith(PROOF)), "")


def new_folder(run: Run, target: str) -> Path:
    """Where the next export of this kind goes: a folder that is not there yet."""
    taken = {export.name for export in list_exports(run)}
    names = (target if number == 1 else f"{target}-{number}" for number in range(1, len(taken) + 2))
    return run.folder / "exports" / next(name for name in names if name not in taken)


def list_exports(run: Run) -> list[Export]:
    """All that are complete, the newest first."""
    found = sorted(_folders(run), key=lambda folder: (-folder.stat().st_mtime, folder.name))
    return [Export(run, folder) for folder in found]


def find_export(run: Run, name: str) -> Export:
    """The one of this name.

    Raises:
        UserError: there is none.
    """
    for export in list_exports(run):
        if export.name == name:
            return export
    raise UserError(f"{run.name} has no export {name} any more.")


def remove_export(export: Export) -> None:
    """Free its disk.

    Raises:
        UserError: the disk refuses.
    """
    try:
        shutil.rmtree(export.folder)
    except OSError as error:
        raise refused(error, f"{export.folder} cannot be removed", "Remove it by hand.") from None


def _folders(run: Run) -> Iterator[Path]:
    """One that is being made begins with a dot."""
    for folder in (run.folder / "exports").glob("[!.]*"):
        if folder.is_dir() and not folder.is_symlink():
            yield folder
