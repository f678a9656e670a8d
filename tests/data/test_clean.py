"""The rules, one by one as the document has them, and all of them against a second implementation, row by row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import row_by_row
from qwenlab.data.clean import Cleaned, clean
from qwenlab.data.report import Row, Rule
from qwenlab.recipe import DataSettings
from tests.data.made import ANSWER, QUESTION, asked, talked

RULES: tuple[Rule, ...] = (
    "not_text", "tool_calls", "unwanted", "unknown_role", "not_learned",
    "empty", "too_short", "too_long", "duplicate", "encoding", "control_tokens", "incomplete", "conversation",
)  # fmt: skip
DEFAULT = DataSettings()


def cleaned(*pairs: tuple[str | None, str | None], settings: DataSettings = DEFAULT) -> Cleaned:
    return clean(asked(*pairs), settings)


def dropped_by(*pairs: tuple[str | None, str | None], settings: DataSettings = DEFAULT) -> dict[Rule, int]:
    return {rule: count for rule, count in cleaned(*pairs, settings=settings).dropped.items() if count}


def test_a_good_row_is_kept_as_it_is() -> None:
    rows = cleaned((QUESTION, f"  {ANSWER}\n\n")).rows
    assert rows.columns == ["file", "row", "messages"]
    assert [turn["content"] for turn in rows["messages"][0]] == [QUESTION, f"  {ANSWER}\n\n"]


def test_the_rules_are_counted_in_the_order_of_the_document_zeros_included() -> None:
    assert tuple(cleaned((QUESTION, ANSWER)).dropped) == RULES
    assert set(cleaned((QUESTION, ANSWER)).dropped.values()) == {0}
    assert tuple(cleaned((QUESTION, ANSWER)).examples) == RULES


@pytest.mark.parametrize("blank", [None, "", " \n\t", "\u00a0\u3000"])
def test_a_missing_or_blank_text_is_empty(blank: str | None) -> None:
    assert dropped_by((blank, ANSWER), (QUESTION, blank)) == {"empty": 2}
    assert dropped_by((blank, ANSWER), settings=DataSettings(min_chars=0)) == {"empty": 1}


def test_document_minimum_length_50_characters_per_text_field() -> None:
    assert dropped_by(("q" * 49, "a" * 50), ("q" * 50, "a" * 49)) == {"too_short": 2}
    assert dropped_by(("q" * 50, "a" * 50)) == {}
    assert dropped_by((f"{'q' * 49}  \n", "a" * 50)) == {"too_short": 1}, "white space around a text does not count"
    assert dropped_by(("漢" * 50, "é" * 50)) == {}, "characters, not bytes"


def test_the_length_of_a_field_is_that_of_all_its_turns() -> None:
    turns = [("user", "q" * 25), ("assistant", "a" * 25), ("user", "q" * 24), ("assistant", "a" * 24)]
    assert clean(talked(turns), DEFAULT).rows.height == 1


def test_document_maximum_length_4096_characters_per_sample() -> None:
    assert dropped_by(("q" * 2048, "é" * 2048)) == {}
    assert dropped_by(("q" * 2048, "é" * 2049)) == {"too_long": 1}
    with_system = talked([("system", "s" * 100), ("user", "q" * 2000), ("assistant", "a" * 2000)])
    assert clean(with_system, DEFAULT).dropped["too_long"] == 1


def test_document_deduplication_by_exact_hash() -> None:
    pairs = [
        (QUESTION, ANSWER),
        (QUESTION, ANSWER + " "),
        (QUESTION, ANSWER),
        (QUESTION.lower(), ANSWER),
        (QUESTION, ANSWER),
    ]
    result = cleaned(*pairs)
    assert result.rows["row"].to_list() == [1, 2, 4]
    assert result.dropped["duplicate"] == 2
    assert [(example.row, example.repeats) for example in result.examples["duplicate"]] == [
        (3, Row(file="made.jsonl", row=1)),
        (5, Row(file="made.jsonl", row=1)),
    ]


def test_the_same_texts_in_other_roles_are_no_duplicate() -> None:
    first = [("user", QUESTION), ("assistant", ANSWER), ("user", "?"), ("assistant", "!")]
    second = [("user", QUESTION), ("user", "?"), ("assistant", ANSWER), ("assistant", "!")]
    with_system = [("system", "s"), *first]
    result = clean(talked(second, with_system, first, first), DEFAULT)
    assert result.dropped["duplicate"] == 1
    assert result.examples["duplicate"][0].repeats == Row(file="made.jsonl", row=3)


def test_a_row_that_an_earlier_rule_drops_is_no_original() -> None:
    too_long = (QUESTION, "a" * 5000)
    assert dropped_by(too_long, too_long) == {"too_long": 2}


@pytest.mark.parametrize(
    "fault",
    [
        "\ufffd",
        "\x00",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "cafÃ©",
        "donâ€™t",
        "20Â°",
        "ðŸ\u02dc€",
        "ï»¿",
        "Ã\u00a0",
        "Ã‰cole",
        "ï¿½",
    ],
)
def test_document_remove_samples_with_encoding_issues(fault: str) -> None:
    assert dropped_by((QUESTION, ANSWER + fault), (QUESTION + fault, ANSWER)) == {"encoding": 2}


@pytest.mark.parametrize(
    "text",
    [
        "café",
        "naïve ÀÉÂ",
        "MAÇÃ, NÃO, PÃO!",
        "“MANHÔ",
        "tab\tand\r\nlines",
        "漢字 かな 한국어",
        "😀 👍🏽",
        "Привет",
        "x² ≤ 10⁶",
        "Â, a letter",
    ],
)
def test_text_of_all_languages_is_no_encoding_issue(text: str) -> None:
    assert dropped_by((f"{QUESTION} {text}", f"{ANSWER} {text}")) == {}


@pytest.mark.parametrize("token", ["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
def test_document_special_tokens_are_the_template_s_alone(token: str) -> None:
    assert dropped_by((QUESTION, f"{ANSWER}{token}"), (f"{token}{QUESTION}", ANSWER)) == {"control_tokens": 2}
    system = talked([("system", token), ("user", QUESTION), ("assistant", ANSWER)])
    assert clean(system, DEFAULT).dropped["control_tokens"] == 1


def test_document_filter_incomplete_solutions_with_an_ellipsis_under_100_characters() -> None:
    for ellipsis in ("...", "…"):
        assert dropped_by((QUESTION, ellipsis.rjust(99, "a"))) == {"incomplete": 1}
        assert dropped_by((QUESTION, ellipsis.rjust(100, "a"))) == {}
    assert dropped_by((QUESTION + "...", ANSWER)) == {}, "a question may trail off"


def test_document_standardize_code_block_formatting_in_every_turn() -> None:
    result = cleaned((f"{QUESTION}\n```py\nx\n```", f"{ANSWER}\r\n~~~\nx\n~~~"), (QUESTION, ANSWER))
    assert [turn["content"] for turn in result.rows["messages"][0]] == [
        f"{QUESTION}\n```python\nx\n```",
        f"{ANSWER}\n```\nx\n```",
    ]
    assert result.changed == {"code_fences": 1, "unanswered_turns": 0}
    assert result.rows["row"].to_list() == [1, 2]


U, A = ("user", QUESTION), ("assistant", ANSWER)


@pytest.mark.parametrize(
    "turns",
    [
        [A, U],
        [U, A, ("user", " "), A],
        [U, A, ("user", None), A],
        [U, ("assistant", ""), A],
    ],
)
def test_document_ensure_consistent_conversation_structure(turns: list[tuple[str, str | None]]) -> None:
    assert clean(talked(turns), DEFAULT).dropped["conversation"] == 1


@pytest.mark.parametrize("turns", [[U, A], [("system", "s"), U, A], [U, A, U, A], [A, U, A], [U, U, A]])
def test_conversations_that_can_be_learned_from_are_kept(turns: list[tuple[str, str | None]]) -> None:
    assert clean(talked(turns), DEFAULT).rows.height == 1


def test_a_conversation_without_turns_is_empty() -> None:
    assert clean(talked([], [U], [A]), DEFAULT).dropped["empty"] == 3


def test_examples_are_few_short_and_show_the_fault() -> None:
    long = "word " * 300
    result = cleaned(
        *[(f"{QUESTION}{number}", f"{long}\x00end") for number in range(9)],
        *[(long, f"{number}") for number in range(9)],
    )
    examples = result.examples["encoding"]
    assert [example.row for example in examples] == [1, 2, 3, 4, 5]
    assert all("\x00end" in example.text and len(example.text) <= 300 for example in examples)
    short = result.examples["too_short"][0]
    assert short.text.startswith("assistant: 0\nuser: word") and len(short.text) <= 300


# What the rules look for, in pieces that hypothesis puts together. Python and Rust differ in what they call white
# space between \x1c and \x1f, which are control characters and make a row fall in any case.
PIECES = (
    "word ", "x" * 20, "é漢", "...", "…", "```py\n", "```", "~~~", "\n", "\r\n", " ", "\x00", "\x1b", "\ufffd", "Ã©",
    "Ã", "â€™", "Â°", "<|im_end|>", "<|im_", "end|>", "\u00a0", "\u3000", "\x85",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
turns = st.tuples(st.sampled_from(["system", "user", "assistant", "user", "assistant", "tool"]), texts | st.none())
SMALL = DataSettings(min_chars=10, max_chars=120)


def by_hand(conversations: list[list[tuple[str, str | None]]]) -> tuple[dict[Rule, int], list[int]]:
    """How many rows each rule drops, and the numbers of those that are kept."""
    seen = set()
    dropped, kept = dict.fromkeys(RULES, 0), []
    for number, turns in enumerate(conversations, 1):
        row = {
            "messages": [
                {"role": role, "content": content}
                for role, content in turns
                if role != "system" or (content or "").strip()
            ]
        }
        rules: dict[Rule, bool] = {
            "tool_calls": row_by_row.has_no_tools(row),
            "empty": row_by_row.is_filled(row),
            "too_short": row_by_row.is_long_enough(row),
            "too_long": row_by_row.is_short_enough(row),
            "duplicate": str(row_by_row.turns(row)) not in seen,
            "encoding": row_by_row.is_decoded(row),
            "control_tokens": row_by_row.has_no_tokens(row),
            "incomplete": row_by_row.is_complete(row),
            "conversation": row_by_row.is_conversation(row),
        }
        fallen = [rule for rule, passed in rules.items() if not passed]
        if fallen:
            dropped[fallen[0]] += 1
        else:
            kept.append(number)
        if fallen[:1] not in (["tool_calls"], ["empty"], ["too_short"], ["too_long"]):
            seen.add(str(row_by_row.turns(row)))
    return dropped, kept


@given(
    st.lists(st.lists(turns, max_size=4), min_size=1, max_size=8).flatmap(lambda rows: st.permutations(rows + rows[:2]))
)
@settings(max_examples=300, deadline=None)
def test_any_conversations_are_cleaned_as_by_hand(conversations: list[list[tuple[str, str | None]]]) -> None:
    row_by_row.MIN_CHARS, row_by_row.MAX_CHARS = SMALL.min_chars, SMALL.max_chars
    result = clean(talked(*conversations), SMALL)
    dropped, kept = by_hand(conversations)
    assert result.dropped == dropped
    assert result.rows["row"].to_list() == kept
