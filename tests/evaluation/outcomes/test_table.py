"""Tables of results: which row is which item."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes import read_results

FRAME = pl.DataFrame({"Task_ID": ["a", "b"], "right": [True, False], "note": ["x", "y"]})


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        ("csv", pl.DataFrame.write_csv),
        ("parquet", pl.DataFrame.write_parquet),
        ("jsonl", pl.DataFrame.write_ndjson),
        ("json", pl.DataFrame.write_json),
    ],
)
def test_every_format_of_data_is_read(
    tmp_path: Path, suffix: str, write: Callable[[pl.DataFrame, Path], object]
) -> None:
    file = tmp_path / f"results.{suffix}"
    write(FRAME, file)
    found = read_results(file)
    assert (found.kind, [row.item for row in found.rows]) == ("table", ["a", "b"])
    assert found.score_names == ["right", "note"]


def _csv(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "results.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_column_that_names_the_items_can_be_said(tmp_path: Path) -> None:
    file = _csv(tmp_path, "id,question,right\n1,a?,1\n2,b?,0\n")
    assert [row.item for row in read_results(file, "question").rows] == ["a?", "b?"]
    with pytest.raises(UserError, match=r"results\.csv has no column qestion") as told:
        read_results(file, "qestion")
    assert told.value.hint == "Did you mean question?"


def test_without_names_rows_are_numbered_where_both_sides_stand_in_them(tmp_path: Path) -> None:
    file = _csv(tmp_path, "base,tuned\n1,1\n0,1\n")
    assert [row.item for row in read_results(file, alone=True).rows] == ["row 1", "row 2"]
    with pytest.raises(UserError, match="does not say which row is which item") as told:
        read_results(file)
    assert "--id COLUMN" in told.value.hint and "base, tuned" in told.value.hint


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"names in the column id stand in more than one row: 7"):
        read_results(_csv(tmp_path, "id,right\n7,1\n7,0\n8,1\n"))


def test_a_file_that_is_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    file = _csv(tmp_path, "id,right\n7,1\n")
    with pytest.raises(UserError, match="There is no file") as told:
        read_results(file.with_name("reslts.csv"))
    assert told.value.hint == "Did you mean results.csv?"
    file.rename(file.with_suffix(".doc"))
    with pytest.raises(UserError, match="has a suffix that is not known"):
        read_results(file.with_suffix(".doc"))
