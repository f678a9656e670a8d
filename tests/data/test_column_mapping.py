import re
import shlex
import tomllib
from typing import Any

import polars as pl
import pytest

from qwenlab.data.column_mapping import recognise
from qwenlab.data.files import Table, read_file
from qwenlab.errors import UserError
from qwenlab.prepare import PARTS
from qwenlab.prepare import _column as column_of
from tests.data.made import SHARED_DATA, table

TURN = [{"role": "user", "content": "a"}]
SAID = [{"from": "human", "value": "a"}]


@pytest.mark.parametrize(
    ("row", "layout", "mapping"),
    [
        ({"messages": TURN}, "messages", {"messages": "messages"}),
        ({"conversations": SAID}, "sharegpt", {"messages": "conversations"}),
        ({"conversations": TURN}, "messages", {"messages": "conversations"}),
        ({"system": "s", "conversations": SAID}, "sharegpt", {"system": "system", "messages": "conversations"}),
        ({"messages": TURN, "question": "q", "answer": "a"}, "messages", {"messages": "messages"}),
        (
            {"instruction": "i", "input": "x", "output": "o"},
            "alpaca",
            {"user": "instruction + input", "assistant": "output"},
        ),
        ({"instruction": "i", "output": "o"}, "alpaca", {"user": "instruction", "assistant": "output"}),
        (
            {"instruction": "i", "context": "x", "response": "o", "category": "c"},
            "alpaca",
            {"user": "instruction + context", "assistant": "response"},
        ),
        (
            {"prompt": "ready-made", "instruction": "i", "input": "x", "output": "o"},
            "alpaca",
            {"user": "instruction + input", "assistant": "output"},
        ),
        ({"prompt": "p", "completion": "c"}, "prompt_completion", {"user": "prompt", "assistant": "completion"}),
        ({"prompt": TURN, "completion": TURN}, "prompt_completion", {"user": "prompt", "assistant": "completion"}),
        ({"prompt": "p", "response": "c"}, "question_answer", {"user": "prompt", "assistant": "response"}),
        ({"question": "q", "answer": "a"}, "question_answer", {"user": "question", "assistant": "answer"}),
        ({"Question": "q", "ANSWER": "a"}, "question_answer", {"user": "Question", "assistant": "ANSWER"}),
        (
            {"problem": "p", "solution": "s", "answer": "4"},
            "question_answer",
            {"user": "problem", "assistant": "solution"},
        ),
        (
            {"problem": "p", "answer": 4, "rationale": "r"},
            "question_answer",
            {"user": "problem", "assistant": "rationale"},
        ),
        ({"query": "q", "response": "r"}, "question_answer", {"user": "query", "assistant": "response"}),
        ({"input": "q", "generation": "r"}, "question_answer", {"user": "input", "assistant": "generation"}),
        (
            {"system_prompt": "s", "question": "q", "response": "r"},
            "question_answer",
            {"system": "system_prompt", "user": "question", "assistant": "response"},
        ),
        ({"question": "q", "answer": 4}, "question_answer", {"user": "question", "assistant": "answer"}),
        (
            {"question": "q", "solution": 4, "answer": "It is 4."},
            "question_answer",
            {"user": "question", "assistant": "answer"},
        ),
        (
            {"problem": "p", "solution": "s", "generations": ["a", "b"]},
            "question_answer",
            {"user": "problem", "assistant": "generations"},
        ),
        (
            {"Question": "q", "Complex_CoT": "one and one", "Response": "two"},
            "question_answer",
            {"user": "Question", "reasoning": "Complex_CoT", "assistant": "Response"},
        ),
        (
            {"instruction": "i", "input": "x", "output": "o", "history": [["q", "a"]]},
            "alpaca",
            {"history": "history", "user": "instruction + input", "assistant": "output"},
        ),
        (
            {"prompt": "p", "completion": "c", "label": True},
            "prompt_completion",
            {"user": "prompt", "assistant": "completion", "wanted": "label"},
        ),
        ({"system": 5, "question": "q", "answer": "a"}, "question_answer", {"user": "question", "assistant": "answer"}),
    ],
)
def test_layouts_are_recognised(row: dict[str, Any], layout: str, mapping: dict[str, str]) -> None:
    recognised = recognise(table([row]), {})
    assert (recognised.layout, recognised.shown()) == (layout, mapping)


@pytest.mark.parametrize(
    ("override", "layout", "mapping"),
    [
        ({"user": "body", "assistant": "reply"}, "question_answer", {"user": "body", "assistant": "reply"}),
        ({"assistant": "reply"}, "alpaca", {"user": "instruction + input", "assistant": "reply"}),
        ({"user": "instruction"}, "alpaca", {"user": "instruction", "assistant": "output"}),
        ({"messages": "talk"}, "messages", {"messages": "talk"}),
        ({"messages": " talk "}, "messages", {"messages": "talk"}),
        (
            {"user": "body", "assistant": "reply", "reasoning": "input"},
            "question_answer",
            {"user": "body", "reasoning": "input", "assistant": "reply"},
        ),
        (
            {"system": "body", "user": "input"},
            "question_answer",
            {"system": "body", "user": "input", "assistant": "output"},
        ),
    ],
)
def test_the_user_s_word_comes_before_the_detection(
    override: dict[str, str], layout: str, mapping: dict[str, str]
) -> None:
    row = {"body": "b", "reply": "r", "instruction": "i", "input": "x", "output": "o", "talk": TURN}
    recognised = recognise(table([row]), override)
    assert (recognised.layout, recognised.shown()) == (layout, mapping)


def test_a_missing_column_is_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"made.jsonl has no column 'quest' for user") as caught:
        recognise(table([{"question": "q", "answer": "a"}]), {"user": "quest"})
    assert caught.value.hint == "Its columns: question (String), answer (String)."


