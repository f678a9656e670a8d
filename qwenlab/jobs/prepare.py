"""Preparing data as a job: clean it as training would, count its tokens, look for leakage, write what is left."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
from pyarrow.parquet import ParquetWriter
from rich.console import Console

from qwenlab.data import Dataset, DatasetReport, load, overlap
from qwenlab.data.conversations import SLICE, with_used_fields
from qwenlab.data.preview import Preview, preview
from qwenlab.data.read import read_texts
from qwenlab.data.terminal import funnel
from qwenlab.data.thinking import decide
from qwenlab.data.tokens import token_lengths, tokenize
from qwenlab.errors import UserError
from qwenlab.files import Record, make_parent, replacing
from qwenlab.recipe import Recipe, parse_recipe, read_recipe
from qwenlab.training.engine import set_environment

TOKENISED_ROWS = 20_000
"""Enough for lengths and shares; a training counts them all."""


class Prepared(NamedTuple):
    """A data set as training will see it."""

    dataset: Dataset
    preview: Preview | None
    """Some rows with what is in the loss; None where there is no tokenizer."""

    @property
    def report(self) -> DatasetReport:
        """What each rule dropped, what is left, token lengths, leakage."""
        return self.dataset.report


def settings(recipe: Path | None, overrides: Sequence[str], source: str | None, columns: dict[str, str]) -> Recipe:
    """The recipe, or the defaults, with this source and these columns by role, where they are given.

    Raises:
        UserError: the recipe or an override has faults.
    """
    chosen = read_recipe(recipe, overrides) if recipe else parse_recipe("", overrides, where="--set")
    data: dict[str, object] = {"source": source} if source else {}
    return chosen.with_values(data=data | ({"columns": columns} if columns else {}))


def prepare(settings: Recipe, against: Path | None = None) -> Prepared:
    """Read, clean, split and count, as training would.

    The preview, and token lengths in the report, need the model's tokenizer; without it the report has a note.

    Args:
        settings: the recipe whose data and model are looked at.
        against: a file or folder whose texts, such as evaluation problems, are looked for in the data.

    Raises:
        UserError: the data cannot be read, no row is left, or `against` has no texts.
    """
    problems = read_texts(against) if against else None
    dataset = load(settings.data, settings.train.seed)
    if problems is not None:
        dataset.report.against = overlap(dataset.rows, problems)
    return Prepared(dataset, _count_tokens(dataset, settings))


def show(report: DatasetReport) -> None:
    """Draw the report on the terminal."""
    Console(highlight=False).print(funnel(report))


def _count_tokens(dataset: Dataset, settings: Recipe) -> Preview | None:
    """Add the training rows' lengths in tokens to the report, or a note that says why they are not there.

    Returns some of the rows as the model sees them, where there is a tokenizer.
    """
    from qwenlab.training.source import find_model, load_tokenizer

    set_environment()
    report, rows, max_length = dataset.report, dataset.train, settings.data.max_length
    try:
        tokenizer = load_tokenizer(find_model(settings.model, weights=False))
    except UserError as error:
        report.notes.append(f"Tokens were not counted: {error.message}")
        return None
    if rows.height > TOKENISED_ROWS:
        rows = rows.sample(TOKENISED_ROWS, seed=settings.train.seed)
        report.notes.append(f"Tokens were counted in {TOKENISED_ROWS:,} of the rows, drawn by seed.")
    how, notes = decide(settings, dataset.train, tokenizer)
    tokenized = tokenize(rows, tokenizer, how, max_length)
    report.tokens, report.thinking = token_lengths(tokenized, max_length), how.thinking
    report.notes += [*notes, *tokenized.notes]
    return preview(rows, tokenized.row_lengths, tokenizer, how, max_length)


def check_suffix(out: Path | None) -> None:
    if out and out.suffix not in (".parquet", ".jsonl"):
        raise UserError(f"--out {out}: this is neither .parquet nor .jsonl.", "For instance: --out clean.parquet")


def write_rows(dataset: Dataset, out: Path) -> None:
    """One row a conversation: its `messages`, with the fields that some of them use, and the `split` that it is in."""
    parts = {"train": dataset.train, "validation": dataset.validation}
    rows = with_used_fields(pl.concat([part.select("messages", split=pl.lit(name)) for name, part in parts.items()]))
    make_parent(out)
    with replacing(out) as temporary:
        if out.suffix == ".parquet":
            _write_parquet(rows, temporary)
        else:
            rows.write_ndjson(temporary)


def _write_parquet(rows: pl.DataFrame, path: Path) -> None:
    """In row groups of `SLICE`; polars' own writer takes as much memory as the rows beside them."""
    with ParquetWriter(path, rows.clear().to_arrow().schema, compression="zstd") as writer:
        for part in rows.iter_slices(SLICE):
            # A slice of a list has all texts of the whole behind it; gathered, it has its own.
            writer.write_table(part.select(pl.all().gather(pl.int_range(pl.len()))).to_arrow())


def write_json(what: Record, path: Path) -> None:
    make_parent(path)
    what.write(path)
