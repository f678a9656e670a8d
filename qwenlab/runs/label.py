"""What the user calls a run and wants to remember of it: run.json is its process's to write."""

from qwenlab.errors import UserError
from qwenlab.files import Record
from qwenlab.runs.run import Run


class Label(Record):
    """A title in place of the folder's name, and a note. Both may be empty."""

    title: str = ""
    note: str = ""


def read_label(run: Run) -> Label:
    """The run's label; of one that cannot be read, why it cannot stands as the note."""
    file = run.folder / "label.json"
    try:
        return Label.read(file) if file.exists() else Label()
    except UserError as error:
        return Label(note=error.message)


def write_label(run: Run, label: Label) -> None:
    label.write(run.folder / "label.json")
