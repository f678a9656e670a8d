"""Which column is which role: by the names and types that data sets use, or as the user says."""

from collections import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from qwenlab.data.files import Table
from qwenlab.data.report import Layout
from qwenlab.data.unrecognised import columns_of, not_recognised
from qwenlab.data.values import is_mixed, is_plain, is_readable, is_text
from qwenlab.errors import UserError

# In order of preference. Where a data set has several, the earlier one is more likely to be the whole of it: all
# `generations` with their traces rather than the `solution` that was given, a `solution` with its steps rather than the
# bare `answer`, `instruction` and `input` rather than a ready-made `prompt`.
MESSAGES = ("messages", "conversations", "conversation")
SYSTEM = ("system", "system_prompt")
HISTORY = ("history",)
USER = ("user", "question", "problem", "query", "instruction", "prompt", "input", "human", "description")
REASONING = (
    *("reasoning_content", "reasoning", "thinking", "thought", "reasoning_text", "chain_of_thought", "complex_cot"),
)
ASSISTANT = (
    *("generations", "assistant", "response", "completion", "output", "generation", "generated_solution", "solution"),
    *("rationale", "answer"),
)
CONTEXT = ("input", "context")
"""What an instruction of the Alpaca layout is about; it follows the instruction after a blank line."""

WANTED = ("label", "kto_tag")
"""Whether an answer is a wanted one, in data for KTO; `label` beside a prompt and its completion alone."""

SPOKEN = ("messages", "history", "user", "assistant")
"""Roles whose column may hold turns instead of texts."""

Columns = dict[str, tuple[str, ...]]
"""Role, or `messages`, `history`, `wanted`, to its columns; several are joined."""

Override = abc.Mapping[Any, str]
"""Role, or `messages`, to the column that the user says; empty: to none, whatever the columns are called."""


class Mapping(NamedTuple):
    """Which columns are read as what: `messages`, or `user` and `assistant`; and others where there are some."""

    layout: Layout
    columns: Columns

    def shown(self) -> dict[str, str]:
        """Role to column, for people; columns that are joined stand with a plus."""
        return {role: " + ".join(columns) for role, columns in self.columns.items()}


class TurnFields(NamedTuple):
    """What a turn calls its speaker and what was said, and the type of the latter."""

    role: str
    content: str
    content_type: pl.DataType


def recognise(table: Table, override: Override) -> Mapping:
    """The mapping of a table: what the user says, and the detection for the rest.

    Raises:
        UserError: a column is not there, or holds neither text nor turns, or nothing was recognised.
    """
    override = {role: column.strip() for role, column in override.items()}
    for role, column in override.items():
        if column and column not in table.frame.columns:
            raise UserError(f"{table.name} has no column {column!r} for {role}.", columns_of(table))
    said = {role for role, column in override.items() if column}
    if "messages" in said and said & {"user", "assistant"}:
        raise UserError("A row is read from `messages`, or from `user` and `assistant`, not from both.", "Name one.")
    found = {
        role: _column(table, role, names, override) for role, names in (("system", SYSTEM), ("reasoning", REASONING))
    }
    if not said & {"user", "assistant"}:
        messages = _column(table, "messages", MESSAGES, override)
        if messages:
            fields = turn_fields(table.frame.schema[messages])
            layout: Layout = "sharegpt" if fields and fields.role == "from" else "messages"
            return Mapping(layout, _present(found | {"messages": messages, "wanted": _wanted(table, layout)}))
    names = {column.lower() for column in table.frame.columns}
    pair = {"prompt", "completion"} <= names
    user = _column(table, "user", ("prompt",) if pair else USER, override)
    assistant = _column(table, "assistant", ("completion",) if pair else ASSISTANT, override)
    if not user or not assistant:
        raise not_recognised(table, found | {"user": user, "assistant": assistant}, _turn_columns(table))
    layout = _layout(user, assistant)
    joined = user.lower() == "instruction" and "user" not in override
    context = _column(table, "context", CONTEXT, {}) if joined else None
    columns = _present(
        {"system": found["system"], "history": _column(table, "history", HISTORY, {}), "user": user}
        | {"reasoning": found["reasoning"], "assistant": assistant, "wanted": _wanted(table, layout)}
    )
    return Mapping(layout, columns | ({"user": (user, context)} if context else {}))


