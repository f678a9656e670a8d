"""What the user calls a run and wants to remember of it: run.json is its process's to write."""

from pydantic import BaseModel, ConfigDict

from qwenlab.files import write_atomically
from qwenlab.runs.run import Run


class Label(BaseModel):
    """A title in place of the folder's name, and a note. Both may be empty."""

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    note: str = ""


def read_label(run: Run) -> Label:
    file = run.folder / "label.json"
    return Label.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else Label()


def write_label(run: Run, label: Label) -> None:
    write_atomically(run.folder / "label.json", label.model_dump_json(indent=2) + "\n")
