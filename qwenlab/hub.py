"""Everything that is asked of the Hugging Face hub, and what it or the way to it may say, as sentences.

The token is never told: messages are made of what was asked for and the hub's status code, and not of errors' texts,
which may quote a header. huggingface_hub loads its parts as they are named: most jobs ask for none.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import httpx
import huggingface_hub

from qwenlab.credentials import shown
from qwenlab.errors import UserError, outside

TIMEOUT = 8.0
"""Seconds that the hub has to answer a question; its libraries alone would retry for half a minute."""

STALLED_S = 60.0
"""Seconds without a byte after which a file that is not whole is what an earlier download left."""

TOKEN_VARIABLE = "HF_TOKEN"

UPLOAD_REFUSALS = {
    401: "does not accept the token in HF_TOKEN",
    403: "does not let the token in HF_TOKEN write to {repo}",
    404: "knows no {repo}, or the token in HF_TOKEN may not see it",
}


class UnavailableError(UserError):
    """What was asked for cannot be had from here, now: something else may take its place."""


class UnreachableError(UnavailableError):
    """The hub did not answer the question: a copy in the cache may do."""


class Wanted(NamedTuple):
    """What somebody wants to have of the hub."""

    name: str
    """`owner/name`."""
    kind: Literal["model", "dataset"]
    setting: str
    """The key of the recipe that names it."""
    instead: str
    """What else can be done where the hub cannot be reached, as the end of a sentence: `or give a file: ...`"""

    @property
    def page(self) -> str:
        """Where a person looks at it."""
        return f"{address()}/{'datasets/' if self.kind == 'dataset' else ''}{shown(self.name)}"


def fetch(wanted: Wanted, patterns: str | Sequence[str], revision: str = "main") -> Path:
    """The folder with the files that match; it is named after the commit. What was fetched once needs no hub.

    Raises:
        UnavailableError: no such repository or revision, no access to it, or no way to the hub and no copy here.
    """
    with _reading(wanted, revision):
        patterns = [patterns] if isinstance(patterns, str) else list(patterns)
        return Path(
            huggingface_hub.snapshot_download(
                wanted.name, repo_type=wanted.kind, revision=revision, allow_patterns=patterns
            )
        )


def cached_models() -> list[str]:
    """`owner/name` of each model whose weights are in the hub's cache on this disk, sorted."""
    cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
    found = {path.parent.parent.parent.name for path in cache.glob("models--*--*/snapshots/*/*.safetensors")}
    return sorted(name.removeprefix("models--").replace("--", "/", 1) for name in found)


def downloaded(model: str) -> float | None:
    """GB of the model that have come so far, while it is being downloaded; None while it is not.

    The hub's library writes what is under way into files of its cache that are named `.incomplete`.
    """
    blobs = Path(huggingface_hub.constants.HF_HUB_CACHE) / f"models--{model.replace('/', '--')}" / "blobs"
    sizes = {path: path.stat() for path in blobs.glob("*") if path.is_file()}
    fresh = time.time() - STALLED_S
    if not any(path.suffix == ".incomplete" and size.st_mtime > fresh for path, size in sizes.items()):
        return None
    return sum(size.st_size for size in sizes.values()) / 1e9


def check_dataset(wanted: Wanted) -> None:
    """Ask the hub whether the data set may be had.

    Raises:
        UnavailableError: it says no; an UnreachableError where it did not answer.
    """
    with _reading(wanted):
        if huggingface_hub.HfApi().dataset_info(wanted.name, timeout=TIMEOUT).gated:
            huggingface_hub.HfApi().auth_check(wanted.name, repo_type="dataset")


def licence(model: str, revision: str) -> str | None:
    """The licence as the model's card names it, asked without a token; None: it does not, or the hub does not say."""
    try:
        with _reading(Wanted(model, "model", "", "")):
            card = huggingface_hub.HfApi(token=False).model_info(model, revision=revision, timeout=TIMEOUT).card_data
    except UserError:
        return None
    found = card.get("license") if card else None
    return str(found) if found else None


def read_token() -> str:
    """The token from the environment.

    Raises:
        UserError: there is none, or what is there cannot be one.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise UserError(
            f"There is no token: {TOKEN_VARIABLE} is not set.",
            "Make one that may write, at the hub under Settings, Access Tokens, and set HF_TOKEN to it.",
        )
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", token):
        raise UserError(f"What {TOKEN_VARIABLE} holds is not a token.", "A token is one word of letters and digits.")
    return token


def check_name(repo: str) -> None:
    """Raises:
    UserError: this is no owner/name.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise UserError(f"--repo {repo}: a repository is named owner/name.", "For instance: --repo me/my-adapter")


