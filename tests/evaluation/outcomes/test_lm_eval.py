"""lm-eval's samples, as the tool wrote them, and what may be wrong with such a file."""

import json
import shutil
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes import read_results
from qwenlab.evaluation.outcomes.scores import fault
from tests.evaluation.outcomes import LM_EVAL_BASE, LM_EVAL_TUNED


def test_the_lines_of_all_filters_become_one_row_an_item() -> None:
    found = read_results(LM_EVAL_TUNED)
    assert (found.kind, found.task) == ("lm-eval", "programs")
    assert [row.item for row in found.rows] == [str(number) for number in range(8)]
    assert found.score_names == ["exact_match,fenced", "exact_match,anywhere"]
    assert [row.scores["exact_match,fenced"] for row in found.rows] == [1, 1, 1, 1, 1, 1, 1, 0]
    assert "```python\\nn = int(input())" in found.rows[0].answer


def test_the_same_items_have_the_same_content_and_prompt_and_other_answers() -> None:
    for before, after in zip(read_results(LM_EVAL_BASE).rows, read_results(LM_EVAL_TUNED).rows, strict=True):
        assert (before.content, before.prompt) == (after.content, after.prompt)
        assert len(before.content) == len(before.prompt) == 64
    assert read_results(LM_EVAL_BASE).rows[0].answer != read_results(LM_EVAL_TUNED).rows[0].answer


def test_a_metric_of_which_less_is_better_is_known_by_the_averages_beside_the_samples(tmp_path: Path) -> None:
    averages = "results_2026-11-27T14-26-48.948646.json"
    for name in (LM_EVAL_TUNED.name, averages):
        shutil.copy(LM_EVAL_TUNED.with_name(name), tmp_path / name)
    samples = tmp_path / LM_EVAL_TUNED.name
    assert fault(read_results(samples), "exact_match,fenced") is None
    content = (tmp_path / averages).read_text(encoding="utf-8")
    (tmp_path / averages).write_text(content.replace('"exact_match": true', '"exact_match": false'), encoding="utf-8")
    assert fault(read_results(samples), "exact_match,fenced") == "less of it is better"
    (tmp_path / averages).write_text("torn", encoding="utf-8")
    assert fault(read_results(samples), "exact_match,fenced") is None


def test_lines_of_an_older_version_have_their_metrics_beside_the_known_keys(tmp_path: Path) -> None:
    line = {
        "doc_id": 7,
        "doc": {},
        "target": "1",
        "resps": [["1"]],
        "filtered_resps": ["1"],
        "doc_hash": "a",
        "acc": 1.0,
    }
    file = tmp_path / "old.jsonl"
    file.write_text(json.dumps(line) + "\n", encoding="utf-8")
    (row,) = read_results(file).rows
    assert (row.item, row.scores, row.prompt) == ("7", {"acc,none": 1.0}, "")


def test_two_evaluations_in_one_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "both.jsonl"
    file.write_bytes(LM_EVAL_BASE.read_bytes() + LM_EVAL_TUNED.read_bytes())
    with pytest.raises(UserError, match=r"both\.jsonl, line 17: doc_id 0, filter fenced, is there twice"):
        read_results(file)


def test_samples_of_several_tasks_may_stand_in_one_file(tmp_path: Path) -> None:
    other = LM_EVAL_BASE.read_text(encoding="utf-8").replace('"doc_hash": "', '"doc_hash": "0')
    file = tmp_path / "group.jsonl"
    file.write_text(LM_EVAL_BASE.read_text(encoding="utf-8") + other, encoding="utf-8")
    assert len(read_results(file).rows) == 16


def test_a_torn_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "torn.jsonl"
    file.write_bytes(LM_EVAL_BASE.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"torn\.jsonl, line 16 is not JSON"):
        read_results(file)
    file.write_bytes(LM_EVAL_BASE.read_bytes() + b'{"answer": 1}\n')
    with pytest.raises(UserError, match=r"line 17 has no doc_id"):
        read_results(file)


def test_the_averages_alone_are_refused_with_what_to_give() -> None:
    averages = next(LM_EVAL_BASE.parent.glob("results_*.json"))
    with pytest.raises(UserError, match="nothing about single items") as told:
        read_results(averages)
    assert "--log_samples" in told.value.hint


def test_the_folder_of_an_evaluation_names_its_files() -> None:
    with pytest.raises(UserError, match="is a folder") as told:
        read_results(LM_EVAL_BASE.parent)
    assert told.value.hint == f"Give a file of it: {LM_EVAL_BASE.name}"
