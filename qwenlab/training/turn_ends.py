"""Where an answer ends: the tokens that end an assistant's turn, for all who generate, serve or export."""

from typing import Any

from qwenlab.data.chat_template import ChatTemplate
from qwenlab.errors import UserError
from qwenlab.training.source import BROKEN_MODEL, ModelSource


def end_tokens(source: ModelSource, tokenizer: Any) -> list[int]:
    """Ids, the one that training teaches first: the chat template's end of turn, then what the model itself has.

    A base model's own is the end of a text, `<|endoftext|>`, which a model that was tuned on conversations never
    writes. A template that cannot be followed adds none: nothing is trained with it.
    """
    ends = [end for end in (taught_end(tokenizer), *own_ends(source), tokenizer.eos_token_id) if end is not None]
    return list(dict.fromkeys(ends))


def taught_end(tokenizer: Any) -> int | None:
    """The token that the chat template writes after an assistant's turn; None where the template cannot be followed."""
    try:
        end = ChatTemplate(tokenizer).end
    except UserError:
        return None
    token: int = tokenizer.convert_tokens_to_ids(end)
    return token


def own_ends(source: ModelSource) -> list[int]:
    """The tokens at which the model itself ends a text, whatever its chat template says."""
    ends = source.generation_config.get("eos_token_id", source.text_config.eos_token_id)
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if not all(isinstance(end, int) for end in ends):
        raise UserError(f"{source.name}: the eos_token_id of its configuration is {ends!r:.100}.", BROKEN_MODEL)
    return ends
