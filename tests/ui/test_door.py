"""Of all routes that Gradio brings, those that the page uses, and what each needs."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from qwenlab.ui.components import passed_on
from qwenlab.ui.door import LONGEST_LOGIN, Attempts, find_route
from tests.routes import LOGIN, Known, asked, page, routes_of

OPEN = {
    "GET /", "HEAD /", "GET /assets/x", "GET /static/x", "GET /theme.css", "GET /gradio_api/theme.css",
    "GET /favicon.ico", "GET /manifest.json", "GET /robots.txt", "POST /login", "POST /login/", "GET /logout",
    "GET /lab/x", "HEAD /lab/x",
}  # fmt: skip
"""What is there before the login."""

BEHIND = {
    "GET /config", "GET /config/", "GET /gradio_api/info", "GET /gradio_api/info/", "GET /gradio_api/app_id",
    "GET /gradio_api/heartbeat/x", "GET /gradio_api/queue/data", "GET /gradio_api/upload_progress",
    "POST /gradio_api/queue/join", "POST /gradio_api/cancel", "POST /gradio_api/reset", "POST /gradio_api/reset/",
    "POST /gradio_api/upload", "GET /gradio_api/file=x", "HEAD /gradio_api/file=x",
    "GET /exports/x/x", "HEAD /exports/x/x", "GET /exports/x/x/x", "HEAD /exports/x/x/x",
    "POST /gradio_api/run/predict",  # Gradio calls it /run/{api_name}
}  # fmt: skip
"""What needs the login."""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The page with a login, over a run."""
    runs = tmp_path_factory.mktemp("runs")
    (runs / "report.html").write_text("<script>alert(1)</script>")
    return page(runs, LOGIN)


def local(**headers: str) -> dict[str, str]:
    return {"Host": "127.0.0.1:7860", **headers}


def logged_in(app: Any, password: str = LOGIN[1]) -> httpx.Response:
    body = f"username={LOGIN[0]}&password={password}".encode()
    kind = "application/x-www-form-urlencoded"
    return asked(app, "POST", "/login", local(**{"Content-Type": kind, "Content-Length": str(len(body))}), body)


def test_the_routes_of_the_page_and_what_each_needs(closed: Any) -> None:
    known = {*routes_of(closed), Known("POST", "/gradio_api/run/predict")}
    found = {f"{method} {path}": find_route(method, path) for method, path in known}
    assert {name for name, route in found.items() if route and route.open} == OPEN
    assert {name for name, route in found.items() if route and not route.open} == BEHIND
    assert len(found) > len(OPEN | BEHIND) + 40, "Gradio brings more, and they are not there"


def test_answers_are_compressed_and_our_scripts_served_from_their_folder_alone(closed: Any) -> None:
    script = asked(closed, "GET", "/lab/lab.js", local(**{"Accept-Encoding": "gzip"}))
    assert script.status_code == 200 and "javascript" in script.headers["Content-Type"]
    assert asked(closed, "GET", "/", local(**{"Accept-Encoding": "gzip"})).headers["Content-Encoding"] == "gzip"
    for path in ("/lab/../door.py", "/lab/%2e%2e/door.py", "/lab/"):
        assert asked(closed, "GET", path, local()).status_code == 404, path


def test_without_a_login_nothing_is_told(closed: Any) -> None:
    for method, path in (name.split() for name in BEHIND):
        assert asked(closed, method, path, local()).status_code == 401, path
    first = asked(closed, "GET", "/", local())
    assert first.status_code == 200 and "recipes" not in first.text


def test_the_login_opens_it(closed: Any) -> None:
    answer = logged_in(closed)
    assert answer.status_code == 200
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    assert asked(closed, "GET", "/config", local(Cookie=cookie)).status_code == 200
    assert asked(closed, "GET", "/config", local(Cookie=cookie.replace("=", "=x"))).status_code == 401
    assert asked(closed, "GET", "/gradio_api/openapi.json", local(Cookie=cookie)).status_code == 404


def test_wrong_passwords_are_few(tmp_path: Path) -> None:
    app = page(tmp_path, LOGIN)
    assert [logged_in(app, "wrong").status_code for _ in range(12)] == [400] * Attempts.MOST + [429] * 2
    assert logged_in(app).status_code == 429, "the right one has to wait too"


def test_a_login_is_short(closed: Any) -> None:
    for headers in ({"Content-Length": str(LONGEST_LOGIN + 1)}, {"Transfer-Encoding": "chunked"}):
        assert asked(closed, "POST", "/login", local(**headers), b"x").status_code == 413


def test_attempts_count_by_network_and_are_forgotten() -> None:
    seconds = [0.0]
    attempts = Attempts(lambda: seconds[0])
    assert [attempts.begin(f"2001:db8::{number}") for number in range(Attempts.MOST)] == [0.0] * Attempts.MOST
    assert attempts.begin("2001:db8::ff") == Attempts.FORGOTTEN_S
    assert attempts.begin("2001:db8:0:1::1") == attempts.begin("192.0.2.1") == attempts.begin("") == 0.0
    seconds[0] = Attempts.FORGOTTEN_S
    assert attempts.begin("2001:db8::ff") == 0.0
    attempts.succeeded("2001:db8::1")
    assert [attempts.begin("2001:db8::1") for _ in range(Attempts.MOST)] == [0.0] * Attempts.MOST


def test_addresses_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attempts, "ADDRESSES", 3)
    attempts = Attempts(lambda: 0.0)
    for number in range(100):
        attempts.begin(f"192.0.2.{number}")
    assert len(attempts._made) == 3


def test_a_file_is_served_only_when_it_was_passed_on_and_as_an_attachment(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    report = runs / "report.html"
    report.write_text("<script>alert(1)</script>")
    app = page(runs, None)
    for path in (report, runs / ".." / "runs" / "report.html", Path("/etc/passwd")):
        assert asked(app, "GET", f"/gradio_api/file={path}", local()).status_code == 403
    for name, content in (("report.html", "<script>1</script>"), ("report.json", "{}"), ("report.md", "# Report")):
        (runs / name).write_text(content)
        answer = asked(app, "GET", f"/gradio_api/file={passed_on(runs / name)}", local())
        assert answer.text == content
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        ranged = asked(app, "GET", f"/gradio_api/file={passed_on(runs / name)}", local(Range="bytes=0-1"))
        assert ranged.headers["Content-Disposition"].startswith("attachment")


def test_what_was_not_uploaded_is_no_upload(tmp_path: Path) -> None:
    """A browser may name any path as the file that was dropped; it is not taken."""
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"question": "a", "answer": "b"}\n')
    runs = tmp_path / "runs"
    app = page(runs, None)
    config = asked(app, "GET", "/config", local()).json()
    dropped = [one["id"] for one in config["dependencies"] if any(target[1] == "upload" for target in one["targets"])]
    assert dropped
    for upload in dropped:
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        for data in ([file], [[file]]):
            body = json.dumps({"data": data, "fn_index": upload, "session_hash": "x"}).encode()
            kind = {"Content-Type": "application/json"}
            assert asked(app, "POST", "/gradio_api/run/predict", local(**kind), body).status_code == 500
    assert not (runs / ".uploads").exists()
