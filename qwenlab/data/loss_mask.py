"""Which tokens are learned: conversations to token ids and masks."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from qwenlab.data.chat_template import ChatTemplate, Message, Rendered, Rendering, Span, Tokenizer, tokenize
from qwenlab.errors import UserError


class Encoded(NamedTuple):
    """Examples as tokens, in the order of their conversations."""

    input_ids: list[list[int]]
    """An example each, cut at `max_length`."""
    assistant_masks: list[list[int]]
    """1 where the token is learned, else 0; as long as `input_ids`."""
    lengths: list[int]
    """Tokens of each example before the cut."""
    conversations: list[int]
    """Which conversation each example is of, from 0: every one has an example, and some have several."""


class Tokens(NamedTuple):
    """An example in full."""

    text: str
    offsets: list[tuple[int, int]]
    """Each token's (start, stop) in the text."""
    mask: list[int]
    """1 for each token that is learned."""


def encode(
    conversations: Sequence[list[Message]],
    tokenizer: Tokenizer,
    how: Rendering,
    max_length: int,
    names: Sequence[str] = (),
) -> Encoded:
    """Conversations as tokens, cut at their end to `max_length`.

    A token is learned if it starts inside a learned span. So the end-of-turn token is; the line break after it is not.
    What comes before the last answer is tokenised by itself, as it is when the model is asked: the answer's first
    token is never joined to the prompt's last. An earlier answer's is, where it begins with white space that the
    tokenizer joins to the line break before it; the joint token is not learned.

    Args:
        conversations: the batch.
        tokenizer: a fast one, with a chat template.
        how: the run's rendering.
        max_length: in tokens.
        names: what to call each conversation in an error, such as "row 17 of x.jsonl".

    Raises:
        UserError: as `ChatTemplate.examples`, led by the conversation's name; or the tokenizer is not a fast one.
    """
    if not tokenizer.is_fast:
        raise UserError(
            "The model's tokenizer is a slow one, which cannot say where in the text each token stands.",
            "Choose a model that comes with a tokenizer.json.",
        )
    if not conversations:
        return Encoded([], [], [], [])
    template = ChatTemplate(tokenizer)
    rendered: list[Rendered] = []
    indices: list[int] = []
    for index, messages in enumerate(conversations):
        try:
            examples = template.examples(messages, how)
        except UserError as error:
            name = names[index] if names else f"conversation {index + 1}"
            raise UserError(f"{name}: {error.message}", error.hint) from None
        rendered += examples
        indices += [index] * len(examples)
    joints = [_joint(one) for one in rendered]
    before = tokenize([one.text[:joint] for one, joint in zip(rendered, joints, strict=True)], tokenizer)
    after = tokenize([one.text[joint:] for one, joint in zip(rendered, joints, strict=True)], tokenizer)
    encoded = Encoded([], [], [], indices)
    for row, (one, joint) in enumerate(zip(rendered, joints, strict=True)):
        ids = before["input_ids"][row] + after["input_ids"][row]
        mask = _mask(before["offset_mapping"][row], one.learned[:-1])
        mask += _mask(after["offset_mapping"][row], [Span(0, one.learned[-1].stop - joint)] if one.learned else [])
        encoded.input_ids.append(ids[:max_length])
        encoded.assistant_masks.append(mask[:max_length])
        encoded.lengths.append(len(ids))
    return encoded


def example_tokens(messages: list[Message], tokenizer: Tokenizer, how: Rendering) -> list[Tokens]:
    """One conversation in full: each of its examples, in their order.

    Raises:
        UserError: as `encode`.
    """
    found = []
    for one in ChatTemplate(tokenizer).examples(messages, how):
        joint = _joint(one)
        before, after = tokenize([one.text[:joint], one.text[joint:]], tokenizer)["offset_mapping"]
        last = [Span(0, one.learned[-1].stop - joint)] if one.learned else []
        offsets = [*before, *((start + joint, stop + joint) for start, stop in after)]
        found.append(Tokens(one.text, offsets, _mask(before, one.learned[:-1]) + _mask(after, last)))
    return found


def _joint(one: Rendered) -> int:
    """Where the prompt ends that the last answer was asked with."""
    return one.learned[-1].start if one.learned else len(one.text)


def _mask(offsets: list[tuple[int, int]], learned: list[Span]) -> list[int]:
    mask = [0] * len(offsets)
    for span in learned:
        first = bisect_left(offsets, span.start, key=itemgetter(0))
        stop = bisect_left(offsets, span.stop, key=itemgetter(0))
        mask[first:stop] = [1] * (stop - first)
    return mask
