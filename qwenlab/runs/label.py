"""What the user calls a run and wants to remember of it: run.json is its process's to write."""

from threading import Lock
from typing import Any

from qwenlab.errors import UserError
from qwenlab.files import Record
from qwenlab.runs.run import Run

LONGEST_TAG = 40

_writing = Lock()


class Label(Record):
    """A title in place of the folder's name, a note, and tags. All may be empty."""

    title: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()


def read_label(run: Run) -> Label:
    """The run's label; of one that cannot be read, why it cannot stands as the note."""
    file = run.folder / "label.json"
    try:
        return Label.read(file) if file.exists() else Label()
    except UserError as error:
        return Label(note=error.message)


def write_label(run: Run, label: Label) -> None:
    label.write(run.folder / "label.json")


def change_label(run: Run, **changes: Any) -> Label:
    """Change some fields and leave the others as they are now, whoever wrote them."""
    with _writing:
        try:
            kept = Label.read(run.folder / "label.json")
        except UserError:  # there is none yet, or it holds nothing to keep
            kept = Label()
        label = Label.model_validate(kept.model_dump() | changes)
        write_label(run, label)
    return label


def tags_in(text: str) -> tuple[str, ...]:
    """The tags in what was typed, which commas part; each once, in the order in which they were typed."""
    words = (" ".join(word.split())[:LONGEST_TAG].rstrip() for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if word))
