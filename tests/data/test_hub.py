"""Against a hub of our own on this machine, in processes of their own: the libraries read its address only once."""

import json
import threading
from http.server import ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from tests.hub import COMMIT, NOWHERE, HubAnswers, asked

FILES = {
    "README.md": b"---\nlicense: mit\n---\n",
    "train.jsonl": b'{"question": "q1", "answer": "a1"}\n{"question": "q2", "answer": "a2"}\n',
}

CODE = """
import json, sys, time
from qwenlab.data.hub import read_hub
from qwenlab.errors import UserError
from qwenlab.hub import UnavailableError
results = {}
for source in sys.argv[1:]:
    notes, began = [], time.monotonic()
    try:
        result = {"rows": read_hub(source, notes).to_dicts()}
    except UserError as error:
        kind = UnavailableError if isinstance(error, UnavailableError) else UserError
        result = {"kind": kind.__name__, "message": error.message, "hint": error.hint}
    results[source] = result | {"notes": notes, "seconds": time.monotonic() - began}
print(json.dumps(results))
"""


class Hub(HubAnswers):
    """What the libraries ask for a data set of one file: org/good. Others are missing, gated or out of order."""

    def do_GET(self) -> None:  # noqa: N802
        path = self.path.partition("?")[0]
        if "org/missing" in path:
            self.answer(401, error="RepoNotFound")
        elif "org/broken" in path:
            self.answer(503)
        elif path.endswith("/auth-check"):
            self.answer(403, error="GatedRepo")
        elif "/tree/" in path:
            self.answer(200, json.dumps([self.entry(name) for name in FILES]).encode())
        elif path.startswith("/api/datasets/"):
            siblings = [{"rfilename": name} for name in FILES]
            gated = "manual" if "org/gated" in path else False
            self.answer(
                200, json.dumps({"id": "org/good", "sha": COMMIT, "gated": gated, "siblings": siblings}).encode()
            )
        elif (name := path.rpartition("/")[2]) in FILES:
            self.answer(200, FILES[name])
        else:
            self.answer(404, error="EntryNotFound")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, json.dumps([self.entry("train.jsonl")]).encode())

    def entry(self, name: str) -> dict[str, Any]:
        return {"type": "file", "path": name, "size": len(FILES[name]), "oid": name}


class Results(NamedTuple):
    """The same user on three days, with one cache: the hub answers, it does not, it must not be asked."""

    up: dict[str, Any]
    down: dict[str, Any]
    offline: dict[str, Any]


REFUSED = ("org/missing", "org/gated", "org/broken", "org/bad--name")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    home = tmp_path_factory.mktemp("hub")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        up = asked(CODE, home, f"http://127.0.0.1:{server.server_port}", *REFUSED, "org/good", "org/good:nope")
        server.shutdown()
        thread.join()
    down = asked(CODE, home, NOWHERE, "org/good", "org/other")
    return Results(up, down, asked(CODE, home, NOWHERE, "org/good", "org/other", offline="1"))


ROWS = [{"question": "q1", "answer": "a1"}, {"question": "q2", "answer": "a2"}]


def test_the_train_split_is_downloaded(results: Results) -> None:
    assert results.up["org/good"]["rows"] == ROWS
    assert results.up["org/good"]["notes"] == []


def test_the_cache_is_used_where_the_hub_does_not_answer_and_the_user_is_told(results: Results) -> None:
    assert results.down["org/good"]["rows"] == results.offline["org/good"]["rows"] == ROWS
    (note,) = results.down["org/good"]["notes"]
    assert "cannot be reached" in note and note.endswith("The copy of org/good in the cache was used.")
    (note,) = results.offline["org/good"]["notes"]
    assert note.startswith("The hub is not asked: HF_HUB_OFFLINE is set.")


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "org/missing",
            "There is no file or folder org/missing here, and the hub has no such data set, or it is private.",
            "set HF_TOKEN",
        ),
        ("org/gated", "org/gated is gated; access must be requested.", "set HF_TOKEN"),
        ("org/broken", "answers with 503 to the question for org/broken.", "HF_ENDPOINT"),
        ("org/bad--name", "There is no file or folder org/bad--name here", "compare the spelling"),
    ],
)
def test_a_refusal_is_told_with_its_reason(results: Results, source: str, message: str, hint: str) -> None:
    result = results.up[source]
    assert result["kind"] == "UnavailableError"
    assert message in result["message"] and hint in result["hint"]


def test_a_hub_out_of_reach_is_told_within_seconds(results: Results) -> None:
    result = results.down["org/other"]
    assert result["kind"] == "UnavailableError"
    assert f"The hub at {NOWHERE} cannot be reached for org/other" in result["message"]
    assert "internet connection" in result["hint"] and "HF_ENDPOINT" in result["hint"]
    # `datasets` alone would try again for half a minute.
    assert max(result["seconds"], results.down["org/good"]["seconds"]) < 15


def test_an_offline_mode_is_told(results: Results) -> None:
    result = results.offline["org/other"]
    assert result["kind"] == "UnavailableError"
    assert result["message"] == "The hub is not asked: HF_HUB_OFFLINE is set."
    assert "Unset it" in result["hint"]


def test_an_unknown_configuration_is_told_with_those_there_are(results: Results) -> None:
    result = results.up["org/good:nope"]
    assert result["kind"] == "UserError"
    assert "org/good cannot be read: BuilderConfig 'nope' not found. Available: ['default']" in result["message"]
