"""Every layout in one shape: conversations.

A table of conversations has `file`, `row`, `messages` (a list of {role, content}), and beside it the texts `user` and
`assistant`: all contents of one role, joined by line breaks, null or empty where it is silent. Rules about a role read
these texts. Most data has one turn of each role, and there the texts are the columns themselves, uncopied.
"""

from collections.abc import Sequence

import polars as pl

from qwenlab.data.column_mapping import Mapping, Override, TurnFields, is_text, recognise, turn_fields
from qwenlab.data.files import Table
from qwenlab.errors import UserError

CONVERSATIONS = pl.Schema(
    {
        "file": pl.String(),
        "row": pl.UInt32(),
        "messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "user": pl.String(),
        "assistant": pl.String(),
    }
)
"""Columns and types of a table of conversations."""

SPEAKERS = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
"""Roles by their names in ShareGPT and its relatives. Other names stay, and the last rule drops their rows."""


def conversations(tables: Sequence[Table], override: Override) -> tuple[pl.DataFrame, Mapping]:
    """All rows of all tables, in their order, and how their columns were read.

    Raises:
        UserError: as `recognise`; or the tables differ in their layout.
    """
    mappings = [recognise(table, override) for table in tables]
    for table, mapping in zip(tables, mappings, strict=True):
        if mapping != mappings[0]:
            raise UserError(
                f"{table.name} has another layout than {tables[0].name}: {_told(mapping)}, not {_told(mappings[0])}.",
                "The files of a folder must have the same columns; read the others by themselves.",
            )
    return pl.concat([_shape(table, mappings[0]) for table in tables]), mappings[0]


def blank(text: pl.Expr) -> pl.Expr:
    """Null, empty, or nothing but white space."""
    return ~text.str.contains(r"\S").fill_null(False)


def role_text(role: str) -> pl.Expr:
    """All contents of one role in `messages`, joined by line breaks."""
    turn = pl.element()
    said = turn.filter(turn.struct.field("role") == role).struct.field("content")
    return pl.col("messages").list.eval(said).list.join("\n", ignore_nulls=True)


def _shape(table: Table, mapping: Mapping) -> pl.DataFrame:
    schema = table.frame.schema
    flat = all(is_text(schema[column]) for columns in mapping.columns.values() for column in columns)
    shaped = (_single_turns if flat else _many_turns)(table.frame, mapping)
    numbered = shaped.with_row_index("row", 1).with_columns(file=pl.lit(table.name))
    return numbered.select(CONVERSATIONS.names()).cast(CONVERSATIONS)


def _single_turns(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    texts = frame.select(_text(columns).alias(role) for role, columns in mapping.columns.items())
    # polars builds an array of turns without copying the texts, and makes it a list without copying; not so a list.
    messages = pl.concat_arr([_turn(role, pl.col(role)) for role in texts.columns]).arr.to_list()
    return texts.with_columns(
        _without_blank_system(messages) if "system" in mapping.columns else messages.alias("messages")
    )


def _many_turns(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    parts = {}
    for role, columns in mapping.columns.items():
        fields = turn_fields(frame.schema[columns[0]])
        parts[role] = _turns(columns[0], fields) if fields else pl.concat_list(_turn(role, _text(columns)))
    messages = pl.concat_list(parts.values())
    if "system" in parts:
        # A system message inside the conversation comes before the column's.
        inside = pl.concat_list([part for role, part in parts.items() if role != "system"])
        is_system = pl.element().struct.field("role") == "system"
        messages = pl.when(inside.list.eval(is_system).list.any()).then(inside).otherwise(messages)
    shaped = frame.select(_without_blank_system(messages))
    return shaped.with_columns(role_text(role).alias(role) for role in ("user", "assistant"))


def _text(columns: Sequence[str]) -> pl.Expr:
    """The text of a column; of several, of those that are not blank, with a blank line between them."""
    texts = [pl.col(column).cast(pl.String) for column in columns]
    if len(texts) == 1:
        return texts[0]
    return pl.concat_str([pl.when(~blank(text)).then(text) for text in texts], separator="\n\n", ignore_nulls=True)


def _turn(role: str, content: pl.Expr) -> pl.Expr:
    return pl.struct(pl.lit(role).alias("role"), content.alias("content"))


def _turns(column: str, fields: TurnFields) -> pl.Expr:
    turn = pl.element().struct
    role = turn.field(fields.role).cast(pl.String).str.to_lowercase().replace(SPEAKERS)
    content = turn.field(fields.content).cast(pl.String)
    return pl.col(column).list.eval(pl.struct(role.alias("role"), content.alias("content")))


def _without_blank_system(messages: pl.Expr) -> pl.Expr:
    """Data sets that give every row a system message often leave it empty: that is none."""
    turn = pl.element()
    kept = (turn.struct.field("role") != "system").fill_null(True) | ~blank(turn.struct.field("content"))
    return messages.list.eval(turn.filter(kept)).alias("messages")


def _told(mapping: Mapping) -> str:
    return ", ".join(f"{role} from {columns}" for role, columns in mapping.shown().items())
