"""Which column is which role: by the names and types that data sets use, or as the user says."""

from collections import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from qwenlab.data.files import Table
from qwenlab.data.report import Layout
from qwenlab.errors import UserError

# In order of preference. Where a data set has several, the earlier one is more likely to be the whole of it: a
# `solution` with its steps rather than the bare `answer`, `instruction` and `input` rather than a ready-made `prompt`.
MESSAGES = ("messages", "conversations", "conversation")
SYSTEM = ("system", "system_prompt")
USER = ("user", "question", "problem", "query", "instruction", "prompt", "input", "human", "description")
ASSISTANT = (
    *("assistant", "response", "completion", "output", "generation", "generated_solution", "solution"),
    *("rationale", "answer"),
)
CONTEXT = ("input", "context")
"""What an instruction of the Alpaca layout is about; it follows the instruction after a blank line."""

Columns = dict[str, tuple[str, ...]]
"""Role, or `messages`, to its columns; several are joined."""

Override = abc.Mapping[Any, str]
"""Role, or `messages`, to the column that the user says."""


class Mapping(NamedTuple):
    """Which columns are read as what: `messages`, or `user` and `assistant`; and `system` where there is one."""

    layout: Layout
    columns: Columns

    def shown(self) -> dict[str, str]:
        """Role to column, for people; columns that are joined stand with a plus."""
        return {role: " + ".join(columns) for role, columns in self.columns.items()}


class TurnFields(NamedTuple):
    """What a turn calls its speaker and what was said."""

    role: str
    content: str


def recognise(table: Table, override: Override) -> Mapping:
    """The mapping of a table: what the user says, and the detection for the rest.

    Raises:
        UserError: a column is not there, or holds neither text nor turns, or nothing was recognised.
    """
    for role, column in override.items():
        if column not in table.frame.columns:
            raise UserError(f"{table.name} has no column {column!r} for {role}.", _told(table))
    if "messages" in override and override.keys() & {"user", "assistant"}:
        raise UserError("A row is read from `messages`, or from `user` and `assistant`, not from both.", "Name one.")
    system = _column(table, "system", SYSTEM, override)
    before: Columns = {"system": (system,)} if system else {}
    if not override.keys() & {"user", "assistant"}:
        messages = _column(table, "messages", MESSAGES, override)
        if messages:
            fields = turn_fields(table.frame.schema[messages])
            layout: Layout = "sharegpt" if fields and fields.role == "from" else "messages"
            return Mapping(layout, {**before, "messages": (messages,)})
    names = {column.lower() for column in table.frame.columns}
    pair = {"prompt", "completion"} <= names
    user = _column(table, "user", ("prompt",) if pair else USER, override)
    assistant = _column(table, "assistant", ("completion",) if pair else ASSISTANT, override)
    if not user or not assistant:
        raise _not_recognised(table, user, assistant)
    joined = user.lower() == "instruction" and "user" not in override
    context = _column(table, "context", CONTEXT, {}) if joined else None
    users = (user, context) if context else (user,)
    return Mapping(_layout(user, assistant), {**before, "user": users, "assistant": (assistant,)})


def is_text(dtype: pl.DataType) -> bool:
    """Whether a column can be read as text. One without any value can."""
    return dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)


def turn_fields(dtype: pl.DataType) -> TurnFields | None:
    """The fields of a list of turns; None for everything else."""
    if not (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)):
        return None
    texts = [field.name for field in dtype.inner.fields if is_text(field.dtype)]  # type: ignore[arg-type]
    role = next((name for name in ("role", "from") if name in texts), None)
    content = next((name for name in ("content", "value", "text") if name in texts), None)
    return TurnFields(role, content) if role and content else None


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
    fitting = [column for column in found if _fits(table.frame.schema[column], role)]
    if found and not fitting and (role in override or role in ("messages", "user", "assistant")):
        raise _wrong_type(table, found[0], role)
    return fitting[0] if fitting else None


def _fits(dtype: pl.DataType, role: str) -> bool:
    turns = turn_fields(dtype) is not None
    if role == "messages":
        return turns
    return is_text(dtype) or (turns and role in ("user", "assistant"))


def _wrong_type(table: Table, column: str, role: str) -> UserError:
    values, row = table.frame[column], 0
    if role == "messages" and values.dtype == pl.String:
        # Rows of several kinds were read as text: the row to look at is the first that is no list.
        row = (~values.str.starts_with("[")).fill_null(False).arg_max() or 0
    expected = "a list of {role, content}" if role == "messages" else "text"
    return UserError(
        f"{table.name}, row {row + 1}: the column {column!r} must hold {expected} for {role}, "
        f"and here is {values.dtype}: {str(values.slice(row, 1).to_list()[0])[:80]}",
        f"Mend it, or choose another column with --columns. {_told(table)}",
    )


def _not_recognised(table: Table, user: str | None, assistant: str | None) -> UserError:
    """With a line to copy: what was found, and for the rest the columns with the longest texts."""
    texts = table.frame.select(pl.col(pl.String).exclude([user or "", assistant or ""]).str.len_chars().mean())
    others = iter(texts.unpivot().sort("value", descending=True, nulls_last=True)["variable"].to_list())
    guess = {"user": user or next(others, "COLUMN"), "assistant": assistant or next(others, "COLUMN")}
    missing = [role for role, column in (("user", user), ("assistant", assistant)) if not column]
    option = ",".join(f"{role}={column}" for role, column in guess.items())
    setting = ", ".join(f'{role} = "{column}"' for role, column in guess.items())
    return UserError(
        f"{table.name}: no column is known by its name to be the text of the {' or the '.join(missing)}.",
        f"{_told(table)}\nSay which it is, for instance: --columns {option}\n"
        f"or in the recipe, under [data]: columns = {{{setting}}}",
    )


def _told(table: Table) -> str:
    shown = [f"{name} ({dtype})" for name, dtype in table.frame.schema.items()]
    return f"Its columns: {', '.join(shown)}."
