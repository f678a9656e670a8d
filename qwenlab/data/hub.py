"""A data set of the Hugging Face hub, by way of `datasets`: its train split, as Arrow columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from qwenlab.errors import UserError

TIMEOUT = 8.0
"""Seconds that the hub has to answer the first question; `datasets` alone would retry for half a minute."""


class UnavailableError(UserError):
    """The data set cannot be had from here, now: a fallback may take its place."""


def read_hub(source: str, notes: list[str]) -> pl.DataFrame:
    """The train split of `org/name` or `org/name:configuration`.

    What the hub no longer answers for is read from the local cache when it is there; `notes` is told.

    Raises:
        UnavailableError: no such data set, no access to it, or no way to the hub and no copy in the cache.
        UserError: the data set is there, and has no train split, needs a configuration, or cannot be read.
    """
    name, _, configuration = source.partition(":")
    unreachable = _ask(name)
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


def _ask(name: str) -> UnavailableError | None:
    """Ask the hub for the data set: None when it may be had, the error when the hub did not answer.

    Raises:
        UnavailableError: the hub did answer, and says no.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    api = HfApi()
    page = f"{api.endpoint}/datasets/{name}"
    try:
        if api.dataset_info(name, timeout=TIMEOUT).gated:
            api.auth_check(name, repo_type="dataset")
    except GatedRepoError:
        hint = f"Do so at {page}, then set HF_TOKEN to a token of your account (or run `hf auth login`)."
        raise UnavailableError(f"{name} is gated: one must ask for access to it.", hint) from None
    except (RepositoryNotFoundError, HFValidationError):
        hint = f"Compare the spelling with {page}; for a private one set HF_TOKEN (or run `hf auth login`)."
        message = f"There is no file or folder {name} here, and the hub has no such data set, or it is private."
        raise UnavailableError(message, hint) from None
    except OfflineModeIsEnabled:
        return UnavailableError(
            "The hub is not asked: HF_HUB_OFFLINE is set.",
            f"Unset it to download {name}, or give a file: --set data.source=PATH.",
        )
    except HfHubHTTPError as error:
        return UnavailableError(
            f"The hub at {api.endpoint} answers with {error.response.status_code} to the question for {name}.",
            "Try again later, or set HF_ENDPOINT to a mirror.",
        )
    except HTTPError as error:
        return UnavailableError(
            f"The hub at {api.endpoint} cannot be reached for {name}: {error}.",
            "Check the internet connection, set HF_ENDPOINT to a mirror, or give a file: --set data.source=PATH.",
        )
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
