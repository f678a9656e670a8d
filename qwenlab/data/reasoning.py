"""The reasoning that an answer begins with, taken out of its text: `<think>...</think>`, as Qwen's models write it,
or between the tags of a data set that has others."""

import polars as pl

from qwenlab.tags import CLOSING, OPENING

OTHER_TAGS = {
    "<|begin_of_thought|>": OPENING,
    "<|end_of_thought|>": CLOSING,
    "<|begin_of_solution|>": "",
    "<|end_of_solution|>": "",
}
"""Those of the OpenThoughts and Sky-T1 data sets, and what they are here."""

MARKS = ["think>", "_of_thought|>"]
"""One of which a text must hold for anything here to apply to it."""


def with_reasoning_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Conversations whose assistants' texts are their answers alone, and `reasoning_content` what stood before these.

    A raw answer of a Thinking model has the closing tag alone: its prompt held the other one. Where a field has the
    reasoning already, the text is left alone, unless it repeats that. Of a row in which an assistant begins to think
    and never stops, `fault` is "incomplete", if it has no other.

    Args:
        rows: columns `messages`, `assistant` and `fault` of a table of conversations, and any others.
    """
    thinks = rows["assistant"].str.contains_any(MARKS).fill_null(False)
    if not thinks.any():
        return rows
    rows = rows.with_row_index("position")
    thinking = rows.filter(thinks)
    turns = _parted(thinking.select("position", "messages").explode("messages").unnest("messages"))
    fields = [field.name for field in rows.schema["messages"].inner.fields]  # type: ignore[attr-defined]
    answers = turns.filter(pl.col("role") == "assistant").group_by("position", maintain_order=True)
    apart = thinking.with_columns(
        turns.group_by("position", maintain_order=True).agg(messages=pl.struct(fields))["messages"],
        answers.agg(assistant=pl.col("content").drop_nulls().str.join("\n"))["assistant"],
        answers.agg(pl.col("is_cut").any())["is_cut"],
    )
    apart = apart.with_columns(
        fault=pl.when("is_cut").then(pl.coalesce("fault", pl.lit("incomplete"))).otherwise("fault")
    )
    return pl.concat([rows.filter(~thinks), apart.drop("is_cut")]).sort("position").drop("position")


def _parted(turns: pl.DataFrame) -> pl.DataFrame:
    """Turns with their reasoning apart, and `is_cut` where it has no end."""
    of_thought = (pl.col("role") == "assistant") & pl.col("content").str.contains(MARKS[1], literal=True)
    in_our_tags = pl.col("content").str.replace_many(OTHER_TAGS).str.strip_chars()
    turns = turns.with_columns(content=pl.when(of_thought).then(in_our_tags).otherwise("content"))
    # A step at a time: within one, polars would split each text as often as a half is named.
    halves = turns["content"].str.splitn(CLOSING, 2).struct
    turns = turns.with_columns(before=halves.field("field_0"), after=halves.field("field_1"))
    turns = turns.with_columns(
        inside=pl.col("before").str.strip_chars().str.strip_prefix(OPENING).str.strip_chars(),
        begins=pl.col("content").str.contains(rf"^\s*{OPENING}"),
        # A text about the tags has both, or quotes them.
        is_raw=~(pl.col("before").str.contains(OPENING, literal=True) | pl.col("before").str.ends_with("`")),
    )
    known = pl.col("reasoning_content")
    is_new = known.is_null() | (known == pl.col("inside")).fill_null(False)
    is_thought = pl.col("after").is_not_null() & (pl.col("begins") | pl.col("is_raw")) & is_new
    turns = turns.with_columns(is_thought=is_thought & (pl.col("role") == "assistant"))
    answer = pl.col("after").str.replace(r"^(?:[ \t]*\r?\n)+|^ +", "")
    return turns.with_columns(
        content=pl.when("is_thought").then(answer).otherwise("content"),
        reasoning_content=pl.when(pl.col("is_thought") & (pl.col("inside") != "")).then("inside").otherwise(known),
        is_cut=pl.col("begins") & pl.col("after").is_null(),
    )
