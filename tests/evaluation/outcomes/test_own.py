"""Our own reports are weighed like those of others."""

import json
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes import read_results


def _written(tmp_path: Path, **content: object) -> Path:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def _attempt(verdict: str | None, code: str = "print(1)") -> dict[str, object]:
    return {"answer": "", "code": code, "verdict": verdict, "of_a_later_version": 1}


def test_an_evaluation_has_both_sides_and_a_row_for_each_answer(tmp_path: Path) -> None:
    problems = [
        {
            "name": "sum",
            "description": "Add.",
            "base": [_attempt("WA"), _attempt(None, code="")],
            "tuned": [_attempt("AC")] * 2,
        },
        {"name": "max", "description": "Find.", "base": [_attempt("SE")], "tuned": [_attempt(None)]},
    ]
    found = read_results(_written(tmp_path, version=2, sentence="", problems=problems, new=1))
    assert found.kind == "qwenlab"
    assert [(row.item, row.content, *row.scores.values()) for row in found.rows] == [
        ("sum", "Add.", False, True),
        ("sum", "Add.", False, True),
        ("max", "Find.", None, None),
    ]


def test_what_the_judge_wrote_is_read(tmp_path: Path) -> None:
    rows = [{"name": name, "verdict": verdict} for name, verdict in (("a", "AC"), ("b", "WA"), ("c", "SE"))]
    found = read_results(_written(tmp_path, self_check={}, results=rows))
    assert [(row.item, row.scores["accepted"]) for row in found.rows] == [("a", True), ("b", False), ("c", None)]


def test_a_report_that_was_changed_by_hand_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"report\.json cannot be read: problems\.0\.name: Field required"):
        read_results(_written(tmp_path, sentence="", problems=[{}]))
