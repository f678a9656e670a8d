"""Every route of the page and of the model server, asked by those who may not."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from qwenlab.ui.door import find_route
from tests.faults.group import Attempt, LostError
from tests.routes import KEY, LOGIN, Known, asked, page, routes_of, server

TITLE = "routes, asked by strangers"
PROMISE = (
    "Without the login there is the form and what it is made of; without the key `/health`; for a page of another "
    "site, or by another name, nothing."
)
ALL = 1500
FIRST = 150

CANARY = "canary-of-a-run"
"""The name of a run: whoever is told of it has been let in."""

OURS = "127.0.0.1:7860"
OTHER_PAGES = ("https://evil.example", "null", "http://localhost:8000", "http://127.0.0.1:7861", "file://")
OTHER_NAMES = ("evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example")


class Surface(NamedTuple):
    """A server, and whether a route of it is there for those who have no login or key."""

    name: str
    app: Any
    locked: bool
    is_open: Callable[[str, str], bool]


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """See `Group`."""
    (folder / CANARY).mkdir()
    yield from islice(_attempts(folder), count)


def _attempts(folder: Path) -> Iterator[Attempt]:
    made: tuple[Callable[[], Surface], ...] = (
        lambda: Surface("model server with a key", server(KEY), True, lambda method, path: path == "/health"),
        lambda: Surface("page with a login", page(folder, LOGIN), True, _is_form),
        lambda: Surface("model server", server(None), False, lambda method, path: True),
        lambda: Surface("page", page(folder, None), False, lambda method, path: True),
    )
    surfaces = []
    for make in made:
        surface = make()
        surfaces.append(surface)
        for method, path in routes_of(surface.app):
            if surface.locked:
                yield _attempt(surface, method, path, "no login", {}, _is_locked)
            yield _attempt(surface, method, path, "other origin", {"Origin": OTHER_PAGES[0]}, _is_refused)
            yield _attempt(surface, method, path, "other host", {"Host": OTHER_NAMES[0]}, _is_refused)
    draw = random.Random(18)
    while True:
        surface = draw.choice(surfaces)
        known = draw.choice(routes_of(surface.app))
        method, path = draw.choice([known.method, "OPTIONS", "POST", "HEAD"]), _written_otherwise(draw, known)
        kinds = [
            ("other origin", {"Origin": draw.choice(OTHER_PAGES)}, _is_refused),
            ("other host", {"Host": draw.choice(OTHER_NAMES)}, _is_refused),
        ]
        if surface.locked:
            kinds += [("no login", headers, _is_locked) for headers in ({}, {"Cookie": "access-token-x=y"})]
            kinds += [("no login", {"Authorization": given}, _is_locked) for given in ("Bearer", f"Basic {KEY}", KEY)]
        yield _attempt(surface, method, path, *draw.choice(kinds))


def _attempt(
    surface: Surface,
    method: str,
    path: str,
    who: str,
    headers: dict[str, str],
    check: Callable[[Surface, str, str, httpx.Response], None],
) -> Attempt:
    def ask() -> None:
        check(surface, method, path, asked(surface.app, method, path, {"Host": OURS} | headers))

    return Attempt(f"{surface.name}: {method} {path}, {who} {''.join(headers.values())}".rstrip(), ask)


def _is_refused(surface: Surface, method: str, path: str, answer: httpx.Response) -> None:
    if answer.status_code != 403:
        raise LostError(f"it was answered {answer.status_code}")
    if any(name.startswith("access-control-") for name in answer.headers):
        raise LostError("a browser was told that it may")
    _has_headers(answer)


def _is_locked(surface: Surface, method: str, path: str, answer: httpx.Response) -> None:
    _has_headers(answer)
    if CANARY in answer.text:
        raise LostError(f"a run was told, with {answer.status_code}")
    if answer.status_code >= 500:
        raise LostError(f"it failed with {answer.status_code}")
    if answer.is_success and not surface.is_open(method, answer.request.url.path):
        raise LostError(f"it was answered {answer.status_code}")


def _has_headers(answer: httpx.Response) -> None:
    if answer.headers.get("X-Frame-Options") != "DENY" or answer.headers.get("X-Content-Type-Options") != "nosniff":
        raise LostError("the answer may be shown in a frame, or taken for something else")


def _is_form(method: str, path: str) -> bool:
    route = find_route(method, path)
    return route is not None and route.open


def _written_otherwise(draw: random.Random, known: Known) -> str:
    """The same route as some servers would take it for."""
    path = known.path
    ways = (
        partial(str.__add__, path, "/"),
        partial(str.__add__, "/", path),
        partial(str.__add__, "/assets/..", path),
        partial(str.__add__, "/static/%2e%2e", path),
        partial(str.__add__, "/lab/%2e%2e", path),
        partial(str.__add__, path, "%00"),
        partial(str.__add__, path, "?__theme=dark&deep_link=../x"),
        partial(str.__add__, path, ";/assets/x"),
        path.upper,
        partial(path.replace, "/", "//"),
        partial(path.replace, "/", "/./"),
        partial(path.replace, "_", "%5f"),
    )
    return draw.choice(ways)()
