"""Whether a run thinks before it answers: decided once, from the data and the chat template, and told."""

from typing import NamedTuple

import polars as pl

from qwenlab.data.chat_template import ChatTemplate, Rendering, Tokenizer
from qwenlab.data.conversations import holds_reasoning
from qwenlab.errors import UserError
from qwenlab.recipe import Recipe


class Decision(NamedTuple):
    """How the run's rows are written, and sentences on what that does to them."""

    how: Rendering
    notes: list[str]


def decide(recipe: Recipe, rows: pl.DataFrame, tokenizer: Tokenizer) -> Decision:
    """The rendering of a run.

    Args:
        recipe: its `model.thinking` and `data.reasoning`.
        rows: the training rows, with `messages`.
        tokenizer: the model's, with its chat template.

    Raises:
        UserError: the template has no thinking, or no row holds reasoning, and the recipe asks for it.
    """
    template, wish, reasoning = ChatTemplate(tokenizer), recipe.model.thinking, recipe.data.reasoning
    holding, total = rows.select(holds_reasoning().sum()).item(), rows.height
    if wish == "on" and not template.thinks:
        raise UserError(
            'model.thinking = "on": this model\'s chat template has no thinking.',
            'Set model.thinking = "auto"; reasoning in the rows then stands before the answer as text.',
        )
    if wish == "on" and not holding:
        raise UserError(
            'model.thinking = "on": no row holds reasoning, so the model would be asked otherwise than it was trained.',
            'Set model.thinking = "auto", or add rows with reasoning_content.',
        )
    thinking = None if not template.thinks else wish != "off" and holding > 0
    how = Rendering(thinking, reasoning)
    return Decision(how, [note for note in (_mode(how, holding, total), _written(how, holding, total)) if note])


def _mode(how: Rendering, holding: int, total: int) -> str:
    if how.thinking is None:
        return ""
    if not how.thinking:
        return "Thinking is off, in training and whenever the run is asked."
    rest = f"; the {total - holding:,} others are trained as when it is off" if holding < total else ""
    holders = f"{holding:,} of {total:,} rows hold reasoning{rest}"
    return f"Thinking is on, in training and whenever the run is asked: {holders}."


def _written(how: Rendering, holding: int, total: int) -> str:
    if not holding or how.thinking:
        return ""
    why = "this model's chat template has no thinking" if how.thinking is None else "thinking is off"
    if how.reasoning == "drop":
        return f"The reasoning of {holding:,} of {total:,} rows is left out, as data.reasoning says: {why}."
    return f"The reasoning of {holding:,} of {total:,} rows stands before the answer as text: {why}."
