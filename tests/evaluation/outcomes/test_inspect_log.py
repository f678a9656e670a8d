"""Inspect's logs, as the tool wrote them: both formats, several scorers, epochs, and files that are none."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes import read_results
from tests.evaluation.outcomes import INSPECT

JSON = INSPECT / "tuned_one_item.json"


def test_an_archive_is_read_though_python_knows_no_zstandard_in_zip() -> None:
    with zipfile.ZipFile(INSPECT / "tuned.eval") as archive:
        assert {info.compress_type for info in archive.infolist()} == {93}
    found = read_results(INSPECT / "tuned.eval")
    assert (found.kind, found.task, found.notes) == ("inspect", "programs", ())
    assert sorted(row.item for row in found.rows) == [f"program-{number}" for number in range(1, 7)]
    assert found.score_names == ["includes", "exact"]
    assert {(row.scores["includes"], row.scores["exact"]) for row in found.rows} == {(1.0, 0.0)}


def test_both_formats_say_the_same_of_an_item() -> None:
    (row,) = read_results(JSON).rows
    assert row in read_results(INSPECT / "tuned.eval").rows
    assert row.answer == "```python\nn = int(input())\nprint(9 ** n)\n```\n"


def test_the_same_items_have_the_same_content_and_prompt() -> None:
    sides = [{row.item: row for row in read_results(INSPECT / f"{side}.eval").rows} for side in ("base", "tuned")]
    for name, row in sides[0].items():
        assert (row.content, row.prompt) == (sides[1][name].content, sides[1][name].prompt)
        assert "Output" in row.prompt and row.answer not in row.prompt


def test_an_item_has_a_row_for_each_epoch() -> None:
    found = read_results(INSPECT / "tuned_two_epochs.eval")
    assert sorted(row.item for row in found.rows) == [f"program-{number}" for number in (1, 1, 2, 2, 3, 3)]


def _changed(tmp_path: Path, **score: Any) -> Path:
    content = json.loads(JSON.read_bytes())
    content["samples"][0]["scores"]["includes"] |= score
    file = tmp_path / "log.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("value", "score"), [("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (0.25, 0.25), (True, True), ("else", "else")]
)
def test_letters_are_worth_what_accuracy_makes_of_them(tmp_path: Path, value: object, score: object) -> None:
    assert read_results(_changed(tmp_path, value=value)).rows[0].scores["includes"] == score


def test_a_scorer_of_several_values_has_a_score_for_each(tmp_path: Path) -> None:
    (row,) = read_results(_changed(tmp_path, value={"form": "C", "content": 0.5})).rows
    assert row.scores == {"includes/form": 1.0, "includes/content": 0.5, "exact": 0.0}


def test_an_evaluation_that_ended_early_is_told_and_a_failed_sample_has_no_score(tmp_path: Path) -> None:
    content = json.loads(JSON.read_bytes()) | {"status": "error"}
    content["samples"].append(content["samples"][0] | {"id": 2, "scores": None, "output": None, "messages": []})
    file = tmp_path / "log.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    found = read_results(file)
    assert found.notes == (
        "log.json: the evaluation did not end well: status error. What it answered until then counts.",
    )
    assert (found.rows[1].item, found.rows[1].scores, found.rows[1].prompt) == ("2", {}, "")


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    whole = (INSPECT / "base.eval").read_bytes()
    file = tmp_path / "log.eval"
    with zipfile.ZipFile(INSPECT / "base.eval") as archive:
        checksum = struct.pack("<I", archive.getinfo("samples/program-1_epoch_1.json").CRC)
    other_checksum = whole.replace(checksum, b"1234")
    for content in (whole[:-100], b"text", whole[:8000] + b"0123456789" + whole[8010:], other_checksum):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"log\.eval is not readable as a log of Inspect"):
            read_results(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no log")
    with pytest.raises(UserError, match=r"without Inspect's header\.json"):
        read_results(file)
    content = json.loads(JSON.read_bytes()) | {"samples": None}
    (tmp_path / "log.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="holds no sample"):
        read_results(tmp_path / "log.json")


def test_a_log_needs_no_name_for_its_items() -> None:
    with pytest.raises(UserError, match=r"--id id: tuned_one_item\.json is no table"):
        read_results(JSON, "id")
