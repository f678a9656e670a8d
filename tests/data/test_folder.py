"""Which files of a folder are learned from, and what is said of the others."""

import json
import re
from pathlib import Path

import datasets
import pytest

from qwenlab.data.folder import data_files, training_files
from qwenlab.data.read import read, read_texts
from qwenlab.errors import UserError
from tests.data.made import many, write_jsonl


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(folder: Path) -> list[str]:
    return [file.name for file in training_files(folder).files]


def test_a_folder_is_its_data_files_by_name(tmp_path: Path) -> None:
    filled(tmp_path, "b.jsonl", "a.csv.gz", "notes.txt", "c.parquet", "d.xlsx")
    (tmp_path / "sub.json").mkdir()
    assert names(tmp_path) == ["a.csv.gz", "b.jsonl", "c.parquet", "d.xlsx"]
    assert training_files(tmp_path).notes == ["No data, and left out: notes.txt."]


def test_hidden_files_and_descriptions_are_left_out_and_named(tmp_path: Path) -> None:
    described = ("dataset_info.json", "dataset_infos.json", "state.json", "metadata.json")
    filled(tmp_path, "train.jsonl", "._train.jsonl", ".hidden.csv", ".DS_Store", *described)
    assert names(tmp_path) == ["train.jsonl"] == [file.name for file in data_files(tmp_path)]
    left_out = ", ".join(sorted(("._train.jsonl", ".hidden.csv", *described)))
    assert training_files(tmp_path).notes == [f"No data, and left out: {left_out}."]


def test_many_files_that_are_no_data_are_not_all_named(tmp_path: Path) -> None:
    filled(tmp_path, "a.csv", *(f"{number:02}.png" for number in range(30)))
    [note] = training_files(tmp_path).notes
    assert note.endswith("09.png and 20 more.")


@pytest.mark.parametrize(
    "other",
    [
        "test.jsonl",
        "validation.jsonl",
        "my-dev.jsonl",
        "test-00000-of-00001.parquet",
        "Eval.csv",
        "data.val.json",
        "testing.csv",
        "TEST2.csv.gz",
    ],
)
def test_test_files_are_not_trained_on_unasked(tmp_path: Path, other: str) -> None:
    filled(tmp_path, "train.jsonl", other)
    assert training_files(tmp_path) == ([tmp_path / "train.jsonl"], [f"Not trained on, by its name: {other}."])
    assert names(tmp_path / other) == [other], "named, it is read"
    assert {file.name for file in data_files(tmp_path)} == {"train.jsonl", other}


@pytest.mark.parametrize(
    "name", ["latest.jsonl", "contest.csv", "devices.jsonl", "train_eval.jsonl", "values.csv", "training_dev.csv"]
)
def test_names_that_only_look_so_are_trained_on(tmp_path: Path, name: str) -> None:
    filled(tmp_path, "train.jsonl", name)
    assert set(names(tmp_path)) == {"train.jsonl", name}


def test_a_folder_of_test_files_alone_is_read(tmp_path: Path) -> None:
    filled(tmp_path, "test.jsonl", "validation.jsonl")
    assert training_files(tmp_path) == ([tmp_path / "test.jsonl", tmp_path / "validation.jsonl"], [])


def test_what_was_not_read_is_told_and_texts_to_compare_may_be_test_files(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", many(3))
    write_jsonl(tmp_path / "test.jsonl", many(2))
    source = read(str(tmp_path))
    assert [(table.name, table.frame.height) for table in source.tables] == [("train.jsonl", 3)]
    assert source.notes == ["Not trained on, by its name: test.jsonl."]
    assert read_texts(tmp_path).height == 5


def test_notes_of_reading_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('question,answer\n"say \\"hi\\"",x\n')
    assert ["quotes" in note for note in read(str(tmp_path / "a.csv")).notes] == [True]


def test_a_folder_that_save_to_disk_wrote_is_read(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list(many(5))
    rows.save_to_disk(tmp_path / "one", num_shards=2)
    source = read(str(tmp_path / "one"))
    assert [table.name for table in source.tables] == ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    assert [row for table in source.tables for row in table.frame.to_dicts()] == many(5)
    assert source.notes == []


def test_of_splits_that_save_to_disk_wrote_train_is_read(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list(many(4))
    datasets.DatasetDict(train=rows, test=rows).save_to_disk(tmp_path / "both")
    source = read(str(tmp_path / "both"))
    assert [table.frame.height for table in source.tables] == [4]
    assert source.notes == ["The split train was read, and not test."]
    datasets.DatasetDict(fit=rows, test=rows).save_to_disk(tmp_path / "other")
    with pytest.raises(UserError, match="written by save_to_disk, and has no split `train`") as caught:
        read(str(tmp_path / "other"))
    assert "fit, test" in caught.value.hint
    assert read(str(tmp_path / "other" / "fit")).tables[0].frame.height == 4


def test_a_state_of_something_else_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "gone.arrow"}]}))
    filled(tmp_path, "a.csv")
    assert names(tmp_path) == ["a.csv"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("trian.jsonl", r"There is no file .*trian.jsonl", "Did you mean train.jsonl"),
        ("zzz", r"There is no file .*zzz", "there are: empty, train.jsonl"),
        ("nowhere/train.jsonl", "There is no file", "There is no folder .*nowhere either"),
        (
            "notes.txt",
            "notes.txt has a suffix that is not known",
            ".jsonl, .ndjson, .json, .csv, .tsv, .parquet, .arrow, .xlsx",
        ),
        ("empty", "There is no data file in the folder .*empty", "Subfolders are not searched"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(tmp_path: Path, name: str, message: str, hint: str) -> None:
    (tmp_path / "train.jsonl").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(UserError, match=message) as caught:
        data_files(tmp_path / name)
    assert re.search(hint, caught.value.hint)
