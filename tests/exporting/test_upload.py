"""What the hub may say is told as a sentence, and the token never. An HfApi of ours stands in for the hub's."""

from pathlib import Path

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from qwenlab.errors import UserError
from qwenlab.exporting.upload import check_access, read_token, upload

TOKEN = "hf_ThisIsTheSecretOfThisTest"


class Hub:
    """As HfApi is used here. `fault` is raised by each call, `private` what the repository is."""

    fault: Exception | None = None
    private = True
    uploaded: list[str]

    def __init__(self, token: str) -> None:
        self.token = token

    def _call(self) -> None:
        if Hub.fault:
            raise Hub.fault

    def whoami(self) -> None:
        self._call()

    def create_repo(self, repo: str, private: bool, exist_ok: bool) -> str:
        self._call()
        return f"https://hub/{repo}"

    def model_info(self, repo: str) -> "Hub":
        return self

    def upload_folder(self, repo_id: str, folder_path: Path, commit_message: str) -> None:
        Hub.uploaded.append(repo_id)


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(Hub, "fault", None)
    monkeypatch.setattr(Hub, "private", True)
    monkeypatch.setattr(Hub, "uploaded", [], raising=False)
    return Hub


def status(code: int) -> HfHubHTTPError:
    response = httpx.Response(code, request=httpx.Request("POST", "https://hub", headers={"authorization": TOKEN}))
    return HfHubHTTPError(f"{code}: Bearer {TOKEN}", response=response)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(401), "does not accept the token"),
        (status(403), "does not let the token in HF_TOKEN write to me/mine"),
        (status(404), "knows no me/mine"),
        (status(503), "answers with status 503"),
        (httpx.ConnectError(TOKEN), r"cannot be reached \(ConnectError\)"),
        (httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"), "cannot be reached"),
        (OfflineModeIsEnabled(TOKEN), "HF_HUB_OFFLINE is set"),
    ],
)
def test_what_goes_wrong_is_a_sentence_without_the_token(
    fault: Exception, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Hub, "fault", fault)
    with pytest.raises(UserError, match=said) as asked:
        check_access("me/mine", TOKEN)
    with pytest.raises(UserError, match=said) as uploading:
        upload(tmp_path, "me/mine", TOKEN, public=False)
    for told in (asked.value, uploading.value):
        assert TOKEN not in str(told) and told.__suppress_context__
    assert Hub.uploaded == []


def test_a_public_repository_that_is_there_is_not_written_to_in_passing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Hub, "private", False)
    with pytest.raises(UserError, match="everybody can read it; nothing was uploaded"):
        upload(tmp_path, "me/mine", TOKEN, public=False)
    assert Hub.uploaded == []
    assert upload(tmp_path, "me/mine", TOKEN, public=True) == "https://hub/me/mine"
    assert Hub.uploaded == ["me/mine"]


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
