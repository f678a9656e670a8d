"""What to say where no column is known: a line to copy that works, and that never names a column that would do harm."""

import re
import shlex
from collections.abc import Mapping, Sequence

import polars as pl
import tomlkit

from qwenlab.data.files import Table
from qwenlab.data.values import is_mixed
from qwenlab.errors import UserError

HINTS = {
    "user": {"question", "prompt", "problem", "query", "instruction", "input", "user", "task", "description", "ask"},
    "assistant": {"chosen", "answer", "response", "reply", "output", "completion", "solution", "target", "assistant"},
}
"""Words in the name of a column that may be meant; without one, no column is offered."""

HARMFUL = {
    *(
        "rejected",
        "bad",
        "wrong",
        "incorrect",
        "negative",
        "worse",
        "id",
        "ids",
        "uuid",
        "role",
        "url",
        "link",
        "source",
    ),
    *("type", "kind", "class", "label", "category", "score", "rating", "rank", "model", "name", "date", "time", "lang"),
    *("language", "version", "status", "count", "number", "index", "length", "tokens", "hash", "method", "format"),
}
"""Words in the name of a column that says something about a text, or holds one that must not be learned."""


class UnrecognisedError(UserError):
    """No column is known to be the text of a role.

    Attributes:
        missing: the roles, `user` or `assistant` or both.
        known: the roles that a column was found for, each with its columns.
    """

    def __init__(self, message: str, hint: str, missing: Sequence[str], known: Mapping[str, Sequence[str]]) -> None:
        super().__init__(message, hint)
        self.missing = tuple(missing)
        self.known = known


def not_recognised(table: Table, known: Mapping[str, str | None], turns: Sequence[str]) -> UnrecognisedError:
    """The sentence, with what was found, and columns that may be meant for the rest.

    Args:
        known: role to its column, None where there is none: `user`, `assistant`, and others.
        turns: columns that are lists of turns.
    """
    user, assistant = known["user"], known["assistant"]
    missing = [role for role, column in (("user", user), ("assistant", assistant)) if not column]
    talks = [column for column in turns if not _words(column) & HARMFUL]
    if talks:
        columns = {"messages": talks[0]}
    else:
        columns = {
            "user": user or _meant("user", table, assistant),
            "assistant": assistant or _meant("assistant", table, user),
        }
    advice = _line_to_copy(columns)
    if {"role", "content"} <= {column.lower() for column in table.frame.columns}:
        advice = (
            "A row here is a single turn, and must be a whole conversation. Bring the turns of each together: "
            '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}'
        )
    return UnrecognisedError(
        f"{table.name}: no column is known by its name to be the text of the {' or the '.join(missing)}.",
        f"{columns_of(table)}\n{advice}",
        missing,
        {role: (column,) for role, column in known.items() if column},
    )


def columns_of(table: Table) -> str:
    """A sentence that names them, with their types."""
    shown = [
        f"{name} ({'texts and others' if is_mixed(dtype) else dtype})" for name, dtype in table.frame.schema.items()
    ]
    return f"Its columns: {', '.join(shown)}."


def _line_to_copy(columns: dict[str, str]) -> str:
    """For the shell, and for the recipe."""
    option = shlex.quote(",".join(f"{role}={column}" for role, column in columns.items()))
    setting = tomlkit.inline_table()
    setting.update(columns)
    return (
        f"Say which it is, for instance: --columns {option}\n"
        f"or in the recipe, under [data]: columns = {setting.as_string()}"
    )


def _meant(role: str, table: Table, other: str | None) -> str:
    """The first column of texts whose name has a word for the role; of the assistant's, `chosen` before all."""
    texts = [name for name, dtype in table.frame.schema.items() if dtype == pl.String and name != other]
    meant = [name for name in texts if _words(name) & HINTS[role] and not _words(name) & HARMFUL]
    meant.sort(key=lambda name: "chosen" not in _words(name))
    return meant[0] if meant else "COLUMN"


def _words(name: str) -> set[str]:
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return set(re.findall(r"[a-z]+", parted))
