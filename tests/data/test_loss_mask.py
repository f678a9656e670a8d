"""Expected texts are written by hand, from the templates of Qwen2.5 and Qwen3 that trl ships."""

import hashlib
import unicodedata
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.data.loss_mask import Message, Rendered, Span, Tokenizer, encode, render, template_sha256
from qwenlab.errors import UserError

WithTemplate = Callable[[str], Tokenizer]

QWEN25_DEFAULT = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
NO_LIMIT = 1_000_000

# Contents that look like what a template writes, or like the mark that is put in a content's place.
LOOKALIKES = (
    "<|im_start|>", "<|im_end|>", "<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>user\n", "assistant\n",
    "<tool_response>", "</tool_response>", "[mark]", "[mar", "[", "k]", "{{ messages }}", "\n", " ", "é", "e\u0301",
)  # fmt: skip
THINKING = ("<think>", "</think>", "<think>\n\n</think>\n\n", "<think>\nhm\n</think>\n\n")


def contents(*lookalikes: str) -> st.SearchStrategy[str]:
    return st.lists(st.text(max_size=6) | st.sampled_from(lookalikes), max_size=6).map("".join)


@pytest.fixture(scope="module")
def with_template() -> WithTemplate:
    """A tokenizer made as Qwen's are, with few merges, under the template of that name."""
    from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from tokenizers import Tokenizer as Backend
    from transformers import PreTrainedTokenizerFast
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    backend = Backend(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_fin|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["system user assistant think \n\n hello hello a a "] * 9, trainer)
    # Unlike Qwen's, so that a token too many would be seen.
    backend.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )

    def make(name: str) -> Tokenizer:
        template = files("trl").joinpath("chat_templates", f"{name}.jinja").read_text(encoding="utf-8")
        tokenizer: Tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=template
        )
        return tokenizer

    return make


@pytest.fixture(scope="module")
def qwen25(with_template: WithTemplate) -> Tokenizer:
    return with_template("qwen2_5")


@pytest.fixture(scope="module")
def qwen3(with_template: WithTemplate) -> Tokenizer:
    return with_template("qwen3")


def system(content: str) -> Message:
    return {"role": "system", "content": content}


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}


def learned(rendered: Rendered) -> list[str]:
    return [rendered.text[span.start : span.stop] for span in rendered.learned]


def marked(expected: str) -> Rendered:
    """A rendering written by hand: the learned spans stand between « and »."""
    pieces = expected.replace("»", "«").split("«")
    starts = [len("".join(pieces[:index])) for index in range(len(pieces))]
    return Rendered("".join(pieces), [Span(*ends) for ends in zip(starts[1::2], starts[2::2], strict=True)])


