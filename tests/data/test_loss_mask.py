"""Conversations to token ids and masks."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.data.chat_template import ChatTemplate, Rendering, Tokenizer
from qwenlab.data.loss_mask import encode
from qwenlab.errors import UserError
from tests.data.templates import assistant, user, with_template
from tests.data.test_chat_template import LOOKALIKES, contents, learned

NO_LIMIT = 1_000_000
NONE = Rendering()

turns = st.lists(st.tuples(contents(*LOOKALIKES), contents(*LOOKALIKES)), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def qwen25() -> Tokenizer:
    return with_template("qwen2_5")


@settings(deadline=None)
@given(turns=turns)
def test_masked_tokens_decode_to_the_learned_text(qwen25: Tokenizer, turns: list[tuple[str, str]]) -> None:
    # White space before an answer may join the line break before it; see the test on that below.
    messages = [message for question, answer in turns for message in (user(question), assistant(answer.lstrip()))]
    encoded = encode([messages], qwen25, NONE, NO_LIMIT)
    text = decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0])
    assert text == unicodedata.normalize("NFC", "".join(learned(ChatTemplate(qwen25).examples(messages, NONE)[0])))


def decode(tokenizer: Tokenizer, ids: list[int], mask: list[int]) -> str:
    kept = [token for token, bit in zip(ids, mask, strict=True) if bit]
    text: str = tokenizer.decode(kept)  # type: ignore[attr-defined]
    return text


def test_an_answer_is_not_joined_to_its_prompt(qwen25: Tokenizer) -> None:
    """Asked, the model reads the header's line break as a token, and writes the answer's own after it."""
    encoded = encode([[user("Hi"), assistant("\nOne"), user("Hi"), assistant("\nTwo")]], qwen25, NONE, NO_LIMIT)
    whole = [1] * len(encoded.input_ids[0])
    assert decode(qwen25, encoded.input_ids[0], whole).endswith("assistant\n\nTwo<|im_end|>\n")
    # Inside the prompt of the last answer, the earlier one's line break and its header's are one token.
    assert decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0]) == "One<|im_end|>\nTwo<|im_end|>"


def test_a_character_of_several_tokens_is_learned_whole(qwen25: Tokenizer) -> None:
    encoded = encode([[user("語"), assistant("語")]], qwen25, NONE, NO_LIMIT)
    assert encoded.assistant_masks[0].count(1) == 4  # its three bytes and the end
    assert decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0]) == "語<|im_end|>"


def test_a_row_is_cut_at_its_end(qwen25: Tokenizer) -> None:
    conversations = [[user("Hi"), assistant("Hello")], [user("Hello"), assistant("Hi"), user("a"), assistant("a")]]
    whole = encode(conversations, qwen25, NONE, NO_LIMIT)
    assert whole.lengths == [len(ids) for ids in whole.input_ids]
    for limit in range(1, max(whole.lengths) + 1):
        cut = encode(conversations, qwen25, NONE, limit)
        assert cut.input_ids == [ids[:limit] for ids in whole.input_ids]
        assert cut.assistant_masks == [mask[:limit] for mask in whole.assistant_masks]
        assert cut.lengths == whole.lengths


def test_an_empty_batch(qwen25: Tokenizer) -> None:
    assert encode([], qwen25, NONE, NO_LIMIT) == ([], [], [], [])


def test_an_error_in_a_batch_names_the_conversation(qwen25: Tokenizer) -> None:
    batch = [[user("Hi"), assistant("Hello")], []]
    with pytest.raises(UserError, match=r"^conversation 2: .* empty conversation"):
        encode(batch, qwen25, NONE, NO_LIMIT)
    with pytest.raises(UserError, match=r"^row 8 of a\.jsonl: .* empty conversation"):
        encode(batch, qwen25, NONE, NO_LIMIT, ["row 7 of a.jsonl", "row 8 of a.jsonl"])


def test_a_slow_tokenizer_is_an_error() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(UserError, match="slow"):
        encode([[user("Hi"), assistant("Hello")]], Slow(), NONE, NO_LIMIT)  # type: ignore[arg-type]
