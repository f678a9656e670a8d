"""The cleaning pipeline: rules that drop rows, one after the other, each with a count and examples of what it took.

All of it is polars expressions over whole columns. Patterns are written so that Python's `re` reads them as Rust does.
"""

import re
from typing import Any, NamedTuple

import polars as pl

from qwenlab.data.code_fences import standardised
from qwenlab.data.conversations import SLICE, blank, is_used
from qwenlab.data.report import RULES, TEXT_LENGTH, Change, Example, Row, Rule
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

FAULTS: dict[Rule, str] = {"encoding": ENCODING_FAULT, "control_tokens": "|".join(map(re.escape, CONTROL_TOKENS))}
"""What an example shows, where it is one spot of a text."""

TURN = pl.element().struct
TEXTS = (TURN.field("content"), TURN.field("reasoning_content"))
"""What a turn says, and what was thought before."""


class Cleaned(NamedTuple):
    """What is left (`file`, `row`, `messages`), and what was done."""

    rows: pl.DataFrame
    dropped: dict[Rule, int]
    examples: dict[Rule, list[Example]]
    changed: dict[Change, int]
    """Rows that are left and were changed."""


def clean(rows: pl.DataFrame, settings: DataSettings) -> Cleaned:
    """Apply the rules to conversations, one after the other: a row falls to the first rule that it breaks."""
    # No rule depends on what another has dropped: equal rows fall to the same rule. So all are computed side by side.
    rules = _rules(rows, settings)
    broken = pl.concat([part.select(**rules) for part in rows.iter_slices(SLICE)])
    broken = broken.with_columns(duplicate=_repeated(rows["messages"]))
    kept = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
    dropped: dict[Rule, int] = {}
    examples: dict[Rule, list[Example]] = {}
    for rule in RULES:
        fallen = kept & broken[rule]
        dropped[rule] = int(fallen.sum())
        examples[rule] = _examples(rows, fallen, rule)
        kept &= ~fallen
    left = rows.select("file", "row", "messages")
    standard, fences = standardised(left if kept.all() else left.filter(kept))  # a filter copies all texts
    cut = int((rows["cut"] & kept).sum())
    return Cleaned(standard, dropped, examples, {"code_fences": fences, "unanswered_turns": cut})


def total_characters() -> pl.Expr:
    """Characters in all contents and all reasoning of a conversation together."""
    lengths = [text.str.len_chars().fill_null(0) for text in TEXTS]
    return pl.col("messages").list.eval(pl.sum_horizontal(lengths)).list.sum()


def _rules(rows: pl.DataFrame, settings: DataSettings) -> dict[str, pl.Expr]:
    """Which rows break each rule that looks at a row by itself: all but `duplicate`."""
    fault, answer = pl.col("fault"), pl.col("assistant")
    # Fields that no row uses are not looked at.
    texts = TEXTS if is_used(rows, "reasoning_content") else TEXTS[:1]
    learned = pl.lit(True)
    if is_used(rows, "learned"):
        learned = _any_turn((TURN.field("role") == "assistant") & TURN.field("learned").fill_null(True))
    length = {role: pl.col(role).str.strip_chars().str.len_chars().fill_null(0) for role in ("user", "assistant")}
    is_empty = pl.any_horizontal(characters == 0 for characters in length.values())
    # Reasoning is said by the assistant too: a long trace may end in a short answer.
    for text in texts[1:]:
        length["assistant"] += pl.col("messages").list.eval(text.str.len_chars()).list.sum()
    unknown = ~TURN.field("role").is_in(ROLES).fill_null(False)
    last = pl.col("messages").list.last().struct.field("role")
    rules: dict[Rule, pl.Expr] = {
        "not_text": fault == "not_text",
        "tool_calls": fault == "tool_calls",
        "unwanted": fault == "unwanted",
        "unknown_role": _any_turn(unknown),
        "not_learned": ~learned & pl.col("assistant").is_not_null(),
        "empty": is_empty,
        "too_short": pl.any_horizontal(characters < settings.min_chars for characters in length.values()),
        "too_long": total_characters() > settings.max_chars,
        "encoding": pl.any_horizontal(_any_turn(text.str.contains(ENCODING_FAULT)) for text in texts),
        "control_tokens": pl.any_horizontal(_any_turn(text.str.contains_any(CONTROL_TOKENS)) for text in texts),
        "incomplete": (answer.str.contains(ELLIPSIS) & (answer.str.len_chars() < INCOMPLETE_BELOW)).fill_null(False)
        | (fault == "incomplete").fill_null(False),
        "conversation": _any_turn(blank(TEXTS[0])) | (last != "assistant").fill_null(True),
    }
    return {rule: broken.fill_null(False) for rule, broken in rules.items()}


def _repeated(messages: pl.Series) -> pl.Series:
    """Which conversations stood there before."""
    hashes = pl.concat([messages.slice(start, SLICE).hash() for start in range(0, len(messages), SLICE)])
    # Those alone whose hash is there twice are compared: comparing takes a copy of each.
    alike = hashes.is_duplicated()
    repeated = pl.repeat(False, len(messages), dtype=pl.Boolean, eager=True)
    return repeated.scatter(alike.arg_true(), ~messages.filter(alike).is_first_distinct())


def _any_turn(found: pl.Expr) -> pl.Expr:
    return pl.col("messages").list.eval(found).list.any()


def _examples(rows: pl.DataFrame, fallen: pl.Series, rule: Rule) -> list[Example]:
    """The first rows that fall to the rule."""
    examples = []
    for row in rows[fallen.arg_true().head(EXAMPLES)].iter_rows(named=True):
        repeats = _first_of(rows, row) if rule == "duplicate" else None
        text = _excerpt(row["messages"] or [], rule)
        examples.append(Example(file=row["file"], row=row["row"], text=text, repeats=repeats))
    return examples


def _first_of(rows: pl.DataFrame, duplicate: dict[str, Any]) -> Row:
    """The earliest row with the same messages."""
    alike = rows.filter(pl.col("user") == duplicate["user"], pl.col("assistant") == duplicate["assistant"])
    first = next(row for row in alike.iter_rows(named=True) if row["messages"] == duplicate["messages"])
    return Row(file=first["file"], row=first["row"])


def _excerpt(messages: list[dict[str, Any]], rule: Rule) -> str:
    """The part of a conversation that shows why it was dropped."""
    turns = []
    for message in messages:
        if message["reasoning_content"]:
            turns.append(f"{message['role']}, thinking: {message['reasoning_content']}")
        turns.append(f"{message['role']}: {message['content'] or ''}")
    if rule in FAULTS:
        text = "\n".join(turns)
        spot = re.search(FAULTS[rule], text)
        start = max(spot.start() - BEFORE_FAULT, 0) if spot else 0
        return text[start : start + TEXT_LENGTH]
    if rule in ("empty", "too_short", "incomplete"):
        turns.sort(key=len)
    if rule == "unknown_role":
        turns.sort(key=lambda turn: turn.startswith(ROLES))
    share = TEXT_LENGTH // max(len(turns), 1)
    return "\n".join(turn if len(turn) < share else f"{turn[: share - 4]}..." for turn in turns)[:TEXT_LENGTH]