CASES = {
    "one turn, the template's own system message": (
        "qwen2_5",
        [user("Hi"), assistant("Hello")],
        QWEN25_DEFAULT + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«Hello<|im_end|>»\n",
    ),
    "a system message": (
        "qwen2_5",
        [system("Be brief."), user("Hi"), assistant("Hello")],
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n«Hello<|im_end|>»\n",
    ),
    "two turns with the same words": (
        "qwen2_5",
        [system("a"), user("a"), assistant("a"), user("a"), assistant("a")],
        "<|im_start|>system\na<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n«a<|im_end|>»\n"
        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n«a<|im_end|>»\n",
    ),
    "white space that Qwen2.5 keeps": (
        "qwen2_5",
        [system(""), user(" Hi\n"), assistant("\n Hello \n")],
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n"
        "<|im_start|>assistant\n«\n Hello \n<|im_end|>»\n",
    ),
    "contents that look like a template": (
        "qwen2_5",
        [system(""), user("<|im_start|>assistant\nYes<|im_end|>\n"), assistant("No<|im_end|>\n<|im_start|>user\nHi")],
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n<|im_start|>assistant\nYes<|im_end|>\n<|im_end|>\n"
        "<|im_start|>assistant\n«No<|im_end|>\n<|im_start|>user\nHi<|im_end|>»\n",
    ),
    "an empty answer": (
        "qwen2_5",
        [system(""), user(""), assistant("")],
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n«<|im_end|>»\n",
    ),
    "no assistant": (
        "qwen2_5",
        [system(""), user("Hi")],
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n",
    ),
    "an assistant twice in a row": (
        "qwen2_5",
        [system(""), user("Hi"), assistant("One"), assistant("Two")],
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«One<|im_end|>»\n"
        "<|im_start|>assistant\n«Two<|im_end|>»\n",
    ),
    "Qwen3 adds an empty think block, which is context": (
        "qwen3",
        [user("Hi"), assistant("Hello")],
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«Hello<|im_end|>»\n",
    ),
    "Qwen3 with a system message": (
        "qwen3",
        [system("Be brief."), user("Hi"), assistant("Hello")],
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n«Hello<|im_end|>»\n",
    ),
    "Qwen3 adds the think block to the last turn only": (
        "qwen3",
        [user("Hi"), assistant("Hello"), user("Bye"), assistant("Goodbye")],
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«Hello<|im_end|>»\n"
        "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«Goodbye<|im_end|>»\n",
    ),
    "Qwen3 strips line breaks before the last answer, and only there": (
        "qwen3",
        [user("\nHi"), assistant("\n\nHello\n"), user("Bye"), assistant("\n\n Goodbye\n")],
        "<|im_start|>user\n\nHi<|im_end|>\n<|im_start|>assistant\n«\n\nHello\n<|im_end|>»\n"
        "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n« Goodbye\n<|im_end|>»\n",
    ),
    "reasoning is learned": (
        "qwen3",
        [user("2+2"), assistant("<think>\nTwo and two.\n</think>\n\n4")],
        "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n«<think>\nTwo and two.\n</think>\n\n4<|im_end|>»\n",
    ),
    "reasoning of earlier turns is dropped": (
        "qwen3",
        [
            user("2+2"), assistant("<think>\nTwo and two.\n</think>\n\n4"),
            user("3+3"), assistant("<think>Thrice.</think>6"),
        ],
        "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n«4<|im_end|>»\n"
        "<|im_start|>user\n3+3<|im_end|>\n<|im_start|>assistant\n«<think>\nThrice.\n</think>\n\n6<|im_end|>»\n",
    ),
    "an empty think block in the data is context too": (
        "qwen3",
        [user("2+2"), assistant("<think>\n\n</think>\n\n4")],
        "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«4<|im_end|>»\n",
    ),
    "a user who writes the prompt for the answer": (
        "qwen3",
        [user("<|im_start|>assistant\n<think>\n"), assistant("<think>\nOdd.\n</think>\n\n4")],
        "<|im_start|>user\n<|im_start|>assistant\n<think>\n<|im_end|>\n"
        "<|im_start|>assistant\n«<think>\nOdd.\n</think>\n\n4<|im_end|>»\n",
    ),
    "a prompt that opens the think block itself": (
        "qwen3_5_think",
        [user("2+2"), assistant("<think>\nTwo and two.\n</think>\n\n4")],
        "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n<think>\n«Two and two.\n</think>\n\n4<|im_end|>»\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_text_and_learned_spans_are_as_written_by_hand(case: str, with_template: WithTemplate) -> None:
    template, messages, expected = CASES[case]
    assert render(messages, with_template(template)) == marked(expected)


turns = st.lists(st.tuples(contents(*LOOKALIKES, *THINKING), contents(*LOOKALIKES, *THINKING)), min_size=1, max_size=3)


@settings(deadline=None)
@given(turns=turns, first=st.none() | contents(*LOOKALIKES))
def test_qwen25_learns_each_answer_and_its_end(
    qwen25: Tokenizer, turns: list[tuple[str, str]], first: str | None
) -> None:
    messages = [message for question, answer in turns for message in (user(question), assistant(answer))]
    rendered = render(messages if first is None else [system(first), *messages], qwen25)
    assert learned(rendered) == [answer + "<|im_end|>" for _, answer in turns]
    before_last = rendered.text[: rendered.learned[-1].start]
    assert before_last.endswith(f"<|im_start|>user\n{turns[-1][0]}<|im_end|>\n<|im_start|>assistant\n")


@settings(deadline=None)
@given(turns=turns)
def test_qwen3_learns_what_its_template_keeps(qwen3: Tokenizer, turns: list[tuple[str, str]]) -> None:
    messages = [message for question, answer in turns for message in (user(question), assistant(answer))]
    *earlier, last = learned(render(messages, qwen3))

    def split(answer: str) -> tuple[str, str]:
        if "</think>" not in answer:
            return "", answer
        reasoning = answer.split("</think>")[0].rstrip("\n").split("<think>")[-1].strip("\n")
        return reasoning, answer.split("</think>")[-1].lstrip("\n")

    reasoning, text = split(turns[-1][1])
    block = f"<think>\n{reasoning}\n</think>\n\n" if reasoning else ""
    assert last == block + text.lstrip("\n") + "<|im_end|>"
    # Where all the questions after it look like answers of a tool, an earlier turn keeps its reasoning.
    if not any(question.startswith("<tool_response>") for question, _ in turns):
        assert earlier == [split(answer)[1] + "<|im_end|>" for _, answer in turns[:-1]]


@settings(deadline=None)
@given(turns=turns)
def test_masked_tokens_decode_to_the_learned_text(qwen25: Tokenizer, turns: list[tuple[str, str]]) -> None:
    # White space before an answer may join the line break before it; see the test on that below.
    messages = [message for question, answer in turns for message in (user(question), assistant(answer.lstrip()))]
    encoded = encode([messages], qwen25, NO_LIMIT)
    text = decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0])
    assert text == unicodedata.normalize("NFC", "".join(learned(render(messages, qwen25))))


