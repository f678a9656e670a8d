"""A conversation as the model sees it: what it is asked with, and what of it is learned.

The tokenizer's own chat template writes the text; nothing here knows ChatML. What comes before an assistant's turn is,
word for word, the prompt that the same model is asked with later: a turn that the template writes otherwise inside a
longer conversation (Qwen3 leaves out the reasoning of earlier turns) becomes an example of its own, cut off where it
ends. So no content is ever searched for, and none can deceive by looking like a template.
"""

import hashlib
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Literal, NamedTuple, Protocol, TypedDict

from qwenlab.data.deadline import TooLongError, within
from qwenlab.errors import UserError

Message = dict[str, Any]
"""`{"role": "system" | "user" | "assistant", "content": text}`, and of an assistant's turn, where there is any,
`reasoning_content`: text; `learned`: False where the turn is context alone."""

RENDERING_S = 20.0
"""What a template may take for a conversation; it takes a thousandth of a second."""

WORDS = 500
"""Characters that are shown of what a template says."""

MARK = "[mark]"
"""A text that the template is tried with."""

TEXT_AFTER_REASONING = "\n\n"
"""Between reasoning and answer, where the reasoning is written as text."""


class Encoding(TypedDict):
    """What a tokenizer answers for a batch: an id and a (start, stop) in characters for each token of each text."""

    input_ids: list[list[int]]
    offset_mapping: list[list[tuple[int, int]]]


class Tokenizer(Protocol):
    """What is asked of a tokenizer; the fast ones of transformers have it."""

    @property
    def is_fast(self) -> bool: ...

    def get_chat_template(self) -> str: ...

    def apply_chat_template(
        self, conversation: list[Message], *, tokenize: bool, add_generation_prompt: bool, **switches: bool
    ) -> str: ...

    def __call__(self, text: list[str], *, add_special_tokens: bool, return_offsets_mapping: bool) -> Encoding: ...


class Rendering(NamedTuple):
    """How rows are written: one for a whole run, whatever asks it."""

    thinking: bool | None = None
    """Whether the model thinks before it answers. A turn without reasoning is written as if it did not, always. None:
    the template has no such mode."""
    reasoning: Literal["text", "drop"] = "text"
    """Where it does not think: whether reasoning stands before the answer as text, or is left out."""


class Span(NamedTuple):
    """A stretch of a text, in characters: `text[start:stop]`."""

    start: int
    stop: int


class Rendered(NamedTuple):
    """A text to train on, and the spans that the loss covers: each assistant's text and its end-of-turn token."""

    text: str
    learned: list[Span]


class Turn(NamedTuple):
    """A conversation up to an assistant's turn, and that turn with its end."""

    text: str
    span: Span


