"""Rows as the model sees them: all of the text, and each token's kind as training has it."""

from pathlib import Path
from typing import cast

import polars as pl
import pytest

from qwenlab.data.chat_template import Rendering, Tokenizer
from qwenlab.data.loss_mask import encode
from qwenlab.data.preview import IN_ORDER, WORST, Preview, preview
from qwenlab.data.tokens import tokenize
from qwenlab.recipe import read_recipe
from qwenlab.training.source import find_model, load_tokenizer

TINY = Path(__file__).parent.parent.parent / "recipes" / "tiny.toml"

MAX_LENGTH = 60
HOW = Rendering()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return cast(Tokenizer, load_tokenizer(find_model(read_recipe(TINY).model, weights=False)))


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Row n has n words and an emoji, which takes several tokens that share one place in the text."""
    messages = [
        [
            {"role": "user", "content": f"<b>{number}</b> \N{PARTY POPPER}"},
            {"role": "assistant", "content": "word " * number + "\N{PARTY POPPER}"},
        ]
        for number in range(1, 31)
    ]
    return pl.DataFrame({"file": "x.jsonl", "row": range(1, 31), "messages": messages})


@pytest.fixture(scope="module")
def seen(rows: pl.DataFrame, tokenizer: Tokenizer) -> Preview:
    return preview(rows, tokenize(rows, tokenizer, HOW, MAX_LENGTH).row_lengths, tokenizer, HOW, MAX_LENGTH)


def test_rows_are_shown_in_order_the_longest_and_the_cut(seen: Preview) -> None:
    by_why = {why: [row.row for row in seen.rows if row.why == why] for why in ("in order", "longest", "cut")}
    assert by_why["in order"] == list(range(1, IN_ORDER + 1))
    assert by_why["longest"] == list(range(30, 30 - WORST, -1))
    assert by_why["cut"] and len(by_why["cut"]) <= WORST
    assert all(row.tokens > MAX_LENGTH for row in seen.rows if row.why == "cut")


def test_every_character_is_shown_once(seen: Preview, rows: pl.DataFrame, tokenizer: Tokenizer) -> None:
    for row in seen.rows:
        messages = rows["messages"].to_list()[row.row - 1]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
        assert "".join(piece for piece, _ in row.pieces) == text


def test_what_is_learned_is_what_training_learns(seen: Preview, rows: pl.DataFrame, tokenizer: Tokenizer) -> None:
    messages = rows["messages"].to_list()
    for row in seen.rows:
        (mask,) = encode([messages[row.row - 1]], tokenizer, HOW, MAX_LENGTH).assistant_masks
        assert row.learned == sum(mask)
        kinds = [kind for _, kind in row.pieces]
        assert ("cut" in kinds) == (row.tokens > MAX_LENGTH)
        assert kinds[0] == "context"
