"""With a tokenizer of one token a character, so that every length can be counted by hand."""

import re
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pytest

from qwenlab.data.chat_template import Encoding, Message, Rendering
from qwenlab.data.loss_mask import encode
from qwenlab.data.report import Bin, Row, TokenLengths
from qwenlab.data.tokens import CHUNK_ROWS, token_lengths, tokenize
from qwenlab.errors import UserError

NO_LIMIT = 1_000_000
HOW = Rendering()
HEADER = len("^user:Q|^assistant:")
"""Tokens of a row with a question of one character, up to where its answer begins."""


class Characters:
    """`^role:text|` for each message, and a token for each character; `|` ends a turn."""

    is_fast = True

    def get_chat_template(self) -> str:
        return "^role:text|"

    def apply_chat_template(
        self, conversation: list[Message], *, tokenize: bool, add_generation_prompt: bool, **switches: bool
    ) -> str:
        if not conversation:
            raise ValueError("no messages")
        turns = [f"^{message['role']}:{message['content']}|" for message in conversation]
        return "".join(turns) + "^assistant:" * add_generation_prompt

    def __call__(self, text: list[str], *, add_special_tokens: bool, return_offsets_mapping: bool) -> Encoding:
        return {
            "input_ids": [[ord(character) for character in one] for one in text],
            "offset_mapping": [[(start, start + 1) for start in range(len(one))] for one in text],
        }


def chat(*answers: str) -> list[Message]:
    turns = [({"role": "user", "content": "Q"}, {"role": "assistant", "content": answer}) for answer in answers]
    return [message for turn in turns for message in turn]


def frame(conversations: Sequence[list[Message]], file: str = "a.jsonl") -> pl.DataFrame:
    message = pl.Struct({"role": pl.String, "content": pl.String})
    rows = range(1, len(conversations) + 1)
    return pl.DataFrame(
        {"file": [file] * len(conversations), "row": rows, "messages": conversations},
        schema_overrides={"messages": pl.List(message)},
    )


def test_the_table_holds_what_the_trainer_reads() -> None:
    tokenized = tokenize(frame([chat("Yes"), chat("No", "")]), Characters(), HOW, NO_LIMIT)
    assert tokenized.table.schema == pa.schema(
        {"input_ids": pa.list_(pa.int32()), "assistant_masks": pa.list_(pa.int8())}
    )
    ids, masks = (tokenized.table[name].to_pylist() for name in ("input_ids", "assistant_masks"))
    assert ["".join(map(chr, row)) for row in ids] == [
        "^user:Q|^assistant:Yes|",
        "^user:Q|^assistant:No|^user:Q|^assistant:|",
    ]
    assert ["".join(map(str, row)) for row in masks] == [
        "0" * HEADER + "1111",
        "0" * HEADER + "111" + "0" * HEADER + "1",
    ]


def test_rows_are_cut_at_their_end_and_lengths_are_those_before_the_cut() -> None:
    tokenized = tokenize(frame([chat("1234"), chat("1" * 20), chat("")]), Characters(), HOW, HEADER + 5)
    assert [len(ids) for ids in tokenized.table["input_ids"].to_pylist()] == [HEADER + 5, HEADER + 5, HEADER + 1]
    assert [len(mask) for mask in tokenized.table["assistant_masks"].to_pylist()] == [
        HEADER + 5,
        HEADER + 5,
        HEADER + 1,
    ]
    assert tokenized.lengths.to_list() == [HEADER + 5, HEADER + 21, HEADER + 1]
    assert tokenized.learned.to_list() == [5, 5, 1]
    assert tokenized.nothing_to_learn == []


def test_rows_with_nothing_to_learn_are_left_out_and_listed() -> None:
    long_question = [{"role": "user", "content": "Q" * 50}, {"role": "assistant", "content": "A"}]
    rows = frame([chat("1"), long_question, [{"role": "user", "content": "Q"}], chat("2")])
    rows = pl.concat([rows, frame([long_question, chat("3")], file="b.jsonl")])
    tokenized = tokenize(rows, Characters(), HOW, HEADER + 5)
    assert tokenized.nothing_to_learn == [
        Row(file="a.jsonl", row=2), Row(file="a.jsonl", row=3), Row(file="b.jsonl", row=1)
    ]  # fmt: skip
    assert ["".join(map(chr, row))[HEADER:] for row in tokenized.table["input_ids"].to_pylist()] == ["1|", "2|", "3|"]
    assert tokenized.lengths.to_list() == [HEADER + 2, HEADER + 51, 8, HEADER + 2, HEADER + 51, HEADER + 2]
    assert tokenized.learned.to_list() == [2, 0, 0, 2, 0, 2]


