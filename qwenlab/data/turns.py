"""What a turn of a conversation says: who speaks, the reasoning before an answer, whether it is learned, its faults."""

from typing import Any, Literal, NamedTuple

import polars as pl

from qwenlab.data.column_mapping import REASONING, turn_fields
from qwenlab.data.values import OTHER, TEXT, as_text, is_mixed

MESSAGES = pl.List(
    pl.Struct({"role": pl.String, "content": pl.String, "reasoning_content": pl.String, "learned": pl.Boolean})
)
"""Turns. `reasoning_content`: what an assistant thought first, else null. `learned`: false where the row says that this
turn is there to be read alone, else null."""

SPEAKERS = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "developer": "system",
}
"""Roles by their names in ShareGPT and its relatives. Other names stay, and a rule drops their rows."""

TOOL_ROLES = (
    *("tool", "tools", "tool_call", "tool_response", "function", "function_call", "function_response"),
    *("observation", "ipython"),
)
TOOL_FIELDS = ("tool_calls", "function_call")

LEARNED = ("learned", "weight", "train", "loss", "training")
"""Fields by which data sets say that an assistant's turn is not to be learned: 0 or false."""

NO_TEXT = pl.lit(None, pl.String)


Fault = Literal["tool_calls", "not_text"]
"""What can be wrong with a turn so that its row is not learned from; each is a rule's name."""

Faults = dict[Fault, pl.Expr]
"""Whether a row has that fault."""


class Spoken(NamedTuple):
    """Expressions over a column of turns."""

    messages: pl.Expr
    faults: Faults


def spoken(values: pl.Series) -> Spoken:
    """The turns in a column whose values are these."""
    fields = turn_fields(values.dtype)
    assert fields and isinstance(values.dtype, pl.List)
    inner: Any = values.dtype.inner
    types: dict[str, pl.DataType] = dict(inner)
    turn = pl.element().struct
    role = turn.field(fields.role).cast(pl.String).str.to_lowercase().str.strip_chars().replace(SPEAKERS)
    is_assistant = (role == "assistant").fill_null(False)
    content = said(turn.field(fields.content), types[fields.content])
    traces = {name: types[name] for name in REASONING if name in types}
    thoughts = [filled(_text(turn.field(name), dtype)) for name, dtype in traces.items()]
    no_text = [is_assistant & _is_no_text(turn.field(name), dtype) for name, dtype in traces.items()]
    no_text.append(_is_no_text(turn.field(fields.content), types[fields.content]))
    wrong: Faults = {"not_text": pl.any_horizontal(no_text)}
    reasoning = pl.when(is_assistant).then(pl.coalesce(thoughts)) if thoughts else None
    unlearned = [_is_false(turn.field(name), types[name]) for name in LEARNED if name in types]
    learned = pl.when(is_assistant & pl.any_horizontal(unlearned)).then(False) if unlearned else None
    calls = [is_there(turn.field(name), types[name]) for name in TOOL_FIELDS if name in types]
    wrong["tool_calls"] = pl.any_horizontal(role.is_in(TOOL_ROLES), *calls)
    turns = pl.col(values.name).list
    faults = {fault: turns.eval(is_so.fill_null(False)).list.any().fill_null(False) for fault, is_so in wrong.items()}
    return Spoken(turns.eval(make_turn(role, content, reasoning, learned)), faults)


def make_turn(
    role: pl.Expr | str, content: pl.Expr, reasoning: pl.Expr | None = None, learned: pl.Expr | None = None
) -> pl.Expr:
    """A turn as `MESSAGES` has them."""
    return pl.struct(
        (pl.lit(role) if isinstance(role, str) else role).alias("role"),
        content.alias("content"),
        (NO_TEXT if reasoning is None else reasoning).alias("reasoning_content"),
        (pl.lit(None, pl.Boolean) if learned is None else learned).alias("learned"),
    )


def said(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """What was said, as text; what is no text as its JSON, to be shown and not learned."""
    if is_mixed(dtype):
        return pl.coalesce(values.struct.field(TEXT), values.struct.field(OTHER))
    return as_text(values, dtype)


def _text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Null where it is no text."""
    return values.struct.field(TEXT) if is_mixed(dtype) else values if dtype == pl.String else NO_TEXT


def _is_no_text(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A list or an object; numbers and truth values are read as text, or are no more than a flag."""
    if is_mixed(dtype):
        return values.struct.field(OTHER).is_not_null()
    return is_there(values, dtype) if isinstance(dtype, pl.List | pl.Struct) else pl.lit(False)


def filled(text: pl.Expr) -> pl.Expr:
    """Null where there is nothing but white space; no white space around it."""
    stripped = text.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _is_false(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """False, 0, or one of their names in a file of texts."""
    if dtype == pl.Boolean or dtype.is_numeric():
        return (values == 0).fill_null(False)
    if dtype == pl.String:
        return values.str.to_lowercase().is_in(["false", "0", "0.0"]).fill_null(False)
    return pl.lit(False)


def is_there(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Neither null nor empty."""
    if isinstance(dtype, pl.List):
        return values.list.len() > 0
    if isinstance(dtype, pl.Struct):
        fields = [is_there(values.struct.field(field.name), field.dtype) for field in dtype.fields]  # type: ignore[arg-type]
        return pl.any_horizontal(fields) if fields else pl.lit(False)
    if dtype == pl.String:
        return ~values.str.strip_chars().is_in(["", "[]", "{}", "null", "None"])
    return values.is_not_null()
