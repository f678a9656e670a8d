"""The verb, as a user runs it."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from qwenlab.data import load
from qwenlab.data.report import DatasetReport
from qwenlab.errors import UserError
from qwenlab.prepare import main
from qwenlab.recipe import DataSettings
from tests.conftest import Verb
from tests.data.made import ANSWER, QUESTION, SHARED_DATA, many, write_jsonl

REAL = SHARED_DATA / "gsm8k_train.jsonl"


def run(*arguments: object) -> str:
    """Call the verb in this process; what it printed."""
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(
        app, [str(argument) for argument in arguments], catch_exceptions=True, env={"COLUMNS": "100"}
    )
    if result.exception:
        raise result.exception
    return result.output


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "rows.jsonl", [*many(20), many(1)[0]])


def test_it_prints_the_funnel(source: Path) -> None:
    output = run(source)
    assert "rows in" in output and "duplicate" in output and "4.8 %" in output
    assert "19 rows to train on, 1 for validation" in output


@pytest.mark.parametrize("name", ["clean.parquet", "new/clean.jsonl"])
def test_out_is_the_clean_rows_and_can_be_prepared_again(source: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    run(source, "--out", out)
    written = pl.read_parquet(out) if out.suffix == ".parquet" else pl.read_ndjson(out)
    assert written.columns == ["messages", "split"]
    assert written["split"].to_list() == ["train"] * 19 + ["validation"]
    expected = {row["question"] for row in many(20)}
    assert {messages[0]["content"] for messages in written["messages"]} == expected
    assert [path.name for path in out.parent.iterdir() if path != source] in ([out.name], [out.name, "new"])
    assert re.search(r"turns from messages\n(.*\n)+kept +20 ", run(out))


@pytest.mark.parametrize("name", ["clean.parquet", "clean.jsonl"])
@pytest.mark.parametrize(
    "extra", [{}, {"reasoning_content": "Let me see."}, {"weight": 0}, {"thinking": "</think>?", "train": False}]
)
def test_out_holds_the_fields_that_are_used_and_reads_back_the_same(
    tmp_path: Path, name: str, extra: dict[str, object]
) -> None:
    user, answer = {"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}
    source = write_jsonl(
        tmp_path / "rows.jsonl", [{"messages": [user, answer | extra, user, answer]}, {"messages": [user, answer]}]
    )
    out = tmp_path / name
    run(source, "--out", out, "--set", "data.validation_split=0")
    written = pl.read_parquet(out) if out.suffix == ".parquet" else pl.read_ndjson(out)
    used = {
        "reasoning_content": "reasoning_content",
        "thinking": "reasoning_content",
        "weight": "learned",
        "train": "learned",
    }
    assert set(written["messages"][0][0]) == {"role", "content", *(used[field] for field in extra)}
    first, again = (load(DataSettings(source=str(path), validation_split=0), 1) for path in (source, out))
    assert first.train["messages"].to_list() == again.train["messages"].to_list()
    assert (
        first.report.reasoning_rows == again.report.reasoning_rows == ("reasoning_content" in {used[f] for f in extra})
    )


def test_report_is_the_whole_report(source: Path, tmp_path: Path) -> None:
    run(source, "--report", tmp_path / "new" / "report.json", "--set", "train.seed=7", "--set", "data.max_samples=10")
    report = DatasetReport.model_validate_json((tmp_path / "new" / "report.json").read_text())
    assert (report.source, report.rows_found, report.rows_in) == (str(source), 21, 10)
    assert report.notes[0] == "10 of 21 rows were drawn by the seed 7."


def test_against_looks_for_problems_in_the_kept_rows(source: Path, tmp_path: Path) -> None:
    problems = write_jsonl(
        tmp_path / "problems.jsonl", [{"name": "x", "description": f"3. {QUESTION}"}, {"name": "y", "description": "z"}]
    )
    output = run(source, "--against", problems, "--report", tmp_path / "report.json")
    assert "of 2 problems, 1 word for word also in the kept rows" in output
    against = json.loads((tmp_path / "report.json").read_text())["against"]
    assert (against["compared"], against["exact"], against["near"]) == (2, 1, 0)


def test_columns_override_the_detection(tmp_path: Path) -> None:
    rows = [{"body": f"{number} {QUESTION}", "reply": f"{number} {ANSWER}"} for number in range(3)]
    source = write_jsonl(tmp_path / "rows.jsonl", rows)
    with pytest.raises(UserError, match="no column is known by its name"):
        run(source)
    assert "user from body, assistant from reply" in run(source, "--columns", "user=body,assistant=reply")
    assert "user from body, assistant from reply" in run(
        source, "--columns", "user=body", "--columns", "assistant=reply"
    )


def test_names_of_columns_may_hold_commas_and_stand_between_spaces(tmp_path: Path) -> None:
    rows = [
        {" what, exactly ": f"{number} {QUESTION}", "a=b": f"{number} {ANSWER}", "why": "For fun, of course."}
        for number in range(3)
    ]
    source = write_jsonl(tmp_path / "rows.jsonl", rows)
    output = run(source, "--columns", "user=what, exactly, assistant = a=b,reasoning=why")
    assert "user from what, exactly, reasoning from why, assistant from a=b" in output
    assert re.search(r"reasoning +in 3 of 3 rows", output)


def test_a_recipe_s_data_settings_are_used_and_the_source_comes_before_its_own(source: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\nsource = "org/never"\nmin_chars = 73\n')
    with pytest.raises(UserError, match="'too_short' took 21 of 21"):
        run(source, "--recipe", recipe)
    assert "rows in" in run(source, "--recipe", recipe, "--set", "data.min_chars=0")
    recipe.write_text(f'[data]\nsource = "{source}"\n')
    assert "rows in" in run("--recipe", recipe)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "clean.txt"], "this is neither .parquet nor .jsonl"),
        (["--columns", "user"], "--columns user: this is not ROLE=COLUMN"),
        (["--columns", "human=question"], "--columns human=question: this is not ROLE=COLUMN"),
        (["--set", "data.min_char=1"], "did you mean data.min_chars"),
        (["--recipe", "missing.toml"], "There is no recipe at missing.toml"),
        (["--against", "missing.jsonl"], "There is no file missing.jsonl"),
    ],
)
def test_a_wrong_option_is_a_sentence(source: Path, arguments: Sequence[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(source, *arguments)


@pytest.mark.parametrize(
    "arguments", [["--out", "rows.jsonl/new.parquet"], ["--report", "rows.jsonl/new.json"], ["--report", "."]]
)
def test_a_place_that_cannot_be_written_is_a_sentence(
    source: Path, arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    with pytest.raises(UserError, match="cannot be written"):
        run(source, *arguments)


def test_a_fault_ends_with_2_and_without_a_traceback(verb: Verb) -> None:
    result = verb("prepare", "nowhere.jsonl")
    assert result.returncode == 2
    assert "There is no file nowhere.jsonl." in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize(("option", "code"), [("--help", 0), ("--nope", 2)])
def test_help_and_a_bad_option_answer_at_once(verb: Verb, option: str, code: int) -> None:
    before = os.times()
    assert verb("prepare", option).returncode == code
    after = os.times()
    # Of the processor, not of the clock: other processes may be at work.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.6


@pytest.mark.skipif(not REAL.is_file(), reason="the real data stands beside a checkout only")
def test_real_data_is_prepared(verb: Verb, tmp_path: Path) -> None:
    result = verb("prepare", REAL, "--against", SHARED_DATA / "codecontests_test.jsonl", "--out", "clean.parquet")
    assert result.returncode == 0, result.stderr
    assert "7,472" in result.stdout and "none of 165 problems is in the kept rows" in result.stdout
    assert pl.read_parquet(tmp_path / "clean.parquet").height == 7472


def test_preview_is_rows_as_the_model_sees_them(source: Path, tmp_path: Path) -> None:
    run(source, "--set", "model.name=tiny", "--preview", tmp_path / "preview.json")
    rows = json.loads((tmp_path / "preview.json").read_text())["rows"]
    assert rows[0]["why"] == "in order" and {kind for _, kind in rows[0]["pieces"]} == {"context", "learned"}
