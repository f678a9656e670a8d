"""A conversation as the model sees it, and which of it is learned.

The tokenizer's own chat template writes the text; nothing here knows ChatML. An assistant's turn is found by
experiment: its content is replaced by a mark, and what then stands before and after the mark is what the template
writes around that turn. The same texts must stand before and after in the real conversation, and all between them is
the turn. So no content is ever searched for, and none can deceive by looking like a template.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol, TypedDict

from jinja2 import TemplateError

from qwenlab.errors import UserError

Message = dict[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`"""


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
        self, conversation: list[Message], *, tokenize: bool, add_generation_prompt: bool
    ) -> str: ...

    def __call__(self, text: list[str], *, add_special_tokens: bool, return_offsets_mapping: bool) -> Encoding: ...


class Span(NamedTuple):
    """A stretch of a text, in characters: `text[start:stop]`."""

    start: int
    stop: int


class Rendered(NamedTuple):
    """A conversation as text, and the spans that the loss covers: each assistant's text and its end-of-turn token."""

    text: str
    learned: list[Span]


class Encoded(NamedTuple):
    """Conversations as tokens."""

    input_ids: list[list[int]]
    """A row each, cut at `max_length`."""
    assistant_masks: list[list[int]]
    """1 where the token is learned, else 0; as long as `input_ids`."""
    lengths: list[int]
    """Tokens of each row before the cut."""


class Turn(NamedTuple):
    """What a template writes around an assistant's text."""

    opening: str
    """The prompt that generation starts from: `<|im_start|>assistant\\n`."""
    end: str
    """The end-of-turn token: `<|im_end|>`."""


def render(messages: list[Message], tokenizer: Tokenizer) -> Rendered:
    """The text that the tokenizer's chat template makes of a conversation, and which of it is learned.

    Learned is what the model would write itself: each assistant's text as the template puts it, and the end-of-turn
    token. An empty think block that the template adds is not learned; reasoning that it keeps is.

    Raises:
        UserError: the template refuses the conversation, or writes it in a way that cannot be followed.
    """
    return _render(messages, tokenizer, _learn_turn(tokenizer))


def encode(
    conversations: Sequence[list[Message]], tokenizer: Tokenizer, max_length: int, names: Sequence[str] = ()
) -> Encoded:
    """Conversations as tokens, cut at their end to `max_length`.

    A token is learned if it starts inside a learned span. So the end-of-turn token is; the line break after it is
    not; and where a content begins with white space that the tokenizer joins to the line break before it, the joint
    token is not: it starts in the template's own text.

    Args:
        conversations: the batch.
        tokenizer: a fast one, with a chat template.
        max_length: in tokens.
        names: what to call each conversation in an error, such as "row 17 of x.jsonl".

    Raises:
        UserError: as `render`, led by the conversation's name; or the tokenizer is not a fast one.
    """
    if not tokenizer.is_fast:
        raise UserError(
            "The model's tokenizer is a slow one, which cannot say where in the text each token stands.",
            "Choose a model that comes with a tokenizer.json.",
        )
    if not conversations:
        return Encoded([], [], [])
    turn = _learn_turn(tokenizer)
    rendered = []
    for index, messages in enumerate(conversations):
        try:
            rendered.append(_render(messages, tokenizer, turn))
        except UserError as error:
            name = names[index] if names else f"conversation {index + 1}"
            raise UserError(f"{name}: {error.message}", error.hint) from None
    tokens = _tokenize([one.text for one in rendered], tokenizer)
    return Encoded(
        input_ids=[ids[:max_length] for ids in tokens["input_ids"]],
        assistant_masks=[
            _mask(offsets[:max_length], one.learned)
            for offsets, one in zip(tokens["offset_mapping"], rendered, strict=True)
        ],
        lengths=[len(ids) for ids in tokens["input_ids"]],
    )


def token_spans(messages: list[Message], tokenizer: Tokenizer) -> tuple[str, list[tuple[int, int]], list[int]]:
    """One conversation in full: its text, each token's (start, stop) in it, and 1 for each token that is learned.

    Raises:
        UserError: as `render`.
    """
    rendered = render(messages, tokenizer)
    (offsets,) = _tokenize([rendered.text], tokenizer)["offset_mapping"]
    return rendered.text, offsets, _mask(offsets, rendered.learned)