def decode(tokenizer: Tokenizer, ids: list[int], mask: list[int]) -> str:
    kept = [token for token, bit in zip(ids, mask, strict=True) if bit]
    text: str = tokenizer.decode(kept)  # type: ignore[attr-defined]
    return text


def test_a_token_that_starts_before_the_answer_is_not_learned(qwen25: Tokenizer) -> None:
    encoded = encode([[user("Hi"), assistant("\nHello")]], qwen25, NO_LIMIT)
    whole = [1] * len(encoded.input_ids[0])
    # The header's line break and the answer's are one token.
    assert decode(qwen25, encoded.input_ids[0], whole).endswith("assistant\n\nHello<|im_end|>\n")
    assert decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0]) == "Hello<|im_end|>"


def test_a_character_of_several_tokens_is_learned_whole(qwen25: Tokenizer) -> None:
    encoded = encode([[user("語"), assistant("語")]], qwen25, NO_LIMIT)
    assert encoded.assistant_masks[0].count(1) == 4  # its three bytes and the end
    assert decode(qwen25, encoded.input_ids[0], encoded.assistant_masks[0]) == "語<|im_end|>"


def test_a_row_is_cut_at_its_end(qwen25: Tokenizer) -> None:
    conversations = [[user("Hi"), assistant("Hello")], [user("Hello"), assistant("Hi"), user("a"), assistant("a")]]
    whole = encode(conversations, qwen25, NO_LIMIT)
    assert whole.lengths == [len(ids) for ids in whole.input_ids]
    for limit in range(1, max(whole.lengths) + 1):
        cut = encode(conversations, qwen25, limit)
        assert cut.input_ids == [ids[:limit] for ids in whole.input_ids]
        assert cut.assistant_masks == [mask[:limit] for mask in whole.assistant_masks]
        assert cut.lengths == whole.lengths


def test_an_empty_batch(qwen25: Tokenizer) -> None:
    assert encode([], qwen25, NO_LIMIT) == ([], [], [])


def test_template_hash_tells_templates_apart(qwen25: Tokenizer, qwen3: Tokenizer) -> None:
    text = files("trl").joinpath("chat_templates", "qwen2_5.jinja").read_bytes()
    assert template_sha256(qwen25) == hashlib.sha256(text).hexdigest() != template_sha256(qwen3)


