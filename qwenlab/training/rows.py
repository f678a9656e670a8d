"""From clean conversations to what the trainer reads: token ids, and labels that are -100 outside the loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from qwenlab.data import Dataset
from qwenlab.data.report import DatasetReport
from qwenlab.data.thinking import decide
from qwenlab.data.tokens import Tokenized, token_lengths, tokenize
from qwenlab.recipe import Recipe

IGNORED = -100
"""The label that torch's cross entropy leaves out."""


class Rows(NamedTuple):
    """Tokenised rows: `input_ids` and `labels`, lists of equal length; a label is -100 outside the loss."""

    train: pa.Table
    validation: pa.Table | None


def make_rows(
    dataset: Dataset, tokenizer: Any, recipe: Recipe, progress: Callable[[int], None] | None = None
) -> tuple[Rows, DatasetReport]:
    """Tokenise both parts; the report comes back with the token figures of the training part, and how rows are written.

    `progress` is called now and then with the training rows done so far.

    Raises:
        UserError: no row has anything left to learn from after the cut at `max_length`; or as `decide`.
    """
    max_length = recipe.data.max_length
    how, notes = decide(recipe, dataset.train, tokenizer)
    train = tokenize(dataset.train, tokenizer, how, max_length, progress)
    validation = tokenize(dataset.validation, tokenizer, how, max_length) if dataset.validation.height else None
    report = dataset.report.model_copy(
        update={
            "tokens": token_lengths(train, max_length),
            "thinking": how.thinking,
            "notes": [*dataset.report.notes, *notes, *train.notes],
        }
    )
    return Rows(_labelled(train), _labelled(validation) if validation else None), report


def _labelled(tokenized: Tokenized) -> pa.Table:
    table = tokenized.table.combine_chunks()
    ids, masks = (table[name].combine_chunks() for name in ("input_ids", "assistant_masks"))
    labels = np.where(masks.flatten().to_numpy() == 1, ids.flatten().to_numpy(), IGNORED).astype(np.int32)
    offsets = ids.offsets if ids.offset == 0 else pa.array(np.asarray(ids.offsets) - ids.offsets[0].as_py())
    return pa.table({"input_ids": ids, "labels": pa.ListArray.from_arrays(offsets, pa.array(labels))})


def write_rows(rows: Rows, folder: Path) -> list[Path]:
    """Write the rows for other processes of the training, as files in `folder`; returns the files."""
    files = []
    for name, table in rows._asdict().items():
        if table is not None:
            files.append(folder / f".{name}.arrow")
            with pa.OSFile(str(files[-1]), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
    return files


def read_rows(folder: Path) -> Rows:
    """What `write_rows` wrote there, mapped into memory: all processes of a machine share one copy."""
    files = {name: folder / f".{name}.arrow" for name in Rows._fields}
    return Rows(**{name: _mapped(file) if file.exists() else None for name, file in files.items()})


def _mapped(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def lengths(rows: pa.Table) -> pl.Series:
    """Tokens of each row."""
    return pl.Series(rows["input_ids"]).list.len()
