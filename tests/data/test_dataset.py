import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from qwenlab.data import read as reading
from qwenlab.data.dataset import load
from qwenlab.data.report import SHAPE_RULES, DatasetReport
from qwenlab.data.turns import MESSAGES
from qwenlab.errors import UserError
from qwenlab.hub import UnavailableError
from qwenlab.recipe import DataSettings, Recipe
from tests.data.made import ANSWER, QUESTION, SHARED_DATA, many, write_jsonl

real = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data stands beside a checkout only")


def settings(source: Path, **changes: object) -> DataSettings:
    return DataSettings.model_validate({"source": str(source), **changes})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A hundred good rows, a duplicate of the first, a short one, and one with an unclosed fence."""
    rows = many(100)
    fence = {"question": QUESTION, "answer": f"{ANSWER}\n```py\nprint(72)"}
    return write_jsonl(tmp_path / "rows.jsonl", [*rows, rows[0], {"question": QUESTION, "answer": "72"}, fence])


def test_the_story_from_file_to_both_parts(source: Path) -> None:
    train, validation, report = load(settings(source), seed=42)
    assert (
        train.schema
        == validation.schema
        == {
            "file": pl.String,
            "row": pl.UInt32,
            "messages": MESSAGES,
        }
    )
    assert sorted([*train["row"], *validation["row"]]) == [*range(1, 101), 103]
    assert report == DatasetReport(
        source=str(source),
        files=["rows.jsonl"],
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        columns=["question", "answer"],
        layout="question_answer",
        mapping={"user": "question", "assistant": "answer"},
        rows_found=103,
        rows_in=103,
        rows_kept=101,
        dropped={
            **dict.fromkeys(SHAPE_RULES, 0),
            "empty": 0,
            "too_short": 1,
            "too_long": 0,
            "duplicate": 1,
            "encoding": 0,
            "control_tokens": 0,
            "incomplete": 0,
            "conversation": 0,
        },
        examples=report.examples,
        reasoning_rows=0,
        changed={"code_fences": 1, "unanswered_turns": 0},
        characters=report.characters,
        train_rows=96,
        validation_rows=5,
        leakage=report.leakage,
        notes=[],
    )
    assert {rule: len(examples) for rule, examples in report.examples.items() if examples} == {
        "too_short": 1,
        "duplicate": 1,
    }
    assert report.characters.max == len(QUESTION) + len(ANSWER) + len("\n```python\nprint(72)\n```")
    assert DatasetReport.model_validate_json(report.model_dump_json()) == report


def test_reasoning_and_what_is_not_learned_reach_the_parts_and_the_report(tmp_path: Path) -> None:
    rows: list[dict[str, str | None]] = [
        {**row, "thinking": "Let me think of it." if number % 2 else None, "tools": "[x]"}
        for number, row in enumerate(many(6))
    ]
    dataset = load(settings(write_jsonl(tmp_path / "a.jsonl", rows), validation_split=0.5), seed=1)
    thoughts = [turns[1]["reasoning_content"] for turns in dataset.rows.sort("row")["messages"]]
    assert thoughts == [None, "Let me think of it."] * 3
    assert dataset.report.reasoning_rows == 3
    assert dataset.report.notes == ["The column tools is not read; 6 rows have it."]
    assert dataset.report.characters.max == len(QUESTION) + len(ANSWER) + len("0. 0. Let me think of it.")
    turns = [
        {"role": "user", "content": QUESTION},
        *({"role": "assistant", "content": ANSWER, "weight": weight} for weight in (0, 1)),
    ]
    dataset = load(settings(write_jsonl(tmp_path / "b.jsonl", [{"messages": turns}] * 2)), seed=1)
    assert [turn["learned"] for turn in dataset.train["messages"][0]] == [None, False, None]
    assert dataset.report.notes[0].startswith("1 turns of assistants are not learned")


@pytest.mark.parametrize(
    ("row", "rule", "hint"),
    [
        (
            {
                "messages": [
                    {"role": "user", "content": QUESTION},
                    {"role": "tool", "content": "4"},
                    {"role": "assistant", "content": ANSWER},
                ]
            },
            "tool_calls",
            "Leave the calls out",
        ),
        ({"prompt": QUESTION, "completion": ANSWER, "label": False}, "unwanted", "marked as unwanted"),
        (
            {"messages": [{"role": "user", "content": QUESTION}, {"role": "bing", "content": ANSWER}]},
            "unknown_role",
            "human and gpt",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": QUESTION},
                    {"role": "assistant", "content": ANSWER, "train": False},
                ]
            },
            "not_learned",
            "weight, train, loss",
        ),
    ],
)
def test_when_no_row_is_left_the_reason_is_told(tmp_path: Path, row: dict[str, object], rule: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        load(settings(write_jsonl(tmp_path / "a.jsonl", [row])), seed=1)
    assert f"The rule '{rule}' took 1 of 1" in caught.value.message and hint in caught.value.hint


def test_document_defaults_are_the_recipe_s() -> None:
    data, train = Recipe().data, Recipe().train
    assert data.source == "microsoft/orca-math-word-problems-200k"
    assert (data.min_chars, data.max_chars, data.validation_split, train.seed) == (50, 4096, 0.05, 42)


def test_the_same_seed_gives_the_same_data(source: Path) -> None:
    one, same, other = (load(settings(source), seed) for seed in (1, 1, 2))
    assert one.train.equals(same.train) and one.validation.equals(same.validation) and one.report == same.report
    assert not one.validation.equals(other.validation)


def test_no_validation_where_none_is_wanted(source: Path) -> None:
    dataset = load(settings(source, validation_split=0), seed=1)
    assert dataset.validation.is_empty() and dataset.report.validation_rows == 0
    assert dataset.report.leakage.compared == 0


def test_a_sample_is_drawn_before_the_cleaning(source: Path) -> None:
    report = load(settings(source, max_samples=60), seed=7).report
    assert (report.rows_found, report.rows_in) == (103, 60)
    assert report.rows_kept + sum(report.dropped.values()) == 60
    assert report.notes == ["60 of 103 rows were drawn by the seed 7."]


def test_a_system_prompt_goes_before_conversations_that_have_none(tmp_path: Path) -> None:
    rows = [{**row, "system": "own" if number % 2 else None} for number, row in enumerate(many(4))]
    source = write_jsonl(tmp_path / "a.jsonl", rows)
    dataset = load(settings(source, system_prompt="Be brief.", validation_split=0.5), seed=1)
    messages = dataset.rows.sort("row")["messages"].to_list()
    assert [turns[0]["content"] for turns in messages] == ["Be brief.", "own", "Be brief.", "own"]
    assert [len(turns) for turns in messages] == [3, 3, 3, 3]
    assert dataset.report.characters.max < len(QUESTION) + len(ANSWER) + len("0. 0. own") + 1


def test_leakage_from_validation_into_training_is_told(tmp_path: Path) -> None:
    rows = [{"question": f"{QUESTION} {number // 2}", "answer": f"{ANSWER} {number}"} for number in range(40)]
    dataset = load(settings(write_jsonl(tmp_path / "a.jsonl", rows)), seed=3)
    assert (dataset.report.leakage.compared, dataset.report.leakage.exact) == (2, 2)
    example = dataset.report.leakage.examples[0]
    assert example.other.row in dataset.validation["row"] and example.train.row in dataset.train["row"]
    assert abs(example.other.row - example.train.row) == 1


@pytest.mark.parametrize(
    ("row", "changes", "message", "hint"),
    [
        ({"question": QUESTION, "answer": "72"}, {}, "'too_short' took 9 of 9", "Lower data.min_chars, now 50"),
        (
            {"question": QUESTION, "answer": ANSWER},
            {"max_chars": 60},
            "'too_long' took 9 of 9",
            "data.max_chars, now 60",
        ),
        ({"question": QUESTION, "answer": None}, {}, "'empty' took 9 of 9", "--columns"),
        (
            {"question": QUESTION, "answer": f"{ANSWER} cafÃ©"},
            {},
            "'encoding' took 9 of 9",
            "The rule is not a setting",
        ),
    ],
)
def test_when_no_row_is_left_the_greediest_rule_is_told(
    tmp_path: Path, row: dict[str, str], changes: dict[str, int], message: str, hint: str
) -> None:
    rows = [row | {"question": f"{number} {row['question']}"} for number in range(9)]
    with pytest.raises(UserError, match=r"No row of .* is left after cleaning") as caught:
        load(settings(write_jsonl(tmp_path / "a.jsonl", rows), **changes), seed=1)
    assert message in caught.value.message
    assert "the first is row 1 of a.jsonl" in caught.value.message
    assert hint in caught.value.hint


def test_rows_from_no_file_are_known_by_the_hash_of_their_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]}]
    monkeypatch.setattr(reading, "read_hub", lambda source, notes: pl.DataFrame(rows))
    lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    report = load(DataSettings(source="org/name"), seed=1).report
    assert report.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert (report.source, report.files) == ("org/name", ["org/name"])


def test_a_fallback_that_was_taken_is_noted(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_hub(name: str, notes: list[str]) -> pl.DataFrame:
        raise UnavailableError(f"The hub has no data set {name}.")

    monkeypatch.setattr(reading, "read_hub", read_hub)
    report = load(DataSettings(source="org/name", fallback=(str(source),)), seed=1).report
    assert report.source == str(source)
    assert report.notes == ["The hub has no data set org/name.", f"{source} was used instead of org/name."]


@real
def test_real_word_problems() -> None:
    report = load(settings(SHARED_DATA / "gsm8k_train.jsonl"), seed=42).report
    assert (report.rows_in, report.rows_kept, report.dropped["too_short"]) == (7473, 7472, 1)
    assert (report.train_rows, report.validation_rows) == (7098, 374)
    assert report.sha256 == "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465"
    assert (report.leakage.exact, report.leakage.near) == (0, 4)


@real
def test_real_programs() -> None:
    columns = {"user": "description", "assistant": "reference_solution_python3"}
    train, _, report = load(settings(SHARED_DATA / "codecontests_solved.jsonl", columns=columns), seed=42)
    assert report.rows_in == 150
    assert report.rows_kept == 150 - sum(report.dropped.values())
    assert train["messages"][0][1]["content"]
