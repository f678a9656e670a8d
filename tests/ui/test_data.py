"""The Data tab without a browser: what is asked, what is kept, what is shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import polars as pl
import pytest

from qwenlab.data.files import read_file
from qwenlab.data.preview import Preview, PreviewRow
from qwenlab.data.report import DatasetReport, Overlap, OverlapExample, Row, summary
from qwenlab.errors import UserError
from qwenlab.recipe import DataSettings, Recipe, read_recipe
from qwenlab.tiny import TRAIN_FILE, TRAIN_ROWS
from qwenlab.ui import build
from qwenlab.ui.choices import RECIPE_FOLDER
from qwenlab.ui.form import columns_text
from qwenlab.ui.jobs.prepared import check_of, keep_uploads, latest_question, start_check
from qwenlab.ui.jobs.sampled import Sampler
from qwenlab.ui.tabs.data import (
    COLUMNS,
    MOST,
    RULES,
    SOURCE,
    bundled_data,
    checked,
    cleared,
    controls_of,
    edited,
    renamed,
    settings,
    turned,
    uploaded,
    wished,
)
from qwenlab.ui.views.dataset import data_card, report_view
from qwenlab.ui.views.mapped import assigned, system_origin
from tests.ui.made import built
from tests.ui.test_stage import waited

TINY = read_recipe(RECIPE_FOLDER / "tiny.toml")
IN_ORDER = ["in order", 0]


def chosen(source: str, **columns: str) -> list[Any]:
    """What the controls hold for tiny.toml on this source."""
    return ["tiny", source, columns_text(columns), *(getattr(TINY.data, key) for key in RULES)]


@pytest.fixture(scope="module")
def sampler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sampler]:
    """It has imported all."""
    made = Sampler()
    first = tmp_path_factory.mktemp("sampler") / "tiny.json"
    made.ask(TINY, first)
    waited(first.exists)
    yield made
    made.close()


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
    assert settings(*controls_of(recipe)) == recipe


def test_a_bad_rule_is_told_in_the_recipe_s_words(tmp_path: Path, sampler: Sampler) -> None:
    held = chosen("tiny")
    held[3 + RULES.index("validation_split")] = 0.9
    with pytest.raises(UserError):
        settings(*held)
    assert "data.validation_split = 0.9" in edited(tmp_path, sampler, *held, *IN_ORDER)[0]
    assert turned(tmp_path, 1, *held, *IN_ORDER) == [0, "", ""]


def test_no_source_is_a_question(tmp_path: Path, sampler: Sampler) -> None:
    assert "Which data?" in checked(tmp_path, sampler, *chosen(""), *IN_ORDER)[0]


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


def test_columns_that_are_not_known_are_asked_for_and_then_all_is_there(
    tmp_path: Path, rows: Path, sampler: Sampler
) -> None:
    runs = tmp_path / "runs"
    held = chosen(str(rows))
    wrong, table, box, _, _, _, _, _, waiting, _, train = checked(runs, sampler, *held, *IN_ORDER)
    assert "Which column is the question, and which is the answer?" in table and wrong == ""
    assert 'data-column="q"' in table and "&lt;b&gt;0&lt;/b&gt; and some" in table and "<b>0</b>" not in table
    assert not box.visible and not waiting.active and not train.visible
    assert check_of(runs, settings(*held)).launch is None, "there is nothing to check yet"

    held[COLUMNS], _ = wished(runs, json.dumps({"column": "q", "role": "user"}), *held)
    edited(runs, sampler, *held, *IN_ORDER)
    waited(lambda: check_of(runs, settings(*held)).sample is not None)
    assert "Which column is the answer?" in edited(runs, sampler, *held, *IN_ORDER)[1]
    held[COLUMNS], _ = wished(runs, json.dumps({"column": "a", "role": "assistant"}), *held)
    assert settings(*held).data.columns == {"user": "q", "assistant": "a"}

    _, _, box, row, title, shown, _, _, waiting, _, _ = checked(runs, sampler, *held, *IN_ORDER)
    assert box.visible and '<span class="learned">the answer is 0' in row and "row 1 of rows.jsonl" in title
    assert "Checking all rows" in shown and waiting.active
    waited(lambda: not check_of(runs, settings(*held)).is_running)
    wrong, _, _, row, title, shown, bundled, command, waiting, check, train = edited(runs, sampler, *held, *IN_ORDER)
    assert wrong == "" and train.visible and check.variant == "secondary" and not bundled.visible
    assert f"python -m qwenlab.prepare {rows}" in command and "data.columns" in command
    assert "duplicate" in shown and "repeats row 1 of rows.jsonl" in shown
    assert "<b>0</b>" not in shown and "&lt;b&gt;0&lt;/b&gt;" in shown
    assert "1 of 20: row " in title and "from the chat template of tiny" in title

    latest = latest_question(runs)
    assert latest and latest == settings(*held), "another browser begins where this one is"
    place, _, title = turned(runs, -1, *held, *IN_ORDER)
    assert place == 19 and "20 of 20" in title
    _, row, title = turned(runs, 0, *held, "cut", 0)
    assert title == "" and "No row is cut off." in row
    assert "31 rows · " in data_card(runs, settings(*held)) and "for validation" in data_card(runs, settings(*held))


def test_another_check_ends_the_one_that_nobody_waits_for(tmp_path: Path, rows: Path) -> None:
    first, second = (settings(*chosen(str(rows), user="q", assistant=column)) for column in ("a", "q"))
    start_check(tmp_path, first, [str(rows)])
    start_check(tmp_path, second, [str(rows)])
    waited(lambda: not check_of(tmp_path, first).is_running)
    assert not check_of(tmp_path, first).is_done


MAPPING = {"user": ["q"], "assistant": ["a"]}


@pytest.mark.parametrize(
    ("mapping", "column", "role", "expected"),
    [
        (MAPPING, "a", "assistant", {}),
        (MAPPING, "a", "user", {"user": "a", "assistant": "q"}),
        (MAPPING, "x", "user", {"user": "x"}),
        (MAPPING, "q", "", {"user": ""}),
        (MAPPING, "x", "messages", {"messages": "x"}),
        (MAPPING | {"system": ["s"]}, "s", "", {"system": ""}),
        ({"user": ["instruction", "input"], "assistant": ["a"]}, "input", "", {"user": "instruction"}),
        ({"messages": ["m"]}, "q", "user", {"user": "q"}),
        ({"messages": ["m"]}, "m", "", {"messages": ""}),
        ({}, "q", "user", {"user": "q"}),
    ],
)
def test_a_column_is_given_a_role_and_nothing_goes_missing(
    mapping: dict[str, list[str]], column: str, role: str, expected: dict[str, str]
) -> None:
    assert assigned({}, mapping, column, role) == expected


def test_a_role_that_was_given_is_given_on() -> None:
    assert assigned({"user": "q", "assistant": "a"}, MAPPING, "a", "user") == {"user": "a", "assistant": "q"}
    assert assigned({"user": "q"}, {"user": ["q"]}, "q", "assistant") == {"user": "", "assistant": "q"}
    assert assigned({"messages": "m"}, {"messages": ["m"]}, "q", "user") == {"user": "q"}


def test_a_file_of_one_s_own_is_used_whole_and_its_columns_are_its_own(tmp_path: Path, rows: Path) -> None:
    view = uploaded(tmp_path, [str(rows)])
    assert view[SOURCE].endswith("rows.jsonl") and view[COLUMNS] == "" and view[MOST] == 0
    assert "Reading rows.jsonl" in view[-6]
    before = chosen("org/name", user="q")
    assert renamed(*before) == ["", 0]
    bundled = bundled_data(*before)
    assert bundled[SOURCE:MOST] == ["tiny", ""] and bundled[MOST] == TINY.data.max_samples > 0
    assert renamed(*chosen("tiny")) == ["", TINY.data.max_samples]


def test_a_file_that_is_taken_away_takes_all_along(tmp_path: Path, rows: Path) -> None:
    kept = uploaded(tmp_path, [str(rows)])[SOURCE]
    view = cleared(tmp_path, *chosen(kept, user="q"))
    assert view[SOURCE] == "" and view[COLUMNS] == "" and view[MOST + len(RULES) :][:2] == ["", ""]
    named_since = cleared(tmp_path, *chosen("org/name"))
    assert named_since[SOURCE] != "", "it is not the file that was taken away"


def report(**changes: Any) -> DatasetReport:
    values = {
        "source": "x", "files": ["x"], "sha256": "", "layout": "messages", "mapping": {}, "rows_found": 3,
        "rows_in": 3, "rows_kept": 3, "dropped": {}, "examples": {}, "changed": {"code_fences": 0},
        "characters": summary(pl.Series("n", [1, 2, 3])), "train_rows": 2, "validation_rows": 1, "notes": [],
        "leakage": Overlap(compared=1, exact=0, near=0, examples=[]),
    }  # fmt: skip
    return DatasetReport(**values | changes)


def test_the_funnel_begins_with_all_rows_and_says_which_are_not_used() -> None:
    few = report(rows_found=1000, rows_in=800, rows_kept=790, dropped={"empty": 0, "too_short": 10, "duplicate": 0})
    shown = report_view(few, DataSettings(max_samples=800))
    assert "<span>rows in the data</span><span>1,000</span>" in shown
    assert "<span>not used: max_samples = 800</span><span>200</span>" in shown and "data-use-all" in shown
    assert "2 rules dropped nothing" in shown and "79.0 %" in shown
    assert shown.count('class="track"') == 4, "no bar for a rule that dropped nothing"
    assert "data-use-all" not in report_view(report(), DataSettings())


def test_a_data_set_has_a_card(tmp_path: Path) -> None:
    assert data_card(tmp_path, Recipe()) == ""
    card = data_card(tmp_path, TINY)
    assert f"{TRAIN_ROWS:,} rows" in card and "800 rows used" in card and "1,200 rows not used" in card
    assert read_file(TRAIN_FILE).frame.height == TRAIN_ROWS


def test_where_a_system_message_comes_from_is_told() -> None:
    row = PreviewRow(file="x", row=1, why="in order", tokens=1, learned=1, pieces=[])
    preview = Preview(max_length=10, rows=[], template_system="You help.")
    assert system_origin(row, preview, "tiny", "").endswith("“You help.” is from the chat template of tiny.")
    assert system_origin(row, Preview(max_length=10, rows=[]), "tiny", "") == ""
    own = row.model_copy(update={"system": "Be brief."})
    assert (
        system_origin(own, preview, "tiny", "Be brief.") == "The system message is the one of the rules, system_prompt."
    )
    assert system_origin(own, preview, "tiny", "") == "The system message is the row's own."


def test_a_changed_file_is_checked_anew(tmp_path: Path, rows: Path) -> None:
    held = settings(*chosen(str(rows)))
    before = check_of(tmp_path, held).folder
    rows.write_text(rows.read_text() + "\n")
    assert check_of(tmp_path, held).folder != before


def test_leaks_are_shown_with_their_rows() -> None:
    leaky = report(
        notes=["<note>"],
        leakage=Overlap(compared=1, exact=1, near=0, examples=[
            OverlapExample(kind="exact", train=Row(file="x", row=2), other=Row(file="x", row=3), text="<b>leak</b>")
        ]),
    )  # fmt: skip
    shown = report_view(leaky, DataSettings())
    assert "row 2 of x and row 3 of x: the same" in shown and "&lt;b&gt;leak" in shown and "&lt;note&gt;" in shown
    assert "1 word for word also in training" in shown


def test_nothing_chosen_says_what_will_stand_there(tmp_path: Path, sampler: Sampler) -> None:
    view = edited(tmp_path, sampler, *chosen(""), *IN_ORDER)
    assert "Drop a file on the left" in view[5] and view[6].visible and not view[-1].visible
