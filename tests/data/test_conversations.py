from typing import Any

import pytest

from qwenlab.data.conversations import CONVERSATIONS, conversations
from qwenlab.errors import UserError
from tests.data.made import asked, table, talked


def messages(*rows: dict[str, Any]) -> list[list[tuple[str, str | None]] | None]:
    frame = conversations([table(rows)], {})[0]
    return [turns and [(turn["role"], turn["content"]) for turn in turns] for turns in frame["messages"].to_list()]


def test_document_convert_to_system_user_assistant() -> None:
    row = {"system": "s", "question": "q", "answer": "a"}
    assert messages(row) == [[("system", "s"), ("user", "q"), ("assistant", "a")]]


def test_rows_are_numbered_from_one_under_the_name_of_their_file() -> None:
    tables = [table([{"question": "q", "answer": "a"}] * 2, name) for name in ("a.csv", "b.csv")]
    rows = conversations(tables, {})[0]
    assert rows.select("file", "row").rows() == [("a.csv", 1), ("a.csv", 2), ("b.csv", 1), ("b.csv", 2)]


def test_every_layout_has_the_same_columns_and_types() -> None:
    assert asked(("q", "a")).schema == CONVERSATIONS
    assert talked([("user", "q"), ("assistant", None)]).schema == CONVERSATIONS


def test_a_blank_system_text_is_none() -> None:
    rows = [{"system": text, "question": "q", "answer": "a"} for text in (None, "", " \n", "s")]
    assert [turns and len(turns) for turns in messages(*rows)] == [2, 2, 2, 3]
    said = [[{"role": "system", "content": text}, {"role": "user", "content": "q"}] for text in (None, " ", "s")]
    assert [turns and len(turns) for turns in messages(*({"messages": turns} for turns in said))] == [1, 1, 2]


def test_sharegpt_speakers_become_roles_and_unknown_ones_stay() -> None:
    speakers = ["system", "human", "GPT", "Assistant", "tool"]
    row = {"conversations": [{"from": speaker, "value": speaker, "weight": 1} for speaker in speakers]}
    assert messages(row) == [list(zip(["system", "user", "assistant", "assistant", "tool"], speakers, strict=True))]


def test_a_system_column_is_put_before_turns_that_have_no_system_message() -> None:
    own = [{"from": "system", "value": "own"}, {"from": "human", "value": "q"}]
    rows = [{"system": "s", "conversations": turns} for turns in (own[1:], own)]
    assert messages(*rows) == [[("system", "s"), ("user", "q")], [("system", "own"), ("user", "q")]]


def test_an_instruction_and_its_input_are_two_paragraphs() -> None:
    rows = [{"instruction": "i", "input": text, "output": "o"} for text in ("x", "", None)]
    assert [turns and turns[0][1] for turns in messages(*rows)] == ["i\n\nx", "i", "i"]


def test_prompt_and_completion_may_be_turns_or_text() -> None:
    user, assistant = [{"role": "user", "content": "p"}], [{"role": "assistant", "content": "c"}]
    expected = [[("user", "p"), ("assistant", "c")]]
    assert messages({"prompt": "p", "completion": "c"}) == expected
    assert messages({"prompt": user, "completion": assistant}) == expected
    assert messages({"prompt": "p", "completion": assistant}) == expected


def test_contents_are_left_as_they_are() -> None:
    text = "  a \r\n\tb\u3000\n"
    assert messages({"question": text, "answer": text}) == [[("user", text), ("assistant", text)]]


def test_a_role_s_text_is_all_that_it_says() -> None:
    rows = talked(
        [("system", "s"), ("user", "q1"), ("assistant", "a1"), ("user", None), ("user", "q2"), ("assistant", "a2")]
    )
    assert rows.select("user", "assistant").row(0) == ("q1\nq2", "a1\na2")


def test_rows_without_turns_stay_rows() -> None:
    rows = conversations(
        [table([{"messages": None}, {"messages": []}, {"messages": [{"role": "user", "content": "q"}]}])], {}
    )
    assert rows[0]["messages"].list.len().to_list() == [None, 0, 1]


def test_files_of_different_layouts_are_refused_by_name() -> None:
    tables = [table([{"question": "q", "answer": "a"}], "a.csv"), table([{"prompt": "q", "completion": "a"}], "b.csv")]
    with pytest.raises(
        UserError, match=r"b.csv has another layout than a.csv: user from prompt, .*, not user from question"
    ):
        conversations(tables, {})


def test_files_may_differ_in_other_columns() -> None:
    tables = [table([{"question": "q", "answer": "a", "id": 1}]), table([{"answer": "a", "question": "q", "tag": "x"}])]
    assert conversations(tables, {})[0].height == 2
