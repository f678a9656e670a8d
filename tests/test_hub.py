"""What the hub may say to an upload is told as a sentence, and the token never. The hub is our own, on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from qwenlab.errors import UserError
from qwenlab.hub import check_access, read_token, upload
from tests.hub import NOWHERE, UploadHub, upload_hub

TOKEN = "hf_ThisIsTheSecretOfThisTest"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[UploadHub]]:
    with upload_hub(monkeypatch) as answering:
        yield answering


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("mine")
    return tmp_path


def refused(folder: Path, said: str, token: str = TOKEN) -> None:
    """Both questions are refused in these words, and without the token."""
    with pytest.raises(UserError, match=said) as asked:
        check_access("me/mine", token)
    with pytest.raises(UserError, match=said) as uploading:
        upload(folder, "me/mine", token, public=False)
    for told in (asked.value, uploading.value):
        assert token not in str(told) and token.strip() not in str(told) and told.__suppress_context__


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept the token"),
        (403, "does not let the token in HF_TOKEN write to me/mine"),
        (404, "knows no me/mine"),
        (501, "answers with status 501"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence_without_the_token(
    hub: type[UploadHub], folder: Path, status: int, said: str
) -> None:
    hub.refusal = status
    refused(folder, said)
    assert hub.files == {}


def test_a_hub_that_is_not_there_is_a_sentence_without_the_token(
    monkeypatch: pytest.MonkeyPatch, hub: type[UploadHub], folder: Path
) -> None:
    refused(folder, r"cannot be reached \(LocalProtocolError\)", token=f"{TOKEN}\nX")
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    refused(folder, r"cannot be reached \(ConnectError\)")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(folder, "HF_HUB_OFFLINE is set")


def test_a_folder_is_uploaded_with_the_token(hub: type[UploadHub], folder: Path) -> None:
    assert upload(folder, "me/mine", TOKEN, public=False).endswith("/me/mine")
    assert hub.files == {"me/mine": {"README.md": b"mine"}}
    assert hub.authorizations == {f"Bearer {TOKEN}"}


def test_a_public_repository_that_is_there_is_not_written_to_in_passing(hub: type[UploadHub], folder: Path) -> None:
    hub.private = False
    with pytest.raises(UserError, match="everybody can read it; nothing was uploaded"):
        upload(folder, "me/mine", TOKEN, public=False)
    assert hub.files == {}
    upload(folder, "me/mine", TOKEN, public=True)
    assert "me/mine" in hub.files


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f" {TOKEN}\n")
    assert read_token() == TOKEN
    monkeypatch.setenv("HF_TOKEN", "two words")
    with pytest.raises(UserError, match="is not a token") as refused:
        read_token()
    assert "two words" not in str(refused.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match="HF_TOKEN is not set"):
        read_token()
