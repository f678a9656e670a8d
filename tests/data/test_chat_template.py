"""Expected texts are written by hand, from the templates of the Qwens that trl ships; `»` and `«` enclose the loss."""

import hashlib
import itertools
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.data.chat_template import (
    ChatTemplate,
    Message,
    Rendered,
    Rendering,
    Span,
    Tokenizer,
    asked,
    prompt_text,
    template_in_mode,
    template_sha256,
)
from qwenlab.data.loss_mask import encode
from qwenlab.errors import UserError
from tests.data.made import SHARED_DATA
from tests.data.templates import (
    QWENS,
    THINKING_QWENS,
    assistant,
    system,
    template_text,
    user,
    with_template,
)

QWEN25_DEFAULT = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
NO_LIMIT = 1_000_000
REAL_TOKENIZER = SHARED_DATA.parent / "models/qwen3-tokenizer"
OFF, ON, NONE = Rendering(False), Rendering(True), Rendering(None)

# Contents that look like what a template writes, or like the mark that it is tried with.
LOOKALIKES = (
    "<|im_start|>", "<|im_end|>", "<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>user\n", "assistant\n",
    "[mark]", "[mar", "[", "k]", "{{ messages }}", "\n", " ", "\t\n", "é", "e\u0301",
)  # fmt: skip


def contents(*lookalikes: str) -> st.SearchStrategy[str]:
    return st.lists(st.text(max_size=6) | st.sampled_from(lookalikes), max_size=6).map("".join)


def learned(rendered: Rendered) -> list[str]:
    return [rendered.text[span.start : span.stop] for span in rendered.learned]


def marked(expected: str) -> Rendered:
    """A rendering written by hand: the learned spans stand between « and »."""
    pieces = expected.replace("»", "«").split("«")
    starts = [len("".join(pieces[:index])) for index in range(len(pieces))]
    return Rendered("".join(pieces), [Span(*ends) for ends in zip(starts[1::2], starts[2::2], strict=True)])


