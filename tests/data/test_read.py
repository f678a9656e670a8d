import hashlib
from pathlib import Path

import polars as pl
import pytest

from qwenlab.data import read as reading
from qwenlab.data.read import read, read_texts
from qwenlab.errors import UserError
from qwenlab.hub import UnavailableError
from qwenlab.recipe import TINY
from tests.data.made import many, write_jsonl


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that has org/good; what it was asked for."""
    asked: list[str] = []

    def read_hub(source: str, notes: list[str]) -> pl.DataFrame:
        asked.append(source)
        if source != "org/good":
            raise UnavailableError(f"no {source}", "spell it")
        return pl.DataFrame(many(3))

    monkeypatch.setattr(reading, "read_hub", read_hub)
    return asked


def test_a_file_is_read_under_its_name(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", many(3))
    source = read(str(path))
    assert (source.name, [table.name for table in source.tables]) == (str(path), ["a.jsonl"])
    assert source.tables[0].frame.height == 3
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_read_whole_and_its_hash_is_that_of_sha256sum(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl"):
        write_jsonl(tmp_path / name, many(2))
    source = read(str(tmp_path))
    assert [table.name for table in source.tables] == ["a.jsonl", "b.jsonl"]
    digest = hashlib.sha256((tmp_path / "a.jsonl").read_bytes()).hexdigest()
    listing = f"{digest}  a.jsonl\n{digest}  b.jsonl\n"
    assert source.sha256 == hashlib.sha256(listing.encode()).hexdigest()


def test_the_home_folder_may_be_written_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_jsonl(tmp_path / "a.jsonl", many(1))
    assert read("~/a.jsonl").tables[0].frame.height == 1


@pytest.mark.parametrize("source", ["org/good.jsonl", "./org/good", "/org/good", "~/org/good", "data.csv.gz"])
def test_what_looks_like_a_path_is_not_looked_for_on_the_hub(source: str, hub: list[str]) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read(source)
    assert hub == []


def test_a_folder_comes_before_a_hub_data_set_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "good").mkdir(parents=True)
    write_jsonl(tmp_path / "org" / "good" / "a.jsonl", many(1))
    assert read("org/good").tables[0].name == "a.jsonl"
    assert hub == []


def test_a_hub_data_set_is_read_under_its_name(hub: list[str]) -> None:
    source = read("org/good")
    assert (source.tables[0].name, source.tables[0].frame.height, source.sha256) == ("org/good", 3, None)
    assert hub == ["org/good"]


@pytest.mark.parametrize("source", ["my data", "a/b/c", "org/name:", ""])
def test_what_is_neither_path_nor_hub_name_is_told(source: str, hub: list[str]) -> None:
    with pytest.raises(UserError, match="neither a file or folder here nor the name of a hub data set"):
        read(source)
    assert hub == []


def test_document_backup_strategy_fallbacks_are_tried_in_order(hub: list[str]) -> None:
    source = read("org/first", ("org/second", "org/good", "org/never"))
    assert hub == ["org/first", "org/second", "org/good"]
    assert source.name == "org/good"
    assert source.notes == ["no org/first", "no org/second", "org/good was used instead of org/first."]


def test_when_all_fallbacks_fail_all_are_told(hub: list[str]) -> None:
    with pytest.raises(UserError, match=r"no org/first\nno org/second") as caught:
        read("org/first", ("org/second",))
    assert caught.value.hint == "spell it"


def test_a_misspelt_file_is_not_replaced_by_a_fallback(hub: list[str]) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read("./misspelt.jsonl", ("org/good",))


def test_tiny_is_bundled() -> None:
    source = read(TINY)
    (table,) = source.tables
    assert source.name == table.name == TINY, "no file of the package is told to the user"
    assert table.frame.height == 2000
    assert table.frame["messages"][0][0].keys() == {"role", "content"}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"name": "n", "description": "d", "question": "q"}, "d"),
        ({"name": "n", "Question": "q"}, "q"),
        ({"number": 1, "body": "b", "other": "o"}, "b"),
    ],
)
def test_texts_to_compare_are_found_in_their_column(tmp_path: Path, row: dict[str, str], text: str) -> None:
    path = write_jsonl(tmp_path / "problems.jsonl", [row])
    assert read_texts(path).rows() == [("problems.jsonl", 1, text)]


def test_a_file_without_texts_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"problems.jsonl has no column of texts"):
        read_texts(write_jsonl(tmp_path / "problems.jsonl", [{"number": 1}]))
