"""A data set of the Hugging Face hub, by way of `datasets`: its train split, as Arrow columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from qwenlab.errors import UserError
from qwenlab.hub import UnreachableError, Wanted, check_dataset


def read_hub(source: str, notes: list[str]) -> pl.DataFrame:
    """The train split of `org/name` or `org/name:configuration`.

    What the hub no longer answers for is read from the local cache when it is there; `notes` is told.

    Raises:
        UnavailableError: no such data set, no access to it, or no way to the hub and no copy in the cache.
        UserError: the data set is there, and has no train split, needs a configuration, or cannot be read.
    """
    name, _, configuration = source.partition(":")
    unreachable = _unreachable(name)
    import datasets

    arguments: dict[str, Any] = {"name": configuration or None, "split": "train"}
    try:
        if not unreachable:
            return _frame(datasets.load_dataset(name, **arguments))
        with _cache_only(datasets.config):
            frame = _frame(datasets.load_dataset(name, **arguments))
        notes.append(f"{unreachable.message} The copy of {name} in the cache was used.")
        return frame
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        if unreachable:
            raise unreachable from None
        raise UserError(f"{name} cannot be read: {error}", f"A configuration is chosen by {name}:NAME.") from None


def _unreachable(name: str) -> UnreachableError | None:
    """Why the hub does not answer for the data set; None where it does.

    Raises:
        UnavailableError: it answers, and says no.
    """
    try:
        check_dataset(Wanted(name, "dataset", "data.source", "or give a file: --set data.source=PATH."))
    except UnreachableError as error:
        return error
    return None


@contextmanager
def _cache_only(config: Any) -> Iterator[None]:
    """Keep `datasets` from trying, for half a minute, to reach a hub that just did not answer."""
    before, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


def _frame(dataset: Any) -> pl.DataFrame:
    frame = dataset.to_polars()
    assert isinstance(frame, pl.DataFrame)
    return frame