def turn_fields(dtype: pl.DataType) -> TurnFields | None:
    """The fields of a list of turns; None for everything else."""
    if not (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)):
        return None
    types: dict[str, Any] = dict(dtype.inner)
    role = next((name for name in ("role", "from") if name in types and is_text(types[name])), None)
    content = next((name for name in ("content", "value", "text") if name in types and is_readable(types[name])), None)
    return TurnFields(role, content, types[content]) if role and content else None


def is_pairs(dtype: pl.DataType) -> bool:
    """Whether each value is a list of [question, answer], as LLaMA-Factory writes the history of a conversation."""
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.List) and dtype.inner.inner in (pl.String, pl.Null)


def is_choice(dtype: pl.DataType) -> bool:
    """Whether each value is a list of answers to the same question."""
    return isinstance(dtype, pl.List) and dtype.inner == pl.String


def _present(columns: dict[str, str | None]) -> Columns:
    return {role: (column,) for role, column in columns.items() if column}


def _layout(user: str, assistant: str) -> Layout:
    if (user.lower(), assistant.lower()) == ("prompt", "completion"):
        return "prompt_completion"
    return "alpaca" if user.lower() == "instruction" else "question_answer"


def _column(table: Table, role: str, names: Sequence[str], override: Override) -> str | None:
    """The column of a role: the override, or the first of these names that fits; None where there is none.

    Raises:
        UserError: there are such columns, and none of them holds what the role needs.
    """
    by_name = {column.lower(): column for column in reversed(table.frame.columns)}
    found = [override[role]] if role in override else [by_name[name] for name in names if name in by_name]
    found = [column for column in found if column]
    fitting = [column for column in found if _fits(table.frame[column], role, role in override)]
    if found and not fitting and (role in override or role in ("messages", "user", "assistant")):
        raise _wrong_type(table, found[0], role)
    # What was written as text comes before numbers, which are texts as well.
    fitting.sort(key=lambda column: is_plain(table.frame.schema[column]) and not is_text(table.frame.schema[column]))
    return fitting[0] if fitting else None


def _fits(values: pl.Series, role: str, is_named: bool) -> bool:
    """Whether a column can be read as the role; `is_named`: the user says so."""
    dtype = values.dtype
    if role in SPOKEN and turn_fields(dtype) is not None:
        return True
    if role == "messages":
        return False
    if role == "history":
        return is_pairs(dtype)
    if role in ("system", "context", "reasoning") and not is_named and not is_text(dtype) and not is_mixed(dtype):
        return False
    if role == "reasoning" and not is_named and dtype == pl.String:
        # In some data sets it says whether there is reasoning: `on`, `off`.
        return values.null_count() == values.len() or bool(values.str.contains(r"\S\s+\S").any())
    return is_readable(dtype) or (role == "assistant" and is_choice(dtype))


def _wanted(table: Table, layout: Layout) -> str | None:
    """The column that says of each answer whether it is a wanted one."""
    names = WANTED if layout == "prompt_completion" else WANTED[1:]
    for column in table.frame.columns:
        if column.lower() in names and is_truth(table.frame[column]):
            return column
    return None


def is_truth(values: pl.Series) -> bool:
    """Whether the column holds truth values, or their names as a CSV file has them."""
    if values.dtype == pl.String:
        return values.len() > values.null_count() and bool(values.str.to_lowercase().is_in(["true", "false"]).all())
    return values.dtype == pl.Boolean


def _turn_columns(table: Table) -> list[str]:
    return [column for column, dtype in table.frame.schema.items() if turn_fields(dtype)]


def _wrong_type(table: Table, column: str, role: str) -> UserError:
    values = table.frame[column]
    row = values.is_not_null().arg_max() or 0
    expected = "a list of {role, content}" if role == "messages" else "text"
    return UserError(
        f"{table.name}, row {row + 1}: the column {column!r} must hold {expected} for {role}, "
        f"and here is {values.dtype}: {str(values.slice(row, 1).to_list()[0])[:80]}",
        f"Mend it, or choose another column with --columns. {columns_of(table)}",
    )