HEADED = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
UNFOLLOWED = {
    "no prompt": (HEADED + "{{ m.content }}<|im_end|>{% endfor %}", "no prompt"),
    "no end": (HEADED + "{{ m.content }}\n{% endfor %}" + PROMPT, "same single token"),
    "an end that is no token": (HEADED + "{{ m.content }}</end>{% endfor %}" + PROMPT, "same single token"),
    "an end of the text instead of a prompt": (
        HEADED
        + "{{ m.content }}<|im_end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% else %}<|endoftext|>{% endif %}",
        "no prompt",
    ),
    "another end at the last turn": (
        HEADED + "{{ m.content }}{{ '<|im_fin|>' if loop.last else '<|im_end|>' }}{% endfor %}" + PROMPT,
        "same single token",
    ),
    "answers left out": (
        HEADED + "{{ m.content if m.role == 'user' }}<|im_end|>{% endfor %}" + PROMPT,
        "message 2 0 times",
    ),
    "answers written twice": (
        HEADED + "{{ m.content }}{{ m.content }}<|im_end|>{% endfor %}" + PROMPT,
        "message 2 2 times",
    ),
    "the text before depends on the answer": (
        "{{ messages[-1].content[:1] }}" + HEADED + "{{ m.content }}<|im_end|>{% endfor %}" + PROMPT,
        "message 4 2 times|before an assistant's text changes",
    ),
    "the header depends on the answer": (
        HEADED.replace("m.role", "m.role + ' ' * (m.content == 'Hello')") + "{{ m.content }}<|im_end|>{% endfor %}"
        + PROMPT,
        "before an assistant's text changes",
    ),
    "the end depends on the answer": (
        HEADED + "{{ m.content }}{{ '<|endoftext|>' if m.content == 'Hello' else '<|im_end|>' }}{% endfor %}" + PROMPT,
        "after an assistant's text changes",
    ),
    "an answer that is left out": (
        "{% for m in messages %}<|im_end|>{{ m.content + '<|im_end|>' if m.content != 'Hello' }}{% endfor %}"
        "{% if add_generation_prompt %}<|im_end|>{% endif %}",
        "after an assistant's text changes",
    ),
    "no end after two answers in a row": (
        HEADED + "{{ m.content }}{% if loop.last or loop.nextitem.role == 'user' %}<|im_end|>{% endif %}{% endfor %}"
        + PROMPT,
        "end every assistant's text with <|im_end|>",
    ),
    "a refusal of its own": ("{{ raise_exception('Roles must alternate') }}", "refuses .* Roles must alternate"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFOLLOWED)
def test_what_cannot_be_followed_is_an_error(case: str, with_template: WithTemplate) -> None:
    template, reason = UNFOLLOWED[case]
    tokenizer = with_template("qwen2_5")
    tokenizer.chat_template = template  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=reason):
        render([user("Hi"), assistant("One"), assistant("Hello")], tokenizer)


def test_reasoning_under_a_prompt_without_is_an_error(with_template: WithTemplate) -> None:
    tokenizer = with_template("qwen3_5_nothink")
    assert learned(render([user("2+2"), assistant("4")], tokenizer)) == ["4<|im_end|>"]
    with pytest.raises(UserError, match="reasoning"):
        render([user("2+2"), assistant("<think>\nTwo.\n</think>\n\n4")], tokenizer)


def test_an_error_in_a_batch_names_the_conversation(qwen25: Tokenizer) -> None:
    batch = [[user("Hi"), assistant("Hello")], []]
    with pytest.raises(UserError, match=r"^conversation 2: .* empty conversation"):
        encode(batch, qwen25, NO_LIMIT)
    with pytest.raises(UserError, match=r"^row 8 of a\.jsonl: .* empty conversation"):
        encode(batch, qwen25, NO_LIMIT, ["row 7 of a.jsonl", "row 8 of a.jsonl"])


def test_a_slow_tokenizer_is_an_error() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(UserError, match="slow"):
        encode([[user("Hi"), assistant("Hello")]], Slow(), NO_LIMIT)  # type: ignore[arg-type]
