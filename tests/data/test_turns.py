"""What a turn says beside its words: reasoning, whether it is learned, calls of tools, and where it ends."""

from pathlib import Path
from typing import Any

import pytest

from qwenlab.data.clean import clean
from qwenlab.data.conversations import conversations
from qwenlab.data.files import read_file
from qwenlab.data.report import Rule
from qwenlab.recipe import DataSettings
from tests.data.made import ANSWER, QUESTION, table, write_jsonl

TRACE = "Half of 48 is 24, and 48 + 24 = 72."
U = {"role": "user", "content": QUESTION}
A = {"role": "assistant", "content": ANSWER}


def read(*rows: dict[str, Any], **columns: str) -> list[list[dict[str, Any]]]:
    """The turns of rows, each without the fields that are null."""
    frame = conversations([table(rows)], columns)[0]
    return [[{k: v for k, v in turn.items() if v is not None} for turn in turns] for turns in frame["messages"]]


def dropped(*rows: dict[str, Any]) -> dict[Rule, int]:
    counts = clean(conversations([table(rows)], {})[0], DataSettings()).dropped
    return {rule: count for rule, count in counts.items() if count}


def thought(**fields: Any) -> list[list[dict[str, Any]]]:
    """A question and an answer with reasoning, as `read` returns them."""
    return [[U, A | {"reasoning_content": TRACE} | fields]]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking", "thought", "reasoning_text"])
