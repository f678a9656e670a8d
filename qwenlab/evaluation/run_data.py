"""The rows that a run has learned, and those that were held out: read again as its training read them, or refused."""

from typing import TYPE_CHECKING

from qwenlab.errors import UserError
from qwenlab.files import Record, read_json
from qwenlab.runs.run import Run

if TYPE_CHECKING:
    from qwenlab.data import Dataset


class _Prepared(Record):
    """Of data.json."""

    rows_kept: int


def run_data(run: Run) -> "Dataset":
    """The run's data, split as its training split it.

    Raises:
        UserError: the data cannot be had any more, or is not what the run was trained on: another split would ask for
            rows that it has learned.
    """
    from qwenlab import data  # polars loads when rows are read

    recipe, before = run.recipe, run.read().data_sha256
    dataset = data.load(recipe.data, recipe.train.seed)
    now, kept = dataset.report.sha256, dataset.report.rows_kept
    source = recipe.data.source
    if before is None:
        raise _other(f"{run.record_file} does not say what {run.name} was trained on.")
    if before != now:
        raise _other(
            f"{source} has changed since {run.name} was trained: its SHA-256 was {before[:12]}, now {now[:12]}."
        )
    if run.data_file.exists() and (rows := read_json(run.data_file, _Prepared).rows_kept) != kept:
        raise _other(f"{run.name} was trained when qwenlab kept {rows:,} rows of {source}; now it keeps {kept:,}.")
    return dataset


def _other(why: str) -> UserError:
    return UserError(
        f"{why} Rows that were held out cannot be told from rows that were learned.",
        "Put back what there was, train again, or evaluate without the suite held_out.",
    )