def template_sha256(tokenizer: Tokenizer) -> str:
    """The hash of the chat template, in hexadecimal: two runs with the same one saw conversations alike."""
    return hashlib.sha256(tokenizer.get_chat_template().encode()).hexdigest()


def _render(messages: list[Message], tokenizer: Tokenizer, turn: Turn) -> Rendered:
    text = _apply(messages, tokenizer)
    assistants = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    mark = _absent_from(text)
    return Rendered(
        text, [_learned_span(text, *_around(messages, index, mark, tokenizer), turn) for index in assistants]
    )


def _learned_span(text: str, before: str, after: str, turn: Turn) -> Span:
    """The span of a turn and its end, given what the template writes before and after this turn's content."""
    start, stop = len(before), len(text) - len(after)
    if not text.startswith(before):
        # The content holds reasoning, and for the mark, which holds none, the template wrote an empty think block.
        # So the turn begins where generation would.
        opening, found, _ = before.rpartition(turn.opening)
        start = len(opening) + len(found)
        if not (found and text.startswith(before[:start])):
            raise _not_followed(
                "what it writes before an assistant's text changes with that text",
                "Where the rows hold reasoning, as in <think>...</think>, take it out: this template asks for none.",
            )
    if start > stop or not text.endswith(after):
        raise _not_followed("what it writes after an assistant's text changes with that text")
    if not after.startswith(turn.end):
        raise _not_followed(f"it does not end every assistant's text with {turn.end}")
    return Span(start, stop + len(turn.end))


def _learn_turn(tokenizer: Tokenizer) -> Turn:
    """What the template writes around an assistant's text, from a conversation made for this.

    Raises:
        UserError: the template has no prompt for generation, or no single token that ends an assistant's turn.
    """
    question, answer = {"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}
    asked = _apply([question], tokenizer)
    prompt = _apply([question], tokenizer, add_generation_prompt=True)
    opening = prompt.removeprefix(asked)
    if opening in ("", prompt):
        raise _not_followed("it has no prompt from which an answer is generated")

    conversation = [question, answer, question, answer]
    mark = _absent_from(_apply(conversation, tokenizer))
    _, after_first = _around(conversation, 1, mark, tokenizer)
    _, after_last = _around(conversation, 3, mark, tokenizer)
    end = after_last.rstrip()
    first_tokens = [offsets[:1] for offsets in _tokenize([after_first, after_last], tokenizer)["offset_mapping"]]
    if not after_first.startswith(end) or first_tokens != [[(0, len(end))]] * 2:
        raise _not_followed("it does not end every assistant's turn with the same single token of this tokenizer")
    return Turn(opening, end)


def _around(messages: list[Message], index: int, mark: str, tokenizer: Tokenizer) -> tuple[str, str]:
    """What the template writes before and after the content of a message, where that content is `mark`."""
    marked = [*messages[:index], messages[index] | {"content": mark}, *messages[index + 1 :]]
    parts = _apply(marked, tokenizer).split(mark)
    if len(parts) != 2:
        raise _not_followed(f"it writes the content of message {index + 1} {len(parts) - 1} times")
    return parts[0], parts[1]


def _absent_from(text: str) -> str:
    """A mark that `text` does not hold, and that no text beside it can complete a second time."""
    mark = "[mark]"
    while mark in text:
        mark = f"[{mark[1:-1]}k]"
    return mark


def _apply(messages: list[Message], tokenizer: Tokenizer, add_generation_prompt: bool = False) -> str:
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add_generation_prompt)
    except (TemplateError, ValueError) as error:
        raise UserError(
            f"The model's chat template refuses this conversation: {error}", "Mend the rows or leave them out."
        ) from None


def _tokenize(texts: list[str], tokenizer: Tokenizer) -> Encoding:
    # The template has written every special token already.
    return tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)


def _mask(offsets: list[tuple[int, int]], learned: list[Span]) -> list[int]:
    mask = [0] * len(offsets)
    for span in learned:
        first = bisect_left(offsets, span.start, key=itemgetter(0))
        stop = bisect_left(offsets, span.stop, key=itemgetter(0))
        mask[first:stop] = [1] * (stop - first)
    return mask


def _not_followed(
    why: str, hint: str = "Which tokens to learn would be a guess. Choose one of Qwen's Instruct models."
) -> UserError:
    return UserError(f"The model's chat template cannot be followed: {why}.", hint)