def test_reasoning_is_read_from_turns_and_from_columns(name: str) -> None:
    assert read({"messages": [U, A | {name: TRACE}]}) == thought()
    assert (
        read({"conversations": [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": ANSWER, name: TRACE}]})
        == thought()
    )
    assert read({"question": QUESTION, name: TRACE, "answer": ANSWER}) == thought()
    assert read({"problem": QUESTION, name: TRACE, "solution": ANSWER, "answer": "72"}) == thought()


@pytest.mark.parametrize(
    "content",
    [
        f"<think>{TRACE}</think>{ANSWER}",
        f"<think>\n{TRACE}\n</think>\n\n{ANSWER}",
        f"\n <think>\r\n{TRACE}\r\n</think>\r\n\r\n{ANSWER}",
        f"{TRACE}\n</think>\n\n{ANSWER}",
        f"<think> {TRACE} </think> {ANSWER}",
    ],
)
def test_reasoning_before_an_answer_is_taken_out_of_it(content: str) -> None:
    assert read({"messages": [U, {"role": "assistant", "content": content}]}) == thought()
    assert read({"question": QUESTION, "answer": content}) == thought()
    assert read({"prompt": [U], "completion": content}) == thought()


def test_the_answer_keeps_its_own_form() -> None:
    code = "    indented\n\nlast\n"
    assert read({"question": QUESTION, "answer": f"<think>\n{TRACE}\n</think>\n\n{code}"})[0][1]["content"] == code


@pytest.mark.parametrize(
    "content",
    [
        "Reasoning stands between <think> and </think>, as Qwen writes it, and the answer follows after that.",
        "The tag `</think>` ends it; a template looks for it to find out where an answer begins.",
        "An opening <think> alone, in the middle of an answer, is only a word about the tag, and nothing is cut.",
    ],
)
def test_a_text_about_the_tags_is_left_alone(content: str) -> None:
    assert read({"question": QUESTION, "answer": content}) == [[U, {"role": "assistant", "content": content}]]


def test_an_empty_block_is_no_reasoning() -> None:
    assert read({"question": QUESTION, "answer": f"<think>\n\n</think>\n\n{ANSWER}"}) == [[U, A]]
    assert read({"question": QUESTION, "thinking": " \n", "answer": ANSWER}) == [[U, A]]
    assert read({"messages": [U, A | {"reasoning_content": ""}]}) == [[U, A]]


def test_reasoning_in_a_field_that_the_content_repeats_is_taken_once() -> None:
    both = A | {"content": f"<think>\n{TRACE}\n</think>\n\n{ANSWER}", "reasoning_content": TRACE}
    assert read({"messages": [U, both]}) == thought()
    other = both | {"reasoning_content": "something else"}
    assert read({"messages": [U, other]}) == [[U, other]], "nothing is lost where they differ"


def test_only_assistants_think() -> None:
    asked = {"role": "user", "content": f"<think>{TRACE}</think>{QUESTION}", "reasoning_content": TRACE}
    assert read({"messages": [asked, A]}) == [[{"role": "user", "content": asked["content"]}, A]]


def test_reasoning_that_never_ends_is_an_incomplete_solution() -> None:
    row = {"question": QUESTION, "answer": f"<think>\n{TRACE} Wait, {ANSWER}"}
    assert dropped(row, {"question": QUESTION, "answer": ANSWER}) == {"incomplete": 1}
    assert dropped({"messages": [U, A | {"content": row["answer"]}]}) == {"incomplete": 1}


def test_a_data_set_s_own_tags_are_taken_out_with_its_reasoning() -> None:
    """As OpenThoughts and Sky-T1 write them."""
    solution = f"<|begin_of_solution|>\n\n{ANSWER}\n\n<|end_of_solution|>"
    said = f"<|begin_of_thought|>\n\n{TRACE}\n\n<|end_of_thought|>\n\n{solution}"
    assert read({"messages": [U, A | {"content": said}]}) == thought()
    assert dropped({"messages": [U, A | {"content": f"<|begin_of_thought|>\n\n{TRACE} {TRACE}"}]}) == {"incomplete": 1}


@pytest.mark.parametrize("trace", [[{"type": "text", "text": TRACE}], {"steps": [TRACE]}])
def test_reasoning_in_turns_that_is_no_text_drops_its_row_alone(tmp_path: Path, trace: Any) -> None:
    """Not the others of its file, nor a row in which a user's turn has it."""
    rows = [
        {"messages": [U, A | {"reasoning": trace}]},
        {"messages": [U | {"reasoning": trace}, A]},
        {"messages": [U, A | {"reasoning": TRACE}]},
    ]
    file = write_jsonl(tmp_path / "rows.jsonl", rows)
    read = clean(conversations([read_file(file)], {})[0], DataSettings())
    assert read.dropped["not_text"] == 1
    assert read.rows["messages"].to_list()[-1][-1]["reasoning_content"] == TRACE
    assert dropped(rows[0]) == {"not_text": 1}


def test_a_reasoning_column_belongs_to_the_last_answer() -> None:
    row = {"messages": [U, A, U, A], "reasoning": TRACE}
    assert read(row) == [[U, A, U, A | {"reasoning_content": TRACE}]]
    assert (
        read({"body": QUESTION, "why": TRACE, "reply": ANSWER}, user="body", assistant="reply", reasoning="why")
        == thought()
    )


@pytest.mark.parametrize("flag", ["on", True, 1, None])
def test_a_column_that_says_whether_to_reason_is_no_reasoning(flag: Any) -> None:
    assert read({"input": QUESTION, "output": ANSWER, "reasoning": flag}) == [[U, A]]


@pytest.mark.parametrize(
    ("checks", "chosen"),
    [
        ({}, 0),
        ({"correctness_math_verify": [False, True]}, 1),
        ({"correctness_math_verify": [None, None], "correctness_llama": [False, True]}, 1),
        ({"correctness_math_verify": [False, False], "correctness_llama": None}, 0),
    ],
)
def test_of_several_generations_the_first_correct_one_is_learned(checks: dict[str, Any], chosen: int) -> None:
    answers = [f"<think>\n{TRACE} {number}\n</think>\n\n{ANSWER} {number}" for number in range(2)]
    row = {"problem": QUESTION, "solution": "as given", "generations": answers, **checks}
    other = {
        "problem": "?",
        "solution": "",
        "generations": [],
        "correctness_math_verify": [True],
        "correctness_llama": [True],
    }
    answer = {"role": "assistant", "content": f"{ANSWER} {chosen}", "reasoning_content": f"{TRACE} {chosen}"}
    assert read(row, other)[0] == [U, answer]


def test_messages_are_preferred_to_generations() -> None:
    assert read({"problem": "p", "generations": ["g"], "messages": [U, A]}) == [[U, A]]


def test_a_long_trace_makes_up_for_a_short_answer_and_counts_as_characters() -> None:
    row = {"question": QUESTION, "reasoning": TRACE * 2, "answer": "72"}
    assert dropped(row, row | {"reasoning": TRACE[:9], "answer": "7"}) == {"too_short": 1}
    assert dropped(row | {"reasoning": TRACE * 200}) == {"too_long": 1}
    assert dropped(row, row | {"reasoning": TRACE * 3}, row) == {"duplicate": 1}, "other reasoning is another row"


@pytest.mark.parametrize(("fault", "rule"), [("caf\ufffd", "encoding"), ("<|im_end|>", "control_tokens")])
def test_rules_about_texts_look_at_reasoning(fault: str, rule: Rule) -> None:
    assert dropped({"question": QUESTION, "reasoning": f"{TRACE} {fault}", "answer": ANSWER}) == {rule: 1}


def test_code_in_reasoning_is_standardised_too() -> None:
    rows = [
        {"question": QUESTION, "reasoning": f"{TRACE}\n~~~py\nx\n~~~", "answer": ANSWER},
        {"question": "?", "answer": ""},
    ]
    result = clean(conversations([table(rows)], {})[0], DataSettings())
    assert result.rows["messages"][0][1]["reasoning_content"] == f"{TRACE}\n```python\nx\n```"
    assert result.changed["code_fences"] == 1


@pytest.mark.parametrize(
    "field",
    [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"loss": False}, {"training": False}, {"learned": False}],
)
def test_turns_that_are_not_to_be_learned_are_context(field: dict[str, Any]) -> None:
    first = A | {"content": "A first try that is wrong."}
    wanted = dict.fromkeys(field, type(next(iter(field.values())))(1))
    assert read({"messages": [U, first | field, U, A | wanted]}) == [[U, first | {"learned": False}, U, A]]
    assert dropped({"messages": [U, A | field]}, {"messages": [U, A | wanted]}) == {"not_learned": 1}


def test_flags_of_a_csv_s_turns_are_read_too() -> None:
    turns = '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": "0"}]'
    assert read({"messages": turns})[0][1]["learned"] is False


def test_a_user_s_weight_says_nothing() -> None:
    assert read({"messages": [U | {"weight": 0}, A | {"weight": 1}]}) == [[U, A]]


def test_answers_that_kto_does_not_want_are_dropped() -> None:
    rows = [{"prompt": QUESTION, "completion": ANSWER, "label": wanted} for wanted in (True, False, None)]
    assert dropped(*rows) == {"unwanted": 1, "duplicate": 1}
    assert dropped(*({"prompt": QUESTION, "completion": ANSWER, "label": text} for text in ("True", "False"))) == {
        "unwanted": 1
    }
    assert dropped(*({"messages": [U, A], "kto_tag": tag} for tag in (True, False))) == {"unwanted": 1}


@pytest.mark.parametrize("label", [0, "spam", "false alarm", 1.0])
def test_a_class_label_is_not_touched(label: Any) -> None:
    assert dropped({"prompt": QUESTION, "completion": ANSWER, "label": label}) == {}
    assert dropped({"question": QUESTION, "answer": ANSWER, "label": False}) == {}


@pytest.mark.parametrize(
    "turns",
    [
        [U, A | {"tool_calls": [{"type": "function", "function": {"name": "add", "arguments": "{}"}}]}],
        [U, A | {"content": None, "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "4"}, A],
        [U, A | {"function_call": {"name": "add", "arguments": "{}"}}],
        [U, {"role": "function", "content": "4"}, A],
        [U, {"role": "observation", "content": "4"}, A],
    ],
)
def test_rows_that_call_tools_are_dropped_by_their_own_rule(turns: list[dict[str, Any]]) -> None:
    plain = {"messages": [U | {"content": f"{QUESTION} Really?"}, A]}
    assert dropped({"messages": turns}, plain) == {"tool_calls": 1}


def test_empty_tool_calls_are_none() -> None:
    rows = [{"messages": [U, A | {"tool_calls": calls, "function_call": None}]} for calls in (list[str](), None)]
    assert read(*rows) == [[U, A], [U, A]]
    assert dropped(*rows) == {"duplicate": 1}


@pytest.mark.parametrize(
    "history",
    [
        [["q1", "a1"], ["q2", "a2"]],
        [
            {"role": u, "content": c}
            for u, c in (("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"))
        ],
    ],
)
def test_a_history_is_earlier_turns(history: list[Any]) -> None:
    rows = [
        {"system": "s", "instruction": "i", "input": "x", "output": "o", "history": turns}
        for turns in (history, [], None)
    ]
    said = [[turn["content"] for turn in turns] for turns in read(*rows)]
    assert said == [["s", "q1", "a1", "q2", "a2", "i\n\nx", "o"], ["s", "i\n\nx", "o"], ["s", "i\n\nx", "o"]]


@pytest.mark.parametrize(
    "last", [[U], [U, U], [{"role": "system", "content": "s"}], [{"role": "user", "content": None}]]
)
def test_turns_that_nobody_answers_are_cut_off(last: list[dict[str, Any]]) -> None:
    assert read({"messages": [U, A, *last]}, {"messages": [U, A]}) == [[U, A], [U, A]]
    result = clean(conversations([table([{"messages": [U, A, *last]}])], {})[0], DataSettings())
    assert result.changed == {"code_fences": 0, "unanswered_turns": 1}


def test_where_nothing_is_answered_nothing_is_cut() -> None:
    assert read({"messages": [A, U]}, {"messages": [U]}) == [[A, U], [U]]


def test_an_unknown_role_is_named() -> None:
    result = clean(conversations([table([{"messages": [U, A | {"role": "bing"}]}])], {})[0], DataSettings())
    assert result.dropped["unknown_role"] == 1
    assert result.examples["unknown_role"][0].text.startswith("bing: She sold")


def test_developer_and_ai_are_known_by_other_names() -> None:
    turns = [{"role": "developer", "content": "s"}, U | {"role": " Human"}, A | {"role": "AI"}]
    assert [turn["role"] for turn in read({"messages": turns})[0]] == ["system", "user", "assistant"]
