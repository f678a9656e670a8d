"""A hub of our own on this machine: how it answers, and what a process gets that asks it."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

COMMIT = "a" * 40
NOWHERE = "http://127.0.0.1:9"
HARNESSES = "/api/agent-harnesses"
"""What the hub's library asks for once a day, without a token: a list that it keeps in the user's cache."""


class HubAnswers(BaseHTTPRequestHandler):
    """Answers with the headers that the hub's libraries read. What there is to ask for is its heirs' affair."""

    def answer(self, status: int, body: bytes = b"", error: str = "") -> None:
        self.send_response(status)
        for header, value in {"ETag": f'"{len(body)}"', "X-Repo-Commit": COMMIT, "X-Error-Code": error}.items():
            if value:
                self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class UploadHub(HubAnswers):
    """A hub that takes uploads, or answers all with `refusal`; what it holds is told by the class."""

    refusal: int | None
    private: bool
    """Of the repository, once it is there."""
    created_private: bool
    """As it was asked for."""
    authorizations: set[str | None]
    """What was sent with each question, but for `HARNESSES`."""
    files: dict[str, dict[str, bytes]]
    """What was uploaded, by repository."""

    @classmethod
    def reset(cls) -> None:
        cls.refusal, cls.private, cls.authorizations, cls.files = None, True, set(), {}
        cls.created_private = False

    def do_GET(self) -> None:
        if self.path == HARNESSES:
            self.answer(404)
            return
        self.authorizations.add(self.headers["Authorization"])
        if self.refusal:
            self.answer(self.refusal)
        elif self.path == "/api/whoami-v2":
            self.tell({"name": "me"})
        else:
            repo = "/".join(self.path.split("/")[3:5])
            self.tell({"id": repo, "private": self.private, "sha": COMMIT, "siblings": []})

    def do_POST(self) -> None:
        self.authorizations.add(self.headers["Authorization"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        repo = "/".join(self.path.split("/")[3:5])
        if self.refusal:
            self.answer(self.refusal)
        elif self.path == "/api/repos/create":
            type(self).created_private = json.loads(body)["visibility"] == "private"
            self.tell({"url": f"{constants.ENDPOINT}/me/mine"})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            modes = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            self.tell({"files": modes})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines()]
            files = [line["value"] for line in lines if line["key"] == "file"]
            self.files[repo] = {file["path"]: base64.b64decode(file["content"]) for file in files}
            page = f"{constants.ENDPOINT}/{repo}/commit/{COMMIT}"
            self.tell({"commitUrl": page, "commitOid": COMMIT, "success": True})
        else:
            self.tell({})  # a card is looked through before it is taken

    def tell(self, what: dict[str, Any]) -> None:
        self.answer(200, json.dumps(what).encode())


@contextmanager
def upload_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[UploadHub]]:
    """It is the hub of this process while the block lasts."""
    UploadHub.reset()
    with ThreadingHTTPServer(("127.0.0.1", 0), UploadHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield UploadHub
        server.shutdown()
        thread.join()


def asked(code: str, home: Path, endpoint: str, *arguments: str, offline: str = "0") -> dict[str, Any]:
    """What the code prints last, in a process of its own with its cache in `home`: the libraries read their variables
    only once."""
    variables = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": offline}
    command = [sys.executable, "-c", code, *arguments]
    output = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    results = json.loads(output.splitlines()[-1])
    assert isinstance(results, dict)
    return results
