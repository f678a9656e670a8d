"""Every layout in one shape: conversations.

A table of conversations has `file`, `row`, `messages` (see `MESSAGES`), and beside it the texts `user` and `assistant`:
all contents of one role, joined by line breaks, null or empty where it is silent. Rules about a role read these texts.
Most data has one turn of each role, and there these texts are those of `messages`, not copied. `fault` is a rule's name
where the row holds what no conversation can, and `cut` is true where turns after the last answer were left out.
"""

from collections.abc import Sequence

import polars as pl

from qwenlab.data.column_mapping import Mapping, Override, is_choice, is_pairs, recognise, turn_fields
from qwenlab.data.files import Table
from qwenlab.data.reasoning import with_reasoning_apart
from qwenlab.data.turns import MESSAGES, NO_TEXT, Faults, filled, make_turn, said, spoken
from qwenlab.data.values import OTHER, is_mixed, is_plain, resolved
from qwenlab.data.written_turns import with_turns
from qwenlab.errors import UserError

CONVERSATIONS = pl.Schema(
    {
        "file": pl.String(),
        "row": pl.UInt32(),
        "messages": MESSAGES,
        "user": pl.String(),
        "assistant": pl.String(),
        "fault": pl.String(),
        "cut": pl.Boolean(),
    }
)
"""Columns and types of a table of conversations."""

SLICE = 50_000
"""Rows that are looked at together: what is made of them in between is memory too."""

OPTIONAL = ("reasoning_content", "learned")
"""Fields of a turn that many data sets have no use for."""


def conversations(tables: Sequence[Table], override: Override) -> tuple[pl.DataFrame, Mapping]:
    """All rows of all tables, in their order, and how their columns were read.

    Raises:
        UserError: as `recognise`; or the tables differ in their layout.
    """
    tables = [with_turns(table, override.get("messages")) for table in tables]
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


def holds_reasoning() -> pl.Expr:
    """Whether an assistant of the row thinks before it answers."""
    return pl.col("messages").list.eval(pl.element().struct.field("reasoning_content").is_not_null()).list.any()


def is_used(rows: pl.DataFrame, field: str) -> bool:
    """Whether some turn of the rows' `messages` has a value for the field."""
    used = pl.col("messages").list.eval(pl.element().struct.field(field).is_not_null()).list.any().any()
    # By parts, since a list of turns is copied to be looked at.
    return any(part.select(used).item() for part in rows.iter_slices(SLICE))