def address() -> str:
    """Of the hub, or the mirror in HF_ENDPOINT."""
    return shown(str(huggingface_hub.constants.ENDPOINT))


def check_access(repo: str, token: str) -> None:
    """Ask the hub who the token is for, before anything long is begun.

    Raises:
        UserError: the hub cannot be reached, or refuses the token.
    """
    with _writing(repo):
        huggingface_hub.HfApi(token=token).whoami()


def upload(folder: Path, repo: str, token: str, public: bool) -> str:
    """Upload all files of the folder, in one commit; the address of the repository, private unless it is `public`.

    Raises:
        UserError: the hub cannot be reached or refuses; or a private repository was wanted and it is a public one.
    """
    api = huggingface_hub.HfApi(token=token)
    with _writing(repo):
        page = api.create_repo(repo, private=not public, exist_ok=True)
        if not public and not api.model_info(repo).private:
            raise UserError(
                f"{repo} is there already, and everybody can read it; nothing was uploaded.",
                "Add --public if that is what you want, or choose another --repo.",
            )
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Export by qwenlab")
    return str(page)


@contextmanager
def _reading(wanted: Wanted, revision: str = "main") -> Iterator[None]:
    name, what = shown(wanted.name), {"model": "model", "dataset": "data set"}[wanted.kind]
    try:
        yield
    except huggingface_hub.errors.GatedRepoError:
        hint = f"Do so at {wanted.page}, then set HF_TOKEN to a token of your account (or run `hf auth login`)."
        raise UnavailableError(f"{name} is gated; access must be requested.", hint) from None
    except huggingface_hub.errors.RevisionNotFoundError:
        raise UnavailableError(f"{name} has no revision {revision}.", "Mend model.revision.") from None
    except (huggingface_hub.errors.RepositoryNotFoundError, huggingface_hub.errors.HFValidationError):
        raise UnavailableError(
            f"There is no file or folder {name} here, and the hub has no such {what}, or it is private.",
            f"Mend {wanted.setting}: compare the spelling with {wanted.page}; for a private one set HF_TOKEN (or run "
            "`hf auth login`).",
        ) from None
    except huggingface_hub.errors.LocalEntryNotFoundError:
        raise UnreachableError(
            f"{name} is not on this machine and the hub cannot be reached.",
            f"Check the connection (or HF_ENDPOINT, HF_HUB_OFFLINE), {wanted.instead}",
        ) from None
    except huggingface_hub.errors.OfflineModeIsEnabled:
        raise UnreachableError(_OFFLINE, f"Unset it to download {name}, {wanted.instead}") from None
    except huggingface_hub.errors.HfHubHTTPError as error:
        raise UnreachableError(
            f"The hub at {address()} answers with {error.response.status_code} to the question for {name}.",
            "Try again later, or set HF_ENDPOINT to a mirror.",
        ) from None
    except httpx.HTTPError as error:
        raise UnreachableError(
            f"The hub at {address()} cannot be reached for {name} ({type(error).__name__}).",
            f"Check the internet connection, set HF_ENDPOINT to a mirror, {wanted.instead}",
        ) from None
    except OSError as error:
        raise UnavailableError(
            f"{name} cannot be fetched: {error.strerror or type(error).__name__}.",
            "It is kept in the cache folder of the hub's library (HF_HOME): see that it can be written, and has room.",
        ) from None


@contextmanager
def _writing(repo: str) -> Iterator[None]:
    try:
        yield
    except huggingface_hub.errors.OfflineModeIsEnabled:
        raise UserError(_OFFLINE, "Unset it to upload.") from None
    except huggingface_hub.errors.HfHubHTTPError as error:
        status = error.response.status_code
        reason = UPLOAD_REFUSALS.get(status, f"answers with status {status}").format(repo=repo)
        hint = "See that the token may write there." if status in UPLOAD_REFUSALS else "Try again later."
        raise UserError(f"The hub at {address()} {reason}.", hint) from None
    except (httpx.HTTPError, OSError) as error:
        if told := outside(error):
            raise told from None
        raise UserError(
            f"The hub at {address()} cannot be reached ({type(error).__name__}).",
            "Check the connection, or set HF_ENDPOINT to a mirror.",
        ) from None


_OFFLINE = "The hub is not asked: HF_HUB_OFFLINE is set."
