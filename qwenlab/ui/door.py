"""The page's server: of all routes that Gradio brings those alone that the page uses, each with what it needs.

Gradio looks after the login of most routes, not of all; here it is asked before any of them. What is not in `ROUTES`
is not there, whatever Gradio may add.
"""

import ipaddress
import re
import time
from collections import deque
from collections.abc import Callable, Collection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qwenlab.text import duration
from qwenlab.ui.bundle import PATH, STATIC, head
from qwenlab.ui.downloads import PACKED, downloads
from qwenlab.ui.theme import CSS, THEME
from qwenlab.web.gate import Gate

MAX_UPLOAD = "2gb"

FILES = "/gradio_api/file="
LOGIN = "/login"
LONGEST_LOGIN = 10_000
"""Bytes: Gradio reads it into memory, from whoever sends it."""


class Route(NamedTuple):
    """One that the page uses."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    open: bool = False
    """It is there before the login: the page that asks for it, and what that page is made of."""


def _route(methods: str, path: str, open: bool = False) -> Route:
    return Route(tuple(methods.split()), re.compile(path), open)


ROUTES = (
    _route("GET HEAD", r"/", open=True),  # without a login it holds the form alone
    _route("GET HEAD", r"/(assets|static|lab)/.+", open=True),
    _route("GET HEAD", r"/(theme\.css|gradio_api/theme\.css|favicon\.ico|manifest\.json|robots\.txt)", open=True),
    _route("POST", r"/login/?", open=True),
    _route("GET", r"/logout", open=True),
    _route("GET", r"/config/?"),
    _route("GET", r"/gradio_api/info/?"),
    _route("GET", r"/gradio_api/(app_id|heartbeat/\w+|queue/data|upload_progress)"),
    _route("POST", r"/gradio_api/(run/predict|queue/join|cancel|reset|upload)/?"),
    _route("GET HEAD", re.escape(FILES) + ".+"),
    _route("GET HEAD", r"/exports/[^/]+/[^/]+(/.+)?"),
)


class Attempts:
    """Attempts to log in, by the address that they came from: `MOST`, and then one as soon as another is forgotten.

    So whoever guesses has sixty guesses an hour. They count from when they begin: many at once are no way around.
    """

    MOST = 10
    FORGOTTEN_S = 600.0
    ADDRESSES = 10_000
    """Of so many it is known; then the one that was heard of longest ago is forgotten."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._made: dict[str, deque[float]] = {}

    def begin(self, address: str) -> float:
        """Take note of an attempt from there; or seconds until one may be made, where there were too many."""
        network = _network(address)
        made = self._made.pop(network, deque())
        while made and made[0] <= self._now() - self.FORGOTTEN_S:
            made.popleft()
        self._made[network] = made
        while len(self._made) > self.ADDRESSES:
            del self._made[next(iter(self._made))]
        if len(made) >= self.MOST:
            return made[0] + self.FORGOTTEN_S - self._now()
        made.append(self._now())
        return 0.0

    def succeeded(self, address: str) -> None:
        """Who knows the password has not guessed."""
        self._made.pop(_network(address), None)


def make_app(page: gr.Blocks, login: tuple[str, str] | None, names: Collection[str], runs: Path) -> Starlette:
    """The page as an application.

    Args:
        login: user name and password; None: whoever reaches it may use it.
        names: by which it may be asked, see `Gate`.
        runs: the folder of all runs, whose exports can be downloaded.
    """
    door = Door(lambda: gradio, login is not None)
    # No page of another site may read an answer. Beside a CORSMiddleware Gradio leaves out its own, which lets any.
    cors = Middleware(CORSMiddleware, allow_origins=())
    # What streams is left as it is, so that each piece arrives at once.
    weights = (*DEFAULT_EXCLUDED_CONTENT_TYPES, *PACKED)
    packed = Middleware(GZipMiddleware, compresslevel=6, exclude_content_types=weights)
    app = Starlette(middleware=[Middleware(Gate, names=names), packed, Middleware(door.before), cors])
    app.mount(PATH, StaticFiles(directory=STATIC))
    app.routes.extend(downloads(runs))
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        auth=login,
        theme=THEME,
        css=CSS,
        head=head(),
        favicon_path=str(STATIC / "favicon.svg"),
        footer_links=[],
        max_file_size=MAX_UPLOAD,
        show_error=False,
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
    )
    gradio: Any = app.routes[-1].app  # type: ignore[attr-defined]
    page.has_launched = True  # from then on Gradio takes no path from a browser that is not that of an upload
    return app


class Door:
    """Asks of each request what its route needs."""

    def __init__(self, gradio: Callable[[], Any], needs_login: bool) -> None:
        self._gradio = gradio
        self._needs_login = needs_login
        self._attempts = Attempts()

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application with this door before it."""

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await (self._refusal(scope) or app)(scope, receive, self._noting(scope, send))

        return asked

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        if scope["type"] != "http":
            return None
        route = find_route(scope["method"], scope["path"])
        if route is None:
            return PlainTextResponse("Not found.\n", 404)
        if self._needs_login and not route.open and not self._knows(Headers(scope=scope)):
            return PlainTextResponse("Log in first.\n", 401)
        return self._refused_login(scope) if _is_login(scope) else None

    def _refused_login(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        length = headers.get("Content-Length", "")
        is_known = length.isdecimal() and len(length) < 10 and "Transfer-Encoding" not in headers
        if not is_known or int(length) > LONGEST_LOGIN:
            return JSONResponse({"detail": "A login is a user name and a password."}, 413)
        if wait := self._attempts.begin(_client(scope)):
            told = f"Too many attempts. Try again in {duration(wait)}."
            return JSONResponse({"detail": told}, 429, {"Retry-After": f"{wait + 1:.0f}"})
        return None

    def _knows(self, headers: Headers) -> bool:
        gradio = self._gradio()
        known: dict[str, str] = gradio.tokens
        cookies = SimpleCookie(headers.get("Cookie", ""))
        names = (f"access-token-{gradio.cookie_id}", f"access-token-unsecure-{gradio.cookie_id}")
        return any(name in cookies and cookies[name].value in known for name in names)

    def _noting(self, scope: Scope, send: Send) -> Send:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                if _is_login(scope) and message["status"] == 200:
                    self._attempts.succeeded(_client(scope))
                if scope["path"].startswith(FILES):
                    headers = MutableHeaders(scope=message)
                    if not headers.get("Content-Disposition", "").startswith("attachment"):
                        headers["Content-Disposition"] = "attachment"
            await send(message)

        return noted


def close(page: gr.Blocks) -> None:
    """Let the answers end that last as long as a browser looks."""
    page.is_running = False
    page._queue.close()  # type: ignore[no-untyped-call]


def find_route(method: str, path: str) -> Route | None:
    """The one that is meant; None: there is none."""
    return next((route for route in ROUTES if method in route.methods and route.path.fullmatch(path)), None)


def _is_login(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["method"] == "POST" and scope["path"].rstrip("/") == LOGIN)


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _network(address: str) -> str:
    """Of an IPv6 address the network of one household: it has as many addresses as it likes."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if known.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))