def with_used_fields(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, and in their `messages` only the fields that some turn has a value for."""
    used = ["role", "content", *(name for name in OPTIONAL if is_used(rows, name))]
    fields = pl.struct(pl.element().struct.field(name) for name in used)
    return rows.with_columns(pl.col("messages").list.eval(fields))


def _shape(table: Table, mapping: Mapping) -> pl.DataFrame:
    frame = _with_texts(table.frame, mapping)
    columns = [column for role, columns in mapping.columns.items() if role != "wanted" for column in columns]
    flat = all(is_plain(frame.schema[column]) or is_mixed(frame.schema[column]) for column in columns)
    shaped = (_single_turns if flat else _many_turns)(frame, mapping)
    if "wanted" in mapping.columns:
        unwanted = frame[mapping.columns["wanted"][0]].cast(pl.String).str.to_lowercase() == "false"
        shaped = shaped.with_columns(fault=pl.when(unwanted).then(pl.lit("unwanted")).otherwise("fault"))
    numbered = with_reasoning_apart(shaped).with_row_index("row", 1).with_columns(file=pl.lit(table.name))
    return numbered.select(CONVERSATIONS.names()).cast(CONVERSATIONS)


def _with_texts(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The frame, its columns with texts or `MIXED` values where a text is wanted."""
    for role, columns in mapping.columns.items():
        for column in columns:
            values = frame[column]
            if role == "assistant" and is_choice(values.dtype):
                frame = frame.with_columns(_first_correct(frame, column))
            elif fields := turn_fields(values.dtype):
                if not is_plain(fields.content_type):
                    frame = frame.with_columns(_with_texts_in_turns(values, fields.content))
            elif role not in ("history", "wanted") and not is_plain(values.dtype):
                frame = frame.with_columns(resolved(values))
    return frame


def _first_correct(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Of several answers the first that was found correct, where that was looked at, and else the first."""
    checks = [
        name for name, dtype in frame.schema.items() if dtype == pl.List(pl.Boolean) and "correct" in name.lower()
    ]
    found = [pl.col(name).list.eval(pl.element().fill_null(False).arg_true()).list.first() for name in checks]
    return pl.col(column).list.get(pl.coalesce(*found, pl.lit(0)), null_on_oob=True)


def _with_texts_in_turns(values: pl.Series, field: str) -> pl.Series:
    """Turns whose contents are texts, or `MIXED`."""
    name, rows = values.name, values.to_frame().with_row_index("position")
    turns = rows.filter(pl.col(name).list.len() > 0).explode(name)
    contents = resolved(turns[name].struct.field(field))
    turns = turns.with_columns(pl.col(name).struct.with_fields(contents))
    again = turns.group_by("position", maintain_order=True).agg(name)
    return rows.select("position").join(again, on="position", how="left", maintain_order="left")[name]


def _single_turns(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    texts = {role: _text(frame, columns) for role, columns in mapping.columns.items() if role != "wanted"}
    reasoning = filled(texts["reasoning"]) if "reasoning" in texts else NO_TEXT
    roles = [role for role in ("system", "user", "assistant") if role in texts]
    turns = [make_turn(role, texts[role], reasoning if role == "assistant" else NO_TEXT) for role in roles]
    # polars makes a list of an array without copying the texts. They are taken from there, and the frame can go.
    shaped = frame.select(
        messages=pl.concat_arr(turns), fault=_fault({"not_text": _not_text(frame, mapping)}), cut=pl.lit(False)
    )
    messages = pl.col("messages").arr.to_list()
    return shaped.with_columns(
        _without_blank_system(messages) if "system" in roles else messages,
        *(pl.col("messages").arr.get(place).struct.field("content").alias(role) for place, role in enumerate(roles)),
    )


def _many_turns(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    parts: dict[str, pl.Expr] = {}
    faults: list[Faults] = [{"not_text": _not_text(frame, mapping)}]
    for role in ("system", "history", "user", "messages", "assistant"):
        columns = mapping.columns.get(role)
        if columns and turn_fields(frame.schema[columns[0]]):
            parts[role], found = spoken(frame[columns[0]])
            faults.append(found)
        elif columns and is_pairs(frame.schema[columns[0]]):
            parts[role] = _turns_of_pairs(columns[0])
        elif columns:
            parts[role] = pl.concat_list(make_turn(role, _text(frame, columns)))
    if "history" in parts:
        # A row without one is a conversation all the same.
        parts["history"] = parts["history"].fill_null(pl.lit([], MESSAGES))
    messages = pl.concat_list(parts.values())
    if "system" in parts:
        # A system message inside the conversation comes before the column's.
        inside = pl.concat_list([part for role, part in parts.items() if role != "system"])
        is_system = pl.element().struct.field("role") == "system"
        messages = pl.when(inside.list.eval(is_system).list.any()).then(inside).otherwise(messages)
    shaped = frame.select(_without_blank_system(messages), fault=_fault(*faults))
    shaped = _without_unanswered(shaped)
    if "reasoning" in mapping.columns:
        shaped = _with_reasoning(shaped, frame.select(_text(frame, mapping.columns["reasoning"])).to_series())
    return shaped.with_columns(role_text(role).alias(role) for role in ("user", "assistant"))


def _fault(*faults: Faults) -> pl.Expr:
    """The first fault that a row has, by its name."""
    told = NO_TEXT
    for name in ("not_text", "tool_calls"):
        found = [part[name] for part in faults if name in part]
        told = pl.when(pl.any_horizontal(found)).then(pl.lit(name)).otherwise(told) if found else told
    return told


def _not_text(frame: pl.DataFrame, mapping: Mapping) -> pl.Expr:
    """Whether a column's value of the row is no text; of those that hold texts and not turns."""
    columns = [column for columns in mapping.columns.values() for column in columns if is_mixed(frame.schema[column])]
    if not columns:
        return pl.lit(False)
    return pl.any_horizontal(pl.col(column).struct.field(OTHER).is_not_null() for column in columns)


def _text(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    """The text of a column; of several, of those that are not blank, with a blank line between them."""
    texts = [said(pl.col(column), frame.schema[column]) for column in columns]
    if len(texts) == 1:
        return texts[0]
    return pl.concat_str([pl.when(~blank(text)).then(text) for text in texts], separator="\n\n", ignore_nulls=True)


def _turns_of_pairs(column: str) -> pl.Expr:
    """A history of [question, answer] as turns."""
    said = [pl.element().list.get(place, null_on_oob=True) for place in (0, 1)]
    pair = pl.concat_list(make_turn("user", said[0]), make_turn("assistant", said[1]))
    return pl.col(column).list.eval(pair.explode())


def _without_blank_system(messages: pl.Expr) -> pl.Expr:
    """Data sets that give every row a system message often leave it empty: that is none."""
    turn = pl.element()
    kept = (turn.struct.field("role") != "system").fill_null(True) | ~blank(turn.struct.field("content"))
    return messages.list.eval(turn.filter(kept)).alias("messages")


def _without_unanswered(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the turns after the last answer, where there is something to learn before them: nobody answers those."""
    messages, role = pl.col("messages"), pl.element().struct.field("role")
    is_open = messages.list.last().struct.field("role").is_in(["user", "system"])
    if not rows.select(is_open.any()).item():
        return rows.with_columns(cut=pl.lit(False))
    answered = messages.list.head(messages.list.eval((role == "assistant").arg_true()).list.last() + 1)
    is_cut = is_open & answered.list.eval(role == "user").list.any()
    rows = rows.with_columns(answered=answered, cut=is_cut.fill_null(False))
    return rows.with_columns(messages=pl.when("cut").then("answered").otherwise("messages")).drop("answered")


def _with_reasoning(rows: pl.DataFrame, reasoning: pl.Series) -> pl.DataFrame:
    """With a column's reasoning as that of the last answer, where it has none of its own."""
    messages, last = pl.col("messages"), pl.col("messages").list.last().struct
    thought = pl.coalesce(last.field("reasoning_content"), filled(pl.lit(reasoning)))
    turn = make_turn(last.field("role"), last.field("content"), thought, last.field("learned"))
    thinking = pl.concat_list(messages.list.head(messages.list.len() - 1), pl.concat_list(turn))
    is_answer = (last.field("role") == "assistant").fill_null(False)
    return rows.with_columns(messages=pl.when(is_answer).then(thinking).otherwise(messages))


def _told(mapping: Mapping) -> str:
    return ", ".join(f"{role} from {columns}" for role, columns in mapping.shown().items())
