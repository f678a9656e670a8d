"""From the recipe's data settings to training and validation rows, and the report of all that happened between."""

import hashlib
from typing import NamedTuple

import polars as pl

from qwenlab.data.clean import Cleaned, clean, total_characters
from qwenlab.data.column_mapping import Mapping
from qwenlab.data.conversations import SLICE, conversations, holds_reasoning, with_used_fields
from qwenlab.data.leakage import overlap, prompts
from qwenlab.data.read import read
from qwenlab.data.report import DatasetReport, Rule, summary
from qwenlab.data.split import sample, split
from qwenlab.data.turns import make_turn
from qwenlab.data.unread import unlearned_note, unread_notes
from qwenlab.errors import UserError
from qwenlab.recipe import DataSettings


class Dataset(NamedTuple):
    """Conversations to train on and to validate on: `file`, `row` (from 1), `messages` (see `turns.MESSAGES`)."""

    train: pl.DataFrame
    validation: pl.DataFrame
    report: DatasetReport

    @property
    def rows(self) -> pl.DataFrame:
        """Both parts together."""
        return pl.concat([self.train, self.validation])


def load(settings: DataSettings, seed: int) -> Dataset:
    """Read, map, clean and split the source; report what was dropped, and what validation shares with training.

    Raises:
        UserError: the source cannot be had or read, its columns are not known, or no row is left.
    """
    told, rows = _read_conversations(settings, seed)
    rows_in = rows.height
    cleaned = clean(rows, settings)
    del rows  # of a large file no table is kept longer than it is needed
    if cleaned.rows.is_empty():
        raise _nothing_left(told.source, rows_in, cleaned, settings)
    train, validation = split(cleaned.rows, settings.validation_split, seed)
    report = DatasetReport(
        source=told.source,
        files=told.files,
        sha256=told.sha256,
        columns=told.columns,
        layout=told.mapping.layout,
        mapping=told.mapping.shown(),
        rows_found=told.rows,
        rows_in=rows_in,
        rows_kept=cleaned.rows.height,
        dropped=cleaned.dropped,
        examples=cleaned.examples,
        reasoning_rows=cleaned.rows.select(holds_reasoning().sum()).item(),
        changed=cleaned.changed,
        characters=summary(cleaned.rows.select(total_characters()).to_series()),
        train_rows=train.height,
        validation_rows=validation.height,
        leakage=overlap(train, prompts(validation)),
        notes=[*told.notes, *unlearned_note(cleaned.rows)],
    )
    train, validation = (with_system_prompt(rows, settings.system_prompt) for rows in (train, validation))
    return Dataset(train, validation, report)


class _Told(NamedTuple):
    """What was read, without the tables."""

    source: str
    files: list[str]
    columns: list[str]
    sha256: str
    mapping: Mapping
    rows: int
    """All that were found."""
    notes: list[str]


def _read_conversations(settings: DataSettings, seed: int) -> tuple[_Told, pl.DataFrame]:
    """The rows of the source as conversations, or so many of them as are asked for."""
    source = read(settings.source, settings.fallback)
    rows, mapping = conversations(source.tables, settings.columns)
    sampled = sample(rows, settings.max_samples, seed)
    notes = [*source.notes, *unread_notes(source.tables, mapping)]
    if sampled.height < rows.height:
        notes.append(f"{sampled.height:,} of {rows.height:,} rows were drawn by the seed {seed}.")
    told = _Told(
        source=source.name,
        files=[table.name for table in source.tables],
        columns=list(dict.fromkeys(name for table in source.tables for name in table.frame.columns)),
        sha256=source.sha256 or _sha256(rows),
        mapping=mapping,
        rows=rows.height,
        notes=notes,
    )
    return told, sampled


def with_system_prompt(rows: pl.DataFrame, system_prompt: str) -> pl.DataFrame:
    """With the system prompt before every conversation that has no system message of its own."""
    if not system_prompt:
        return rows
    has_system = pl.col("messages").list.eval(pl.element().struct.field("role") == "system").list.any()
    prompt = pl.concat_list(make_turn("system", pl.lit(system_prompt)))
    return rows.with_columns(
        pl.when(has_system).then("messages").otherwise(pl.concat_list(prompt, "messages")).alias("messages")
    )


def _sha256(rows: pl.DataFrame) -> str:
    """Of rows that come from no file of the user's: the hash of their conversations as JSON lines."""
    digest = hashlib.sha256()
    for part in with_used_fields(rows.select("messages")).iter_slices(SLICE):
        digest.update(part.write_ndjson().encode())
    return digest.hexdigest()


REMEDIES: dict[Rule, str] = {
    "not_text": "A text must be a string: leave the row's pictures, lists and objects out, or choose other columns.",
    "tool_calls": "Leave the calls out, and what the tools answered; the rest can be learned.",
    "unwanted": "Answers that are marked as unwanted teach what not to say: give the wanted ones too.",
    "unknown_role": "Known are system, user and assistant, and ShareGPT's human and gpt: name the speakers so.",
    "not_learned": "An assistant's turn must be learned in each row: see weight, train, loss, training in the turns.",
    "empty": "See that the columns are the right ones: --columns user=COLUMN,assistant=COLUMN.",
    "too_short": "Lower data.min_chars, now {settings.min_chars}: it holds for either side's text.",
    "too_long": "Raise data.max_chars, now {settings.max_chars}: it holds for all texts of a row together.",
}


def _nothing_left(name: str, rows: int, cleaned: Cleaned, settings: DataSettings) -> UserError:
    rule, count = max(cleaned.dropped.items(), key=lambda item: item[1])
    example = cleaned.examples[rule][0]
    remedy = REMEDIES.get(rule, "The rule is not a setting: it takes what cannot be learned from.")
    return UserError(
        f"No row of {name} is left after cleaning. The rule {rule!r} took {count:,} of {rows:,}; "
        f"the first is row {example.row} of {example.file}: {example.text!r}",
        remedy.format(settings=settings),
    )