def test_turns_and_texts_are_not_both_named() -> None:
    with pytest.raises(UserError, match="from `messages`, or from `user` and `assistant`, not from both"):
        recognise(table([{"talk": TURN, "question": "q"}]), {"messages": "talk", "user": "question"})


def test_nothing_recognised_is_told_with_the_line_to_write() -> None:
    with pytest.raises(
        UserError, match="no column is known by its name to be the text of the user or the assistant"
    ) as e:
        recognise(table([{"id": "1", "body": "a text", "reply": "a longer text", "score": 1.5}]), {})
    assert "Its columns: id (String), body (String), reply (String), score (Float64)." in e.value.hint
    assert "--columns user=COLUMN,assistant=reply" in e.value.hint
    assert 'columns = {user = "COLUMN", assistant = "reply"}' in e.value.hint


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (
            {"prompt": "p", "chosen": "c", "rejected": "a much longer text, but a bad one"},
            {"user": "prompt", "assistant": "chosen"},
        ),
        ({"input": "p", "rejected": "r", "chosen_response": "c"}, {"user": "input", "assistant": "chosen_response"}),
        ({"chosen": TURN, "rejected": TURN, "prompt": "p"}, {"messages": "chosen"}),
        ({"rejected": TURN, "accepted": TURN}, {"messages": "accepted"}),
        ({"prompt": "p", "rejected": TURN}, {"user": "prompt", "assistant": "COLUMN"}),
        ({"url": "https://example.org/question", "method": "GET"}, {"user": "COLUMN", "assistant": "COLUMN"}),
        ({"question": "q", "context": "a long text"}, {"user": "question", "assistant": "COLUMN"}),
        ({"question": "q", "answer_id": "17", "answerType": "number"}, {"user": "question", "assistant": "COLUMN"}),
        ({"taskPrompt": "p", "modelReply": "r", "finalReply": "f"}, {"user": "taskPrompt", "assistant": "finalReply"}),
        ({"version": "https://git-lfs.github.com/spec/v1"}, {"user": "COLUMN", "assistant": "COLUMN"}),
        (
            {"the question, in short": "q", 'a "good" answer': "a"},
            {"user": "the question, in short", "assistant": 'a "good" answer'},
        ),
        (
            {"it's a question\\": "q", "answer $HOME `x`": "a"},
            {"user": "it's a question\\", "assistant": "answer $HOME `x`"},
        ),
    ],
)
def test_the_line_to_copy_works_and_names_no_column_that_does_harm(
    row: dict[str, Any], columns: dict[str, str]
) -> None:
    with pytest.raises(UserError, match="no column is known by its name") as caught:
        recognise(table([row]), {})
    option, setting = re.findall(r"--columns (.*)|columns = (.*)", caught.value.hint)
    [written] = shlex.split(option[0])
    assert dict(column_of(part) for part in PARTS.split(written)) == columns
    assert tomllib.loads(f"columns = {setting[1]}")["columns"] == columns
    if "COLUMN" not in columns.values():
        assert recognise(table([row]), columns).shown() == columns


def test_a_turn_a_row_is_told_as_what_it_is() -> None:
    with pytest.raises(UserError) as caught:
        recognise(table([{"conversation_id": 0, "role": "user", "content": "a text"}]), {})
    assert "A row here is a single turn" in caught.value.hint and "--columns" not in caught.value.hint


def test_a_parquet_of_floats_is_told_with_its_columns() -> None:
    with pytest.raises(UserError) as caught:
        recognise(table([{"f0": 1.5, "f1": 2.5}], "a.parquet"), {})
    assert "f0 (Float64), f1 (Float64)" in caught.value.hint


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"question": "q", "answer": {"value": 4}}],
            r"row 1: the column 'answer' must hold text for assistant, and here is Struct.*: {'value': 4}",
        ),
        (
            [{"messages": "hello"}],
            r"row 1: the column 'messages' must hold a list of \{role, content\} .* String: hello",
        ),
        ([{"messages": None}, {"messages": "hello"}], r"row 2: the column 'messages' must .* String: hello"),
        ([{"messages": ["hello"]}], r"row 1: the column 'messages' must .* List\(String\): \['hello'\]"),
        ([{"messages": {"role": "user"}}], r"row 1: the column 'messages' must .* Struct"),
        ([{"messages": [{"who": "user", "said": "hi"}]}], r"row 1: the column 'messages' must .*'who': 'user'"),
        (
            [{"messages": [{"role": "user", "content": ["hi"]}]}],
            r"row 1: the column 'messages' must .*'content': \['hi'\]",
        ),
    ],
)
def test_a_column_of_the_wrong_shape_is_told_with_its_row(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        recognise(table(rows), {})


def test_categories_and_empty_columns_are_text() -> None:
    frame = pl.DataFrame(
        {"question": ["a"], "answer": ["b"], "system": [None]}, schema_overrides={"question": pl.Categorical}
    )
    assert recognise(Table("a", frame), {}).shown() == {"system": "system", "user": "question", "assistant": "answer"}


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data stands beside a checkout only")
def test_real_files_are_recognised() -> None:
    gsm8k = read_file(SHARED_DATA / "gsm8k_train.jsonl")
    assert recognise(gsm8k, {}).shown() == {"user": "question", "assistant": "answer"}
    solved = read_file(SHARED_DATA / "codecontests_solved.jsonl")
    with pytest.raises(UserError) as caught:
        recognise(solved, {})
    assert "--columns user=description,assistant=reference_solution_python3" in caught.value.hint
    mapping = recognise(solved, {"assistant": "reference_solution_python3"})
    assert mapping.shown() == {"user": "description", "assistant": "reference_solution_python3"}
