"""A hub of our own on this machine: how it answers, and what a process gets that asks it."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

COMMIT = "a" * 40
NOWHERE = "http://127.0.0.1:9"


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


def asked(code: str, home: Path, endpoint: str, *arguments: str, offline: str = "0") -> dict[str, Any]:
    """What the code prints last, in a process of its own with its cache in `home`: the libraries read their variables
    only once."""
    variables = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": offline}
    command = [sys.executable, "-c", code, *arguments]
    output = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    results = json.loads(output.splitlines()[-1])
    assert isinstance(results, dict)
    return results
