"""The page's server and the model server in this process, and all their routes, those of the frameworks too."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn

import httpx
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from qwenlab.api.app import make_app as make_server
from qwenlab.inference.batcher import FullError
from qwenlab.inference.load import Stamp
from qwenlab.ui import build
from qwenlab.ui.door import make_app as make_page
from tests.ui.made import built

KEY = "a-key-of-the-test"
LOGIN = ("me", "a-password-of-the-test")


class Known(NamedTuple):
    """A route: its method, and its path with something in each place that takes anything."""

    method: str
    path: str


def routes_of(app: Any) -> list[Known]:
    """All of an application's, those of what is mounted or included in it too, sorted."""
    return sorted(set(_routes(app.routes)))


def _routes(routes: Iterable[Any]) -> Iterator[Known]:
    for route in routes:
        inner: Any = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(inner, "routes"):
            yield from _routes(inner.routes)
        elif isinstance(inner, StaticFiles):
            yield from (Known(method, f"{route.path}/x") for method in ("GET", "HEAD"))
        else:
            path = re.sub(r"\{\w+:path\}|\{\w+\}", "x", route.path)
            yield from (Known(method, path) for method in route.methods or ())


def page(runs: Path, login: tuple[str, str] | None) -> Any:
    """The page's application over a folder of runs."""
    return built(lambda: make_page(build(runs), login, frozenset(), runs))


def server(key: str | None, origins: tuple[str, ...] = ()) -> Any:
    """The model server's application, in front of a model that has no time."""
    return make_server(_Full(), key, 100_000, origins=origins)  # type: ignore[arg-type]


class _Full:
    """A batcher that takes nothing."""

    def __init__(self) -> None:
        stamp = Stamp("tiny", "/tiny", "a", "b", None, None, "float32", "cpu")
        self.loaded = SimpleNamespace(names=["base"], stamp=lambda name: stamp)
        self.running = self.waiting = 0

    def start(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing runs."""

    def submit(self, *_: object) -> NoReturn:
        raise FullError


def asked(app: ASGIApp, method: str, path: str, headers: dict[str, str], content: bytes = b"") -> httpx.Response:
    """The answer of an application in this process, to a request whose path is sent as it stands."""

    async def inside() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False)) as client:
            url = httpx.URL(scheme="http", host="127.0.0.1", raw_path=path.encode())
            return await client.request(method, url, headers=headers, content=content)

    return asyncio.run(asyncio.wait_for(inside(), 30))