def test_one_token_is_enough_to_learn_from() -> None:
    question_of_two = [{"role": "user", "content": "QQ"}, {"role": "assistant", "content": "A"}]
    tokenized = tokenize(frame([chat("A"), question_of_two]), Characters(), HOW, HEADER + 1)
    assert tokenized.learned.to_list() == [1, 0]
    assert tokenized.nothing_to_learn == [Row(file="a.jsonl", row=2)]


def test_chunks_are_joined_as_one_by_one() -> None:
    conversations = [chat(str(number)) for number in range(2 * CHUNK_ROWS + 1)]
    conversations[CHUNK_ROWS - 1] = conversations[CHUNK_ROWS] = conversations[-1] = [{"role": "user", "content": "Q"}]
    done: list[int] = []
    tokenized = tokenize(frame(conversations), Characters(), HOW, HEADER + 3, done.append)

    assert done == [CHUNK_ROWS, 2 * CHUNK_ROWS, 2 * CHUNK_ROWS + 1]
    assert [row.row for row in tokenized.nothing_to_learn] == [CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 1]
    alone = [encode([conversation], Characters(), HOW, HEADER + 3) for conversation in conversations]
    kept = [one for one in alone if 1 in one.assistant_masks[0]]
    assert tokenized.table["input_ids"].to_pylist() == [one.input_ids[0] for one in kept]
    assert tokenized.table["assistant_masks"].to_pylist() == [one.assistant_masks[0] for one in kept]
    assert tokenized.lengths.to_list() == [one.lengths[0] for one in alone]


def test_no_rows_make_an_empty_table() -> None:
    tokenized = tokenize(frame([]), Characters(), HOW, NO_LIMIT)
    assert tokenized.table.num_rows == len(tokenized.lengths) == len(tokenized.nothing_to_learn) == 0
    assert tokenized.table.schema.names == ["input_ids", "assistant_masks"]


def test_figures_are_over_all_rows() -> None:
    rows = frame([chat(""), chat("12"), chat("1234"), [{"role": "user", "content": "Q"}]])
    limit = HEADER + 3
    lengths = [HEADER + 1, HEADER + 3, HEADER + 5, 8]
    figures = token_lengths(tokenize(rows, Characters(), HOW, limit), limit)
    assert figures.model_dump(exclude={"histogram", "p95"}) == {
        "min": 8,
        "median": HEADER + 2,
        "mean": sum(lengths) / 4,
        "max": HEADER + 5,
        "total": sum(lengths),
        "learned_total": 1 + 3 + 3,
        "truncated": 1,
        "truncated_share": 0.25,
        "beyond": 2,
        "percentile_99": HEADER + 5,
        "nothing_to_learn": [{"file": "a.jsonl", "row": 4}],
    }
    assert [edge for edge, count in figures.histogram for _ in range(count)] == sorted(lengths)
    assert isinstance(figures.histogram[0], Bin)
    assert TokenLengths.model_validate_json(figures.model_dump_json()) == figures


def test_when_every_row_is_too_long_the_first_are_named_with_what_to_change() -> None:
    with pytest.raises(UserError) as caught:
        tokenize(frame([chat("1234567")] * 6 + [chat("12345")], file="x.jsonl"), Characters(), HOW, 16)
    named = ", ".join(f"row {number} of x.jsonl" for number in range(1, 6))
    assert caught.value.message == f"No row has anything to learn: {named} and 2 more."
    assert caught.value.hint == f"Raise data.max_length, which is 16: the shortest row has {HEADER + 6} tokens."


def test_when_no_row_has_an_answer_length_is_not_blamed() -> None:
    with pytest.raises(UserError) as caught:
        tokenize(frame([[{"role": "user", "content": "Q"}]]), Characters(), HOW, 16)
    assert caught.value.message == "No row has anything to learn: row 1 of a.jsonl."
    assert "needs an assistant's message" in caught.value.hint


def test_a_row_that_cannot_be_rendered_is_named() -> None:
    rows = frame([chat("A")] * CHUNK_ROWS + [chat("A"), []])
    with pytest.raises(UserError, match=re.escape(f"row {CHUNK_ROWS + 2} of a.jsonl: ")):
        tokenize(rows, Characters(), HOW, NO_LIMIT)