CASES: dict[str, tuple[str, Rendering, list[Message], list[str]]] = {
    "one turn, the template's own system message": (
        "qwen2_5",
        NONE,
        [user("Hi"), assistant("Hello")],
        [QWEN25_DEFAULT + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«Hello<|im_end|>»\n"],
    ),
    "two turns with the same words": (
        "qwen2_5",
        NONE,
        [system("a"), user("a"), assistant("a"), user("a"), assistant("a")],
        [
            "<|im_start|>system\na<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n«a<|im_end|>»\n"
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n«a<|im_end|>»\n"
        ],
    ),
    "white space that Qwen2.5 keeps": (
        "qwen2_5",
        NONE,
        [system(""), user(" Hi\n"), assistant("\n Hello \n")],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n"
            "<|im_start|>assistant\n«\n Hello \n<|im_end|>»\n"
        ],
    ),
    "contents that look like a template": (
        "qwen2_5",
        NONE,
        [system(""), user("<|im_start|>assistant\nYes<|im_end|>\n"), assistant("No<|im_end|>\n<|im_start|>user\nHi")],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n<|im_start|>assistant\nYes<|im_end|>\n<|im_end|>\n"
            "<|im_start|>assistant\n«No<|im_end|>\n<|im_start|>user\nHi<|im_end|>»\n"
        ],
    ),
    "no assistant": (
        "qwen2_5",
        NONE,
        [system(""), user("Hi")],
        ["<|im_start|>system\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"],
    ),
    "an assistant who speaks first is context": (
        "qwen2_5",
        NONE,
        [system(""), assistant("Welcome"), user("Hi"), assistant("Two")],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>assistant\nWelcome<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«Two<|im_end|>»\n"
        ],
    ),
    "a turn that is not to be learned": (
        "qwen2_5",
        NONE,
        [system(""), user("a"), assistant("b", learned=False), user("c"), assistant("d", learned=True)],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
            "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n«d<|im_end|>»\n"
        ],
    ),
    "what comes after the last turn that is learned": (
        "qwen2_5",
        NONE,
        [system(""), user("a"), assistant("b"), user("c"), assistant("d", learned=False)],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n«b<|im_end|>»\n"
        ],
    ),
    "no thinking in the template: reasoning is text": (
        "qwen2_5",
        NONE,
        [system(""), user("2+2"), assistant("4", "Two and two.")],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n2+2<|im_end|>\n"
            "<|im_start|>assistant\n«Two and two.\n\n4<|im_end|>»\n"
        ],
    ),
    "no thinking in the template: reasoning is left out": (
        "qwen2_5",
        Rendering(None, "drop"),
        [system(""), user("2+2"), assistant("4", "Two and two.")],
        [
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n«4<|im_end|>»\n"
        ],
    ),
    "Qwen3 adds an empty think block, which is context": (
        "qwen3",
        OFF,
        [user("Hi"), assistant("Hello")],
        ["<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«Hello<|im_end|>»\n"],
    ),
    "Qwen3 adds the think block to the last turn only: the earlier is an example of its own": (
        "qwen3",
        OFF,
        [user("Hi"), assistant("Hello"), user("Bye"), assistant("Goodbye")],
        [
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«Hello<|im_end|>»\n",
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«Goodbye<|im_end|>»\n",
        ],
    ),
    "reasoning is learned": (
        "qwen3",
        ON,
        [user("2+2"), assistant("4", "Two and two.")],
        ["<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n«<think>\nTwo and two.\n</think>\n\n4<|im_end|>»\n"],
    ),
    "reasoning of earlier turns is learned where it is asked for, and is no context later": (
        "qwen3",
        ON,
        [user("2+2"), assistant("4", "Two and two."), user("3+3"), assistant("6", "Thrice.")],
        [
            "<|im_start|>user\n2+2<|im_end|>\n"
            "<|im_start|>assistant\n«<think>\nTwo and two.\n</think>\n\n4<|im_end|>»\n",
            "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n"
            "<|im_start|>user\n3+3<|im_end|>\n<|im_start|>assistant\n«<think>\nThrice.\n</think>\n\n6<|im_end|>»\n",
        ],
    ),
    "thinking is on, and a row has no reasoning: as when it is off": (
        "qwen3_5_think",
        ON,
        [user("2+2"), assistant("4")],
        ["<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n«4<|im_end|>»\n"],
    ),
    "thinking is off, and a row has reasoning: as text": (
        "qwen3",
        OFF,
        [user("2+2"), assistant("4", "Two and two.")],
        [
            "<|im_start|>user\n2+2<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n«Two and two.\n\n4<|im_end|>»\n"
        ],
    ),
    "a prompt that opens the think block itself": (
        "qwen3_5_think",
        ON,
        [user("2+2"), assistant("4", "Two and two.")],
        ["<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n<think>\n«Two and two.\n</think>\n\n4<|im_end|>»\n"],
    ),
    "a tag in the answer is text": (
        "qwen3",
        OFF,
        [user("What closes it?"), assistant("It is </think> that does.")],
        [
            "<|im_start|>user\nWhat closes it?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n«It is </think> that does.<|im_end|>»\n"
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_text_and_learned_spans_are_as_written_by_hand(case: str) -> None:
    template, how, messages, expected = CASES[case]
    assert ChatTemplate(with_template(template)).examples(messages, how) == [marked(one) for one in expected]


@pytest.mark.parametrize("name", QWENS)
def test_which_qwens_think(name: str) -> None:
    template = ChatTemplate(with_template(name))
    assert template.end == "<|im_end|>"
    assert template.thinks == (name in THINKING_QWENS)


def conversation(answers: int, first: str | None, reasoning: bool, text: st.DataObject | None = None) -> list[Message]:
    """Turns of drawn contents, or of fixed ones."""

    def draw() -> str:
        return text.draw(contents(*LOOKALIKES)) if text else "a\n b"

    turns = [
        message
        for _ in range(answers)
        for message in (user(draw() + "?"), assistant(draw(), (draw() + ".") if reasoning else ""))
    ]
    return turns if first is None else [system(first), *turns]


def check_asked_as_trained(tokenizer: Tokenizer, messages: list[Message], how: Rendering) -> None:
    """The tokens before the first learned token of the last turn are the tokens of the prompt that asks for it."""
    encoded = encode([messages], tokenizer, how, NO_LIMIT)
    ids, mask = encoded.input_ids[-1], encoded.assistant_masks[-1]
    # Backwards from the last learned token to where its turn begins; earlier turns are never adjacent to it.
    stop = len(mask) - mask[::-1].index(1)
    start = max((at + 1 for at in range(stop) if not mask[at]), default=0)
    on = how.thinking and bool(messages[-1]["reasoning_content"])
    context = asked(messages[:-1], how, ChatTemplate(tokenizer).thinks)
    prompt = prompt_text(context, tokenizer, None if how.thinking is None else bool(on))
    assert tokenizer([prompt], add_special_tokens=False, return_offsets_mapping=True)["input_ids"][0] == ids[:start]


MATRIX = list(itertools.product(QWENS, (None, "auto", "off"), (1, 3), (False, True), (None, "Be brief.")))
"""Template, mode, turns, with reasoning, system message."""


def mode_of(name: str, wish: str | None) -> Rendering:
    if name not in THINKING_QWENS or wish is None:
        return Rendering(None if name not in THINKING_QWENS else False, "drop")
    return Rendering(wish == "auto")


@pytest.mark.parametrize(("name", "wish", "answers", "reasoning", "first"), MATRIX)
def test_every_qwen_is_asked_as_it_was_trained(
    name: str, wish: str | None, answers: int, reasoning: bool, first: str | None
) -> None:
    messages = conversation(answers, first, reasoning)
    check_asked_as_trained(with_template(name), messages, mode_of(name, wish))


@settings(deadline=None)
@given(
    name=st.sampled_from(QWENS),
    wish=st.sampled_from((None, "auto", "off")),
    answers=st.integers(1, 3),
    reasoning=st.booleans(),
    first=st.none() | contents(*LOOKALIKES),
    text=st.data(),
)
def test_and_so_with_any_text(
    name: str, wish: str | None, answers: int, reasoning: bool, first: str | None, text: st.DataObject
) -> None:
    messages = conversation(answers, first, reasoning, text)
    check_asked_as_trained(with_template(name), messages, mode_of(name, wish))


@pytest.mark.skipif(not REAL_TOKENIZER.exists(), reason="the real tokenizer is not here")
@pytest.mark.parametrize("name", QWENS)
def test_and_so_with_the_real_tokenizer(name: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(REAL_TOKENIZER)
    tokenizer.chat_template = template_text(name)
    for wish, answers, reasoning, first in itertools.product(
        (None, "auto", "off"), (1, 3), (False, True), (None, "Be brief.")
    ):
        check_asked_as_trained(cast(Tokenizer, tokenizer), conversation(answers, first, reasoning), mode_of(name, wish))


def test_template_hash_tells_templates_apart() -> None:
    qwen25, qwen3 = with_template("qwen2_5"), with_template("qwen3")
    text = template_text("qwen2_5").encode()
    assert template_sha256(qwen25) == hashlib.sha256(text).hexdigest() != template_sha256(qwen3)


HEADED = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
UNFOLLOWED = {
    "no prompt": (HEADED + "{{ m.content }}<|im_end|>{% endfor %}", "no prompt"),
    "no end": (HEADED + "{{ m.content }}\n{% endfor %}" + PROMPT, "same single token"),
    "an end that is no token": (HEADED + "{{ m.content }}</end>{% endfor %}" + PROMPT, "same single token"),
    "another end at the last turn": (
        HEADED + "{{ m.content }}{{ '<|im_fin|>' if loop.last else '<|im_end|>' }}{% endfor %}" + PROMPT,
        "same single token",
    ),
    "answers left out": (
        HEADED + "{{ m.content if m.role == 'user' }}<|im_end|>{% endfor %}" + PROMPT,
        "same single token|as it is",
    ),
    "the text before depends on the answer": (
        "{{ messages[-1].content[:2] }}" + HEADED + "{{ m.content }}<|im_end|>{% endfor %}" + PROMPT,
        "is not the prompt",
    ),
    "the header depends on the answer": (
        HEADED.replace("m.role", "m.role + ' ' * (m.content == 'Hello')") + "{{ m.content }}<|im_end|>{% endfor %}"
        + PROMPT,
        "is not the prompt",
    ),
    "the end depends on the answer": (
        HEADED + "{{ m.content }}{{ '<|endoftext|>' if m.content == 'Hello' else '<|im_end|>' }}{% endfor %}" + PROMPT,
        "does not end every",
    ),
    "an answer that is left out": (
        HEADED + "{{ m.content if m.content != 'Hello' }}<|im_end|>{% endfor %}" + PROMPT,
        "as it is",
    ),
    "a refusal of its own": ("{{ raise_exception('Roles must alternate') }}", "refuses .* Roles must alternate"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFOLLOWED)
def test_what_cannot_be_followed_is_an_error(case: str) -> None:
    template, reason = UNFOLLOWED[case]
    tokenizer = with_template("qwen2_5")
    tokenizer.chat_template = template  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=reason):
        ChatTemplate(tokenizer).examples([user("Hi"), assistant("Hello")], NONE)


def test_a_mode_that_the_template_does_not_write_as_it_asks() -> None:
    tokenizer = with_template("qwen3")
    # It asks with an open thought always, and writes none where there is no reasoning.
    tokenizer.chat_template = (  # type: ignore[attr-defined]
        HEADED + "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
        "{{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    )
    template = ChatTemplate(tokenizer)
    (example,) = template.examples([user("2+2"), assistant("4", "Two.")], ON)
    assert learned(example) == ["Two.\n</think>\n\n4<|im_end|>"]
    with pytest.raises(UserError, match="before an answer without reasoning is not the prompt"):
        template.examples([user("2+2"), assistant("4")], ON)


@pytest.mark.parametrize("name", THINKING_QWENS)
@pytest.mark.parametrize("thinking", [True, False])
def test_an_exported_template_asks_in_the_run_s_mode(name: str, thinking: bool) -> None:
    plain = with_template(name)
    prompts = {mode: prompt_text([user("Hi")], plain, mode) for mode in (True, False)}
    assert prompts[True] != prompts[False]
    for fixed in (False, True):
        exported = with_template(name)
        exported.chat_template = template_in_mode(template_text(name), thinking, fixed)  # type: ignore[attr-defined]
        assert prompt_text([user("Hi")], exported, None) == prompts[thinking]
        assert prompt_text([user("Hi")], exported, not thinking) == prompts[thinking if fixed else not thinking]
    assert template_in_mode(template_text(name), None, False) == template_text(name)