class ChatTemplate:
    """A tokenizer's chat template, and what an experiment shows of it.

    Attributes:
        end: the token that ends an assistant's turn: `<|im_end|>`.
        thinks: it writes reasoning apart from the answer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Try the template.

        Raises:
            UserError: it has no prompt for generation, or no single token that ends an assistant's turn.
        """
        self._tokenizer = tokenizer
        question, answer = {"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}
        if not prompt_text([question], tokenizer, None).removeprefix(_apply([question], tokenizer)):
            raise _not_followed("it has no prompt from which an answer is generated")
        self.end, self._tail = self._turn_end([question, answer])
        self.thinks = MARK in _apply([question, answer | {"reasoning_content": MARK}], tokenizer)

    def examples(self, messages: Sequence[Message], how: Rendering) -> list[Rendered]:
        """What is trained of a conversation, in its order; at least one, which may have nothing to learn.

        One text as a rule. Where the template writes a turn otherwise in a longer conversation than when it asks for
        it, that turn is an example of its own.

        Raises:
            UserError: the template refuses the conversation, or writes it in a way that cannot be followed.
        """
        said = asked(messages, how, self.thinks)
        turns = [index for index, message in enumerate(messages) if _is_learned(message, messages[:index])]
        if not turns:
            return [Rendered(_apply(said, self._tokenizer, False if how.thinking else how.thinking), [])]
        last = self._turn(said, turns[-1], how)
        shared = [last.span]
        alone: list[Rendered] = []
        for index in turns[-2::-1]:
            turn = self._turn(said, index, how)
            if last.text.startswith(turn.text[: turn.span.stop]):
                shared.insert(0, turn.span)
            else:
                alone.insert(0, Rendered(turn.text, [turn.span]))
        return [*alone, Rendered(last.text, shared)]

    def _turn(self, said: Sequence[Message], index: int, how: Rendering) -> Turn:
        thinking = None if how.thinking is None else bool(said[index].get("reasoning_content"))
        prompt = prompt_text(said[:index], self._tokenizer, thinking)
        text = _apply(list(said[: index + 1]), self._tokenizer, thinking)
        if not text.startswith(prompt):
            mode = {True: "with reasoning", False: "without reasoning", None: ""}[thinking]
            raise _not_followed(f"what it writes before an answer {mode} is not the prompt that asks for one")
        if not text.endswith(self._tail):
            raise _not_followed(f"it does not end every assistant's text with {self.end}")
        stop = len(text) - len(self._tail)
        if said[index]["content"].strip() not in text[len(prompt) : stop]:
            raise _not_followed("it does not write an assistant's text as it is")
        return Turn(text, Span(len(prompt), stop + len(self.end)))

    def _turn_end(self, conversation: list[Message]) -> tuple[str, str]:
        """The token that ends an assistant's turn, and all that stands behind a conversation's last word."""
        marked = [conversation[0], conversation[1] | {"content": MARK}]
        first, last = (
            _apply(messages, self._tokenizer).rpartition(MARK)[2] for messages in ([*marked, *conversation], marked)
        )
        inside = first.partition(conversation[0]["content"])[0]
        end = last.rstrip()
        offsets = tokenize([inside, last], self._tokenizer)["offset_mapping"]
        if not end or not inside.startswith(end) or [one[:1] for one in offsets] != [[(0, len(end))]] * 2:
            raise _not_followed("it does not end every assistant's turn with the same single token of this tokenizer")
        return end, last


def asked(messages: Sequence[Message], how: Rendering, thinks: bool) -> list[Message]:
    """The conversation as the template gets it: reasoning apart, in the text, or left out.

    Args:
        thinks: the template writes reasoning apart from the answer.
    """
    return [_said(message, how, thinks) for message in messages]


def _said(message: Message, how: Rendering, thinks: bool) -> Message:
    said = {"role": message["role"], "content": message["content"]}
    if message["role"] != "assistant":
        return said
    reasoning = message.get("reasoning_content") or ""
    if how.thinking:
        return said | {"reasoning_content": reasoning}
    if reasoning and how.reasoning == "text":
        said["content"] = f"{reasoning}{TEXT_AFTER_REASONING}{message['content']}"
    # Empty, it keeps the template from looking for tags in the content.
    return said | {"reasoning_content": ""} if thinks else said


def prompt_text(messages: Sequence[Message], tokenizer: Tokenizer, thinking: bool | None) -> str:
    """The text that an answer is generated from; the one place where a model is asked.

    Raises:
        UserError: the template refuses the conversation.
    """
    return _apply(list(messages), tokenizer, thinking, add_generation_prompt=True)


def conversation_text(messages: Sequence[Message], tokenizer: Tokenizer, thinking: bool | None) -> str:
    """A whole conversation as text.

    Raises:
        UserError: the template refuses it.
    """
    return _apply(list(messages), tokenizer, thinking)


def own_system_message(tokenizer: Tokenizer) -> str:
    """The system message that the template writes where a conversation has none; empty: it writes none."""
    user, answer = {"role": "user", "content": MARK}, {"role": "assistant", "content": "answer"}
    try:
        given = _apply([{"role": "system", "content": MARK}, user], tokenizer).partition(MARK)[0]
        first, second, _ = _apply([user, answer, user], tokenizer).split(MARK)
    except (UserError, ValueError):  # it has no system messages, or is no template that can be followed
        return ""
    # What stands before the second question ends as what stands before the first: with the turn's own beginning.
    same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(first), reversed(second), strict=False))
    written = first[: len(first) - sum(1 for _ in same)]
    return written.removeprefix(given).strip() if written.startswith(given) else ""


def template_in_mode(template: str, thinking: bool | None, fixed: bool) -> str:
    """The chat template that thinks, or does not, where nobody says; `fixed`: whatever anybody says.

    None leaves it as it is.
    """
    if thinking is None:
        return template
    switch = f"{{%- set enable_thinking = {str(thinking).lower()} %}}"
    return f"{switch if fixed else '{%- if enable_thinking is not defined %}' + switch + '{%- endif %}'}\n{template}"


def template_sha256(tokenizer: Tokenizer) -> str:
    """The hash of the chat template, in hexadecimal: two runs with the same one saw conversations alike."""
    return hashlib.sha256(tokenizer.get_chat_template().encode()).hexdigest()


def tokenize(texts: list[str], tokenizer: Tokenizer) -> Encoding:
    """As they stand: the template has written every special token already."""
    return tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)


def _is_learned(message: Message, before: Sequence[Message]) -> bool:
    """Nobody asks for a turn that no question comes before."""
    asked = any(earlier["role"] == "user" for earlier in before)
    return message["role"] == "assistant" and message.get("learned") is not False and asked


def _apply(
    messages: list[Message], tokenizer: Tokenizer, thinking: bool | None = None, add_generation_prompt: bool = False
) -> str:
    switches = {} if thinking is None else {"enable_thinking": thinking}
    try:
        with within(RENDERING_S):
            return tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, **switches
            )
    except TooLongError:
        raise UserError(
            f"The model's chat template takes more than {RENDERING_S:.0f} s for a conversation.",
            "Leave out what is very long; with every conversation, it is the model's own fault: choose another.",
        ) from None
    except Exception as error:  # noqa: BLE001  a template is a program of others, and what it raises is its own
        words = str(error)[:WORDS] or type(error).__name__
        raise UserError(
            f"The model's chat template refuses this conversation: {words}", "Mend it, or leave it out."
        ) from None


def _not_followed(why: str) -> UserError:
    return UserError(
        f"The model's chat template cannot be followed: {why}.",
        "Which tokens to learn would be a guess. Choose one of Qwen's Instruct models.",
    )
