"""Code blocks in one form: "```python" opens, "```" closes, lines end in LF. All other text stays as it is.

A fence is what CommonMark calls one, as far as that can be told line by line: three backticks, indented by three
spaces at most, with no backtick in the rest of the line. Where fences are nested (four backticks, or tildes beside
backticks) they say something that must not be rewritten, and only line ends are changed.
"""

import polars as pl

MARKS = ["```", "~~~", "\r\n"]
"""What a text must hold for anything here to apply to it."""

FENCE = r"(?m)^ {0,3}```[^`\n]*$"
BLOCK = r"(?ms)^ {0,3}```[^`\n]*\n(?:.*?\n)?? {0,3}```[ \t]*$"
PYTHON = r"(?mi)^( {0,3})```[ \t]*(?:python3?|py3?)[ \t]*$"
TILDE_BLOCK = r"(?ms)^~~~[ \t]*([\w+#.-]*)[ \t]*\n((?:.*?\n)??)~~~[ \t]*$"
TILDE_OPEN = r"(?m)^~~~[ \t]*([\w+#.-]+)[ \t]*$"
LAST_TILDE_CLOSE = r"(?ms)\A(.*^~~~[ \t]*$)"


def standardised(rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The rows with the texts of `messages` in that form, in the same order, and how many of them that changed."""
    rows = rows.with_row_index("position")
    turns = rows.select("position", "messages").explode("messages").with_row_index("turn").unnest("messages")
    fields = turns.columns[2:]
    changed = turns.select("position", "turn").clear()
    for field in ("content", "reasoning_content"):
        marked = turns.filter(pl.col(field).str.contains_any(MARKS)).select("position", "turn", field)
        standard = marked.with_columns(standard_texts(marked[field]).alias(f"{field} in form"))
        standard = standard.filter(pl.col(field) != pl.col(f"{field} in form")).drop(field)
        changed = changed.join(standard, on=["position", "turn"], how="full", coalesce=True)
    if changed.is_empty():
        return rows.drop("position"), 0
    positions = changed["position"].unique()
    of_changed = pl.col("position").is_in(positions.implode())
    messages = (
        turns.filter(of_changed)
        .join(changed.drop("position"), on="turn", how="left", maintain_order="left")
        .with_columns(pl.coalesce(f"{field} in form", field).alias(field) for field in ("content", "reasoning_content"))
        .group_by("position", maintain_order=True)
        .agg(messages=pl.struct(fields))
    )
    rewritten = rows.filter(of_changed).with_columns(messages["messages"])
    return pl.concat([rows.filter(~of_changed), rewritten]).sort("position").drop("position"), positions.len()


def standard_texts(texts: pl.Series) -> pl.Series:
    """Texts in that form, without nulls."""
    lines = texts.str.replace_all("\r\n", "\n", literal=True)
    nested = lines.str.contains("````", literal=True) | (lines.str.contains(FENCE) & lines.str.contains(r"(?m)^~~~"))
    named = _without_tildes(lines).str.replace_all(PYTHON, "${1}```python")
    unclosed = named.str.replace_all(BLOCK, "").str.contains(FENCE)
    closing = (
        pl.when(~unclosed)
        .then(pl.lit(""))
        .when(named.str.ends_with("\n"))
        .then(pl.lit("```"))
        .otherwise(pl.lit("\n```"))
    )
    return lines.zip_with(nested, named + pl.select(closing).to_series())


def _without_tildes(texts: pl.Series) -> pl.Series:
    """Tilde fences as backticks: those that are closed, and those that name a language.

    Only after the last closing fence can one be left open; before it, a line that looks so is the inside of a block.
    """
    closed = texts.str.extract(LAST_TILDE_CLOSE).fill_null("")
    rest = pl.select(pl.lit(texts).str.strip_prefix(closed)).to_series()
    return closed.str.replace_all(TILDE_BLOCK, "```$1\n$2```") + rest.str.replace_all(TILDE_OPEN, "```$1")
