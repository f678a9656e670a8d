"""Which rows are used, and which are held out: both by seed, both in the order of the source."""

from typing import NamedTuple

import numpy as np
import polars as pl


class Split(NamedTuple):
    """Rows to train on and rows to validate on; no row is in both."""

    train: pl.DataFrame
    validation: pl.DataFrame


def sample(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """At most so many of the rows, chosen by `seed`; 0: all of them."""
    return rows if most == 0 or most >= rows.height else rows.filter(_chosen(rows.height, most, seed))


def split(rows: pl.DataFrame, share: float, seed: int) -> Split:
    """Hold out a share of the rows, chosen by `seed`; at least one, where there are two rows and a share."""
    held_out = min(max(round(rows.height * share), 1), rows.height - 1) if share > 0 else 0
    chosen = _chosen(rows.height, held_out, seed)
    return Split(rows.filter(~chosen), rows.filter(chosen))


def _chosen(rows: int, count: int, seed: int) -> pl.Series:
    mask = np.zeros(rows, dtype=bool)
    mask[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return pl.Series(mask)
