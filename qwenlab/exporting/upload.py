"""A folder put on the hub, by the token in HF_TOKEN and nothing else; private unless it was said otherwise.

The token is never told: messages are made of what was asked for and the hub's status code, and not of errors' texts,
which may quote a header.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from qwenlab.errors import UserError

TOKEN_VARIABLE = "HF_TOKEN"

REFUSALS = {
    401: "does not accept the token in HF_TOKEN",
    403: "does not let the token in HF_TOKEN write to {repo}",
    404: "knows no {repo}, or the token in HF_TOKEN may not see it",
}


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


def hub_address() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def check_access(repo: str, token: str) -> None:
    """Ask the hub who the token is for, before anything long is begun.

    Raises:
        UserError: the hub cannot be reached, or refuses the token.
    """
    from huggingface_hub import HfApi

    with _told(repo):
        HfApi(token=token).whoami()


def upload(folder: Path, repo: str, token: str, public: bool) -> str:
    """Upload all files of the folder, in one commit; the address of the repository.

    Raises:
        UserError: the hub cannot be reached or refuses; or a private repository was wanted and it is a public one.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    with _told(repo):
        address = api.create_repo(repo, private=not public, exist_ok=True)
        if not public and not api.model_info(repo).private:
            raise UserError(
                f"{repo} is there already, and everybody can read it; nothing was uploaded.",
                "Add --public if that is what you want, or choose another --repo.",
            )
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Export by qwenlab")
    return str(address)


@contextlib.contextmanager
def _told(repo: str) -> Iterator[None]:
    """What the hub or the way to it says, as a sentence without the token."""
    from httpx import HTTPError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled:
        raise UserError("The hub is not asked: HF_HUB_OFFLINE is set.", "Unset it to upload.") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = REFUSALS.get(status, f"answers with status {status}").format(repo=repo)
        hint = "See that the token may write there." if status in REFUSALS else "Try again later."
        raise UserError(f"The hub at {hub_address()} {reason}.", hint) from None
    except (HTTPError, OSError) as error:
        raise UserError(
            f"The hub at {hub_address()} cannot be reached ({type(error).__name__}).",
            "Check the connection, or set HF_ENDPOINT to a mirror.",
        ) from None
