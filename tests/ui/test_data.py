"""The Data tab without a browser: what is asked, what is kept, what is shown."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import polars as pl
import pytest

from qwenlab.data.report import DatasetReport, Overlap, OverlapExample, Row, summary
from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.ui import build
from qwenlab.ui.choices import RECIPE_FOLDER
from qwenlab.ui.jobs.prepared import check_of, keep_uploads, latest_question
from qwenlab.ui.tabs.data import ROLES, RULES, checked, controls_of, edited, settings, turned
from qwenlab.ui.views.dataset import report_view
from tests.ui.made import built
from tests.ui.test_stage import waited

TINY = read_recipe(RECIPE_FOLDER / "tiny.toml")
IN_ORDER = ["in order", 0]


def chosen(source: str, **columns: str) -> list[Any]:
    """What the controls hold for tiny.toml on this source."""
    roles = [columns.get(role, "") for role in ROLES]
    return ["tiny", source, *roles, *(getattr(TINY.data, key) for key in RULES)]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    texts = [{"q": f"<b>{number}</b> and some more words", "a": f"the answer is {number} " * 5} for number in range(30)]
    file.write_text("\n".join(map(json.dumps, [*texts, texts[0]])))
    return file


def test_the_controls_hold_the_recipe_s_data_settings() -> None:
    recipe = settings(*chosen(" tiny ", user="question"))
    assert recipe.data.source == "tiny" and recipe.data.columns == {"user": "question"}
    assert recipe.data.max_samples == TINY.data.max_samples and recipe.train == Recipe().train
    held = [getattr(value, "value", value) for value in controls_of(recipe)]
    assert settings(*held) == recipe


def test_a_bad_rule_is_told_in_the_recipe_s_words(tmp_path: Path) -> None:
    held = chosen("tiny")
    held[2 + len(ROLES) + RULES.index("validation_split")] = 0.9
    with pytest.raises(UserError):
        settings(*held)
    assert "data.validation_split = 0.9" in edited(tmp_path, *held, *IN_ORDER)[0]
    assert turned(tmp_path, 1, *held, *IN_ORDER) == [0, [], ""]


def test_no_source_is_a_question(tmp_path: Path) -> None:
    assert "Which data?" in checked(tmp_path, *chosen(""), *IN_ORDER)[0]


def test_uploads_are_kept_where_a_training_finds_them_next_week(tmp_path: Path, rows: Path) -> None:
    kept = keep_uploads(tmp_path / "runs", [str(rows)])
    assert kept.read_bytes() == rows.read_bytes() and (tmp_path / "runs") in kept.parents
    other = tmp_path / "other.jsonl"
    other.write_text("{}")
    assert {path.name for path in keep_uploads(tmp_path / "runs", [str(rows), str(other)]).iterdir()} == {
        "rows.jsonl",
        "other.jsonl",
    }


def test_two_uploads_of_one_name_are_both_kept(tmp_path: Path, rows: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / rows.name
    other.write_text('{"question": "q", "answer": "a"}\n')
    kept = keep_uploads(tmp_path / "runs", [str(rows), str(other)])
    assert {path.read_bytes() for path in kept.iterdir()} == {rows.read_bytes(), other.read_bytes()}
    assert kept == keep_uploads(tmp_path / "runs", [str(other), str(rows)])
    assert sorted(path.name for path in kept.iterdir()) == ["2-rows.jsonl", "rows.jsonl"]


def test_a_file_of_any_kind_can_be_dropped(tmp_path: Path) -> None:
    page = built(lambda: build(tmp_path))
    upload = next(block for block in page.blocks.values() if isinstance(block, gr.File) and "JSONL" in str(block.label))
    assert upload.file_types is None, "what is not read is told by the reader, and not by a toast"


def test_a_check_tells_what_is_wrong_and_then_what_is_there(tmp_path: Path, rows: Path) -> None:
    runs = tmp_path / "runs"
    held = chosen(str(rows))
    view = checked(runs, *held, *IN_ORDER)
    assert "Checking" in view[2] and view[3].active
    waited(lambda: not check_of(runs, settings(*held)).is_running)
    view = edited(runs, *held, *IN_ORDER)
    assert "Its columns: q (String), a (String)" in view[0] and not view[3].active and not view[4].visible

    held = chosen(str(rows), user="q", assistant="a")
    checked(runs, *held, *IN_ORDER)
    waited(lambda: not check_of(runs, settings(*held)).is_running)
    wrong, command, shown, _, train, user, *_, box, row, title = edited(runs, *held, *IN_ORDER)
    assert wrong == "" and train.visible and box.visible
    assert f"python -m qwenlab.prepare {rows}" in command and "data.columns" in command
    assert "duplicate" in shown and "repeats row 1 of rows.jsonl" in shown
    assert "<b>0</b>" not in shown and "&lt;b&gt;0&lt;/b&gt;" in shown
    assert ("q", "q") in user.choices
    assert title.startswith("1 of 20: row ") and {"context", "learned"} <= {kind for _, kind in row}

    latest = latest_question(runs)
    assert latest and latest == settings(*held), "another browser begins where this one is"
    place, _, title = turned(runs, -1, *held, *IN_ORDER)
    assert place == 19 and title.startswith("20 of 20")
    _, row, title = turned(runs, 0, *held, "cut", 0)
    assert title == "" and row == [("No row is truncated.", "context")]


def test_a_changed_file_is_checked_anew(tmp_path: Path, rows: Path) -> None:
    held = settings(*chosen(str(rows)))
    before = check_of(tmp_path, held).folder
    rows.write_text(rows.read_text() + "\n")
    assert check_of(tmp_path, held).folder != before


def test_leaks_are_shown_with_their_rows(tmp_path: Path) -> None:
    report = DatasetReport(
        source="x", files=["x"], sha256="", layout="messages", mapping={}, rows_found=3, rows_in=3, rows_kept=3,
        dropped={}, examples={}, changed={"code_fences": 0}, characters=summary(pl.Series("n", [1, 2, 3])),
        train_rows=2, validation_rows=1, notes=["<note>"],
        leakage=Overlap(compared=1, exact=1, near=0, examples=[
            OverlapExample(kind="exact", train=Row(file="x", row=2), other=Row(file="x", row=3), text="<b>leak</b>")
        ]),
    )  # fmt: skip
    shown = report_view(report, 100)
    assert "row 2 of x and row 3 of x: the same" in shown and "&lt;b&gt;leak" in shown and "&lt;note&gt;" in shown
    assert "1 word for word also in training" in shown


def test_nothing_checked_says_what_will_stand_there(tmp_path: Path) -> None:
    view = edited(tmp_path, *chosen("tiny"), *IN_ORDER)
    assert "Nothing checked yet" in view[2] and isinstance(view[4], gr.Button) and not view[4].visible
