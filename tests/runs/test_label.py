"""What the user calls a run, says of it, and finds it by."""

from pathlib import Path

from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.label import Label, change_label, read_label, tags_in, write_label


def test_the_label_is_kept_beside_the_record(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    assert read_label(run) == Label()
    write_label(run, Label(title="mine", note="why", tags=("maths",)))
    run.update(step=3)
    assert read_label(run) == Label(title="mine", note="why", tags=("maths",))


def test_a_change_leaves_the_other_fields_as_they_are(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    write_label(run, Label(title="mine"))
    assert change_label(run, note="why") == Label(title="mine", note="why")
    (run.folder / "label.json").write_text("torn")
    assert change_label(run, tags=("a",)) == read_label(run) == Label(tags=("a",))


def test_a_label_without_tags_is_read_as_before(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "x")
    (run.folder / "label.json").write_text('{"title": "old", "note": ""}')
    assert read_label(run) == Label(title="old")


def test_tags_are_parted_by_commas_and_each_stands_once() -> None:
    assert tags_in(" maths,, keep  this ,maths, ") == ("maths", "keep this")
    assert tags_in("") == () and len(tags_in("x" * 99)[0]) == 40
