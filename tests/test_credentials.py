"""Tokens, keys and passwords: in which processes they are, and that no address tells them."""

import os
import sys
from pathlib import Path

import pytest

from qwenlab import credentials
from qwenlab.credentials import environment, hold_hub_token, shown
from qwenlab.runs.launch import launch

SECRETS = {"HF_TOKEN": "hf_a", "OPENAI_API_KEY": "b", "QWENLAB_API_KEY": "c", "QWENLAB_AUTH": "me:d"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_held", {})
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def in_there(verb: str | None) -> set[str]:
    return SECRETS.keys() & environment(verb).keys()


@pytest.mark.parametrize("held", [False, True])
def test_a_process_has_the_credentials_that_it_needs(held: bool) -> None:
    if held:
        hold_hub_token()
        assert "HF_TOKEN" not in os.environ
    assert in_there("train") == in_there("prepare") == in_there("export") == {"HF_TOKEN"}
    assert in_there("evaluate") == {"HF_TOKEN", "OPENAI_API_KEY"}
    assert in_there("serve") == {"HF_TOKEN", "QWENLAB_API_KEY"}
    assert in_there(None) == in_there("judge") == set()
    assert environment("train")["HF_TOKEN"] == "hf_a"
    assert environment()["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(("verb", "tokens"), [("train", ["HF_TOKEN"]), ("judge", [])])
def test_a_launched_process_has_no_others(
    verb: str, tokens: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = tmp_path / "tell"
    tell.write_text(f"#!{sys.executable}\nimport os\nprint(*sorted({set(SECRETS)} & set(os.environ)))\n")
    tell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tell))
    launched = launch(tmp_path, verb, [])
    assert launched.exit_code() == 0
    assert launched.text.split() == tokens


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://me:secret@127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://hf_token@huggingface.co/a/b", "https://huggingface.co/a/b"),
        ("me:secret@host/v1", "host/v1"),
        ("https://a:b@c@d/x@y", "https://d/x@y"),
        ("https://host/v1?mail=a@b", "https://host/v1?mail=a@b"),
        ("owner/name", "owner/name"),
    ],
)
def test_an_address_is_told_without_its_credentials(address: str, told: str) -> None:
    assert shown(address) == told
