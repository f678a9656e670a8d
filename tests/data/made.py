"""Rows made by hand for the tests of the data room."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from qwenlab.data.conversations import CONVERSATIONS, conversations
from qwenlab.data.files import Table

QUESTION = "How many clips did Natalia sell in April and May together?"
ANSWER = "She sold 48 in April and half as many, 24, in May: 48 + 24 = 72 clips."
SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"
"""Real data, where a checkout stands beside it."""


def table(rows: Sequence[dict[str, Any]], name: str = "made.jsonl") -> Table:
    return Table(name, pl.DataFrame(rows, infer_schema_length=None))


def asked(*pairs: tuple[str | None, str | None]) -> pl.DataFrame:
    """Conversations of one question and one answer each."""
    frame = pl.DataFrame(pairs, schema={"question": pl.String, "answer": pl.String}, orient="row")
    return conversations([Table("made.jsonl", frame)], {})[0]


def talked(*conversations_: Sequence[tuple[str, str | None]]) -> pl.DataFrame:
    """Conversations of (role, content) turns."""
    rows = [[{"role": role, "content": content} for role, content in turns] for turns in conversations_]
    frame = pl.DataFrame({"messages": rows}, schema={"messages": CONVERSATIONS["messages"]})
    return conversations([Table("made.jsonl", frame)], {})[0]


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def many(count: int) -> list[dict[str, str]]:
    """Questions and answers that no rule drops, all different."""
    return [{"question": f"{number}. {QUESTION}", "answer": f"{number}. {ANSWER}"} for number in range(count)]
