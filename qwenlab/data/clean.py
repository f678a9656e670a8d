"""The cleaning pipeline: rules that drop rows, one after the other, each with a count and examples of what it took.

All of it is polars expressions over whole columns. Patterns are written so that Python's `re` reads them as Rust does.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from qwenlab.data.conversations import blank
from qwenlab.data.fences import standardised
from qwenlab.data.report import TEXT_LENGTH, Example, Row, Rule
from qwenlab.recipe import DataSettings

EXAMPLES = 5
"""Dropped rows kept for the report, of each rule."""

BEFORE_FAULT = 25
"""Characters that an example shows before what is wrong."""

INCOMPLETE_BELOW = 100
"""Characters: a solution with an ellipsis is a fragment when it is shorter than this, and prose when it is not."""

ROLES = ("system", "user", "assistant")

CONTROL_TOKENS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
"""Text that would end the turn it stands in, or begin another, once it is in the chat template."""

# What UTF-8 becomes when it is read as Latin-1 or Windows-1252: the lead byte as a letter, and behind it a character
# that no language puts there. Punctuation that may follow a capital A with a tilde at the end of a word is left out.
MOJIBAKE = "Ã[\u0080-\u00bf€ƒ†‡‰ŠŒŽ™œžŸ\u02c6\u02dc]|Â[\u00a0-\u00bf]|â€|ðŸ|ï»¿|ï¿½"
CONTROL_CHARACTERS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
ENCODING_FAULT = f"\ufffd|{CONTROL_CHARACTERS}|{MOJIBAKE}"
ELLIPSIS = r"\.\.\.|…"

CONTENT = pl.element().struct.field("content")


class Cleaned(NamedTuple):
    """What is left (`file`, `row`, `messages`), and what was done."""

    rows: pl.DataFrame
    dropped: dict[Rule, int]
    examples: dict[Rule, list[Example]]
    fences_changed: int
    """Rows whose code fences or line ends were standardised."""


class _Step(NamedTuple):
    """A rule, the rows that it drops, and the pattern of what is wrong with them, where it is one spot."""

    rule: Rule
    bad: pl.Expr
    fault: str = ""


def clean(rows: pl.DataFrame, settings: DataSettings) -> Cleaned:
    """Apply the rules to conversations, one after the other."""
    done = Cleaned(rows, {}, {}, 0)
    for step in _text_rules(settings):
        done = _drop(done, step)
    rows, changed = standardised(done.rows)
    done = _drop(done._replace(rows=rows, fences_changed=changed), _Step("conversation", _malformed()))
    return done._replace(rows=done.rows.select("file", "row", "messages"))


def total_characters() -> pl.Expr:
    """Characters in all contents of a conversation together."""
    return pl.col("messages").list.eval(CONTENT.str.len_chars()).list.sum()


def _text_rules(settings: DataSettings) -> Iterator[_Step]:
    required = pl.col("user", "assistant")
    answer = pl.col("assistant")

    yield _Step("empty", pl.any_horizontal(blank(required)))
    yield _Step("too_short", pl.any_horizontal(required.str.strip_chars().str.len_chars() < settings.min_chars))
    yield _Step("too_long", total_characters() > settings.max_chars)
    yield _Step("duplicate", ~pl.col("messages").is_first_distinct())
    yield _Step("encoding", _any_turn(CONTENT.str.contains(ENCODING_FAULT)), ENCODING_FAULT)
    token = "|".join(map(re.escape, CONTROL_TOKENS))
    yield _Step("control_tokens", _any_turn(CONTENT.str.contains_any(CONTROL_TOKENS)), token)
    yield _Step("incomplete", answer.str.contains(ELLIPSIS) & (answer.str.len_chars() < INCOMPLETE_BELOW))


def _malformed() -> pl.Expr:
    """A turn of an unknown role or without text, or a last turn that is not the assistant's."""
    unknown = ~pl.element().struct.field("role").is_in(ROLES).fill_null(False)
    last = pl.col("messages").list.last().struct.field("role")
    return _any_turn(unknown | blank(CONTENT)) | (last != "assistant").fill_null(True)


def _any_turn(found: pl.Expr) -> pl.Expr:
    return pl.col("messages").list.eval(found).list.any()


def _drop(done: Cleaned, step: _Step) -> Cleaned:
    bad = done.rows.select(step.bad).to_series()
    return done._replace(
        rows=done.rows.filter(~bad),
        dropped={**done.dropped, step.rule: int(bad.sum())},
        examples={**done.examples, step.rule: _examples(done.rows, bad, step)},
    )


def _examples(rows: pl.DataFrame, bad: pl.Series, step: _Step) -> list[Example]:
    """The first rows that the rule drops."""
    examples = []
    for row in rows.filter(bad).head(EXAMPLES).iter_rows(named=True):
        repeats = _first_of(rows, row) if step.rule == "duplicate" else None
        text = _excerpt(row["messages"] or [], step)
        examples.append(Example(file=row["file"], row=row["row"], text=text, repeats=repeats))
    return examples


def _first_of(rows: pl.DataFrame, duplicate: dict[str, Any]) -> Row:
    """The earliest row with the same messages."""
    alike = rows.filter(pl.col("user") == duplicate["user"], pl.col("assistant") == duplicate["assistant"])
    first = next(row for row in alike.iter_rows(named=True) if row["messages"] == duplicate["messages"])
    return Row(file=first["file"], row=first["row"])


def _excerpt(messages: list[dict[str, str | None]], step: _Step) -> str:
    """The part of a conversation that shows why it was dropped."""
    turns = [f"{message['role']}: {message['content'] or ''}" for message in messages]
    if step.fault:
        text = "\n".join(turns)
        spot = re.search(step.fault, text)
        start = max(spot.start() - BEFORE_FAULT, 0) if spot else 0
        return text[start : start + TEXT_LENGTH]
    if step.rule in ("empty", "too_short", "incomplete"):
        turns.sort(key=len)
    share = TEXT_LENGTH // max(len(turns), 1)
    return "\n".join(turn if len(turn) < share else f"{turn[: share - 4]}..." for turn in turns)[:TEXT_LENGTH]
