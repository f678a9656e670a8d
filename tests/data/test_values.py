"""Values that are texts though they are not strings, and those that are none: trained on, or dropped by name."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwenlab.data import json_rows, strict_json
from qwenlab.data.clean import clean
from qwenlab.data.conversations import conversations
from qwenlab.data.files import Table, read_file
from qwenlab.data.report import Example, Rule
from qwenlab.recipe import DataSettings
from tests.data.made import ANSWER, QUESTION, table, write_jsonl

ALL = DataSettings(min_chars=0)
PARTS = [{"type": "text", "text": "How "}, {"type": "text", "text": "many?"}]
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def answers(read: Table) -> list[str | None]:
    """The last turns of the rows that no rule drops."""
    rows = clean(conversations([read], {})[0], ALL).rows
    return [turns[-1]["content"] for turns in rows["messages"]]


def dropped(read: Table) -> tuple[dict[Rule, int], list[Example]]:
    result = clean(conversations([read], {})[0], ALL)
    return {rule: count for rule, count in result.dropped.items() if count}, result.examples["not_text"]


def written(folder: Path, *rows: dict[str, Any]) -> Table:
    return read_file(write_jsonl(folder / "a.jsonl", rows))


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([4, 5], ["4", "5"]),
        ([4, 4.5], ["4", "4.5"]),
        ([0.1, 0.25], ["0.1", "0.25"]),
        ([True, False], ["true", "false"]),
        ([True, 4], ["true", "4"]),
        ([4, "x"], ["4", "x"]),
        ([10**29, 1], ["1" + "0" * 29, "1"]),
        ([-7.0, 2.0], ["-7", "2"]),
    ],
)
def test_numbers_and_truth_values_are_texts_everywhere(tmp_path: Path, values: list[Any], texts: list[str]) -> None:
    flat = [{"question": f"{number}?", "answer": value} for number, value in enumerate(values)]
    assert answers(written(tmp_path, *flat)) == texts
    turns = [
        {"messages": [{"role": "user", "content": f"{number}?"}, {"role": "assistant", "content": value}]}
        for number, value in enumerate(values)
    ]
    assert answers(written(tmp_path, *turns)) == texts


def test_numbers_are_the_same_whatever_block_they_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"question": f"{number}?", "answer": value} for number, value in enumerate([True, 1, "x", 2.0, 2.5, None])]
    whole = answers(written(tmp_path, *rows))
    monkeypatch.setattr(json_rows, "BLOCK", 10)
    assert answers(written(tmp_path, *rows)) == whole == ["true", "1", "x", "2", "2.5"]


@pytest.mark.parametrize("others", [[], [{"role": "user", "content": "Who?"}]])
def test_parts_of_type_text_are_joined(tmp_path: Path, others: list[dict[str, str]]) -> None:
    rows = [{"messages": [{"role": "user", "content": PARTS}, {"role": "assistant", "content": "Two."}, *others]}]
    read = written(tmp_path, *rows, {"messages": [*others, {"role": "user", "content": PARTS[:1]}]})
    assert conversations([read], {})[0]["messages"][0][0]["content"] == "How many?"


def test_parts_in_a_column_are_joined(tmp_path: Path) -> None:
    rows = [
        {"question": "Who?", "answer": PARTS},
        {"question": "What?", "answer": [{"text": "x", "type": "output_text"}]},
    ]
    assert answers(written(tmp_path, *rows)) == ["How many?", "x"]
    assert answers(written(tmp_path, *rows, {"question": "?", "answer": "plain"})) == ["How many?", "x", "plain"]


def test_a_part_that_thinks_is_reasoning(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "One and one."}, {"type": "text", "text": "Two."}]
    read = written(tmp_path, {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": parts}]})
    answer = conversations([read], {})[0]["messages"][0][1]
    assert (answer["reasoning_content"], answer["content"]) == ("One and one.", "Two.")


@pytest.mark.parametrize(
    "value",
    [
        ["Kim has four.", "Or more shortly: four."],
        {"value": 4},
        [PARTS[0], PICTURE],
        [],
        {},
        [["nested"]],
    ],
)
def test_what_is_no_text_drops_its_row_with_that_reason(tmp_path: Path, value: Any) -> None:
    rows = [{"question": "Who?", "answer": "She."}, {"question": "What?", "answer": value}]
    read = written(tmp_path, *rows)
    counts, [example] = dropped(read)
    assert (counts, answers(read)) == ({"not_text": 1}, ["She."])
    assert example.row == 2 and json.dumps(value)[:20] in example.text
    turns = [
        {"messages": [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]}
        for row in rows
    ]
    read = written(tmp_path, *turns)
    assert (dropped(read)[0], answers(read)) == ({"not_text": 1}, ["She."])


def test_pictures_in_a_parquet_file_drop_their_rows(tmp_path: Path) -> None:
    rows = [
        [{"type": "text", "text": "a", "image": None}],
        [{"type": "text", "text": "b", "image": None}, {"type": "image", "text": None, "image": "x.png"}],
    ]
    turns = [[{"role": "user", "content": parts}, {"role": "assistant", "content": PARTS[:1]}] for parts in rows]
    pl.DataFrame({"messages": turns}, strict=False).write_parquet(tmp_path / "a.parquet")
    read = read_file(tmp_path / "a.parquet")
    assert (dropped(read)[0], answers(read)) == ({"not_text": 1}, ["How "])


def test_a_text_that_looks_like_json_is_a_text_and_read_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(strict_json, "read")
    text = '[{"type": "text", "text": "say: \\"answer\\": [1]"}]'
    assert answers(written(tmp_path, {"question": "Which?", "answer": text})) == [text]
    turns = [{"role": "user", "content": '{"content": ["x"]}'}, {"role": "assistant", "content": text}]
    assert answers(
        written(tmp_path, {"messages": turns, "tags": ["a"], "meta": {}}, {"messages": turns, "meta": None})
    ) == [text]


@pytest.mark.parametrize("last", ["", '{"question": "x"}\n'])
@pytest.mark.parametrize("keys", [("answer", "answer"), ("answer", "\\u0061nswer")])
def test_of_two_equal_keys_the_last_wins_on_every_path(tmp_path: Path, keys: tuple[str, str], last: str) -> None:
    row = f'{{"question": "Who?", "{keys[0]}": "old", "{keys[1]}": "new"}}'
    path = tmp_path / "a.jsonl"
    path.write_text(f"{row}\n{last}")
    assert answers(read_file(path)) == ["new"]
    path = tmp_path / "a.json"
    path.write_text(f"[{row}]")
    assert answers(read_file(path)) == ["new"]


def test_of_two_equal_keys_in_a_turn_the_last_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    turns = '{"role": "user", "content": "?", "name": null}, {"role": "assistant", "content": "old", "content": "new"}'
    path.write_text(f'{{"messages": [{turns}], "id": null}}\n' * 2)
    assert answers(read_file(path)) == ["new"]


def test_a_text_in_one_block_and_a_list_in_another_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "BLOCK", 10)
    rows: list[dict[str, Any]] = [{"question": "?", "answer": "She."}, {"question": "!", "answer": ["x", "y"]}]
    assert dropped(written(tmp_path, *rows))[0] == {"not_text": 1}


@pytest.mark.parametrize("write", [json.dumps, repr])
def test_turns_that_are_written_as_text_are_read(write: Any) -> None:
    turns = [{"role": "user", "content": "It's?"}, {"role": "assistant", "content": 'It\'s "x".'}]
    rows = [{"messages": write(turns)}, {"messages": None}, {"messages": "[broken"}, {"messages": "no list"}]
    read = table(rows)
    assert answers(read) == ['It\'s "x".']
    assert dropped(read)[0] == {"not_text": 2, "empty": 1}
    assert answers(table([{"history": write([["a", "b"]]), "question": "q", "answer": "c"}])) == ["c"]


def test_turns_of_which_some_are_written_as_text_are_all_read(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    read = written(tmp_path, {"messages": json.dumps(turns)}, {"messages": [turns[0], turns[1] | {"content": "Ha."}]})
    assert answers(read) == [ANSWER, "Ha."]


CONTENT_RULES = "<….\ufffdÃÂâðï"
"""Characters of what other rules look for: thoughts, fragments, broken encodings."""
plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTENT_RULES), max_size=8)
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(values, min_size=1, max_size=5), st.sampled_from([10, 2**22]))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_nothing_but_texts_is_ever_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: list[Any], block: int
) -> None:
    monkeypatch.setattr(json_rows, "BLOCK", block)
    rows = [{"question": f"{number}?", "answer": value} for number, value in enumerate([*drawn, "x"])]
    expected = []
    for value in [*drawn, "x"]:
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, str | int) and text.strip() and "\x1b" not in text and text.isprintable():
            expected.append(text)
    read = written(tmp_path, *rows)
    assert [text for text in answers(read) if text and text.isprintable()] == expected
