"""Who may ask a server of ours: whoever calls it by one of its own names, from one of its own pages.

The page of another site can make a browser send requests here. Where it names this machine, they carry the page's own
`Origin`; where its own name is made to lead here (DNS rebinding), they carry that name as `Host`. An address in numbers
leads nowhere else than it says, so it is a name of ours wherever it is asked.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
"""Of every answer: no page may show it in a frame or take it in, and no browser guesses what it is."""

EVERY = "*"
"""As an origin: pages of all sites."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)


def own_names(address: str, names: Collection[str] = ()) -> frozenset[str]:
    """What a server is called beside `localhost` and its addresses in numbers.

    Args:
        address: what it listens at, as the user has written it.
        names: further ones, such as that of a proxy in front of it.
    """
    machine = socket.gethostname()
    return frozenset(name.lower().rstrip(".") for name in (address, machine, f"{machine}.local", *names))


class Gate:
    """Lets requests in that are meant for this server, and adds `HEADERS` to all answers.

    Args:
        names: of this server, see `own_names`.
        origins: of pages that may ask from a browser beside its own; `*`: all.
        refusal: writes the answer to who may not, with status 403.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str],
        origins: Collection[str] = (),
        refusal: Callable[[str], Response] = lambda told: PlainTextResponse(f"{told}\n", 403),
    ) -> None:
        self._app = app
        self._names = names
        self._origins = origins
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        told = self._fault(Headers(scope=scope))
        await (self._refusal(told) if told else self._app)(scope, receive, with_headers)

    def _fault(self, headers: Headers) -> str:
        """Why the request is refused; empty where it is not."""
        host, origin = headers.get("Host"), headers.get("Origin")
        name = _name(host) if host is not None else "localhost"  # before HTTP/1.1; browsers always send one
        if name is None or not self._is_own(name):
            return f"This server is not called {_shown(host)}. If it is, start it with --allow-host {_shown(name)}."
        if origin is None or EVERY in self._origins or origin in self._origins or self._is_own_page(origin, host or ""):
            return ""
        return f"Pages of {_shown(origin)} may not ask this server."

    def _is_own(self, name: str) -> bool:
        return name in self._names or name == "localhost" or name.endswith(".localhost") or _is_address(name)

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Of the same place that is asked; or of a name of ours, which a proxy may have replaced by an address."""
        try:
            site = urlsplit(origin)
            name, port = site.hostname, site.port
        except ValueError:
            return False
        if site.scheme not in ("http", "https") or not name:
            return False
        if _site(site.netloc) == _site(host):
            return True
        return name in self._names and port is None and not _is_address(name)


def _name(host: str) -> str | None:
    """The name or address in a `Host`, without its port; None: it is no such thing."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else None


def _site(netloc: str) -> str:
    """With its port unless that is the usual one."""
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _shown(value: str | None) -> str:
    """What a stranger sent, as part of a sentence."""
    return ascii((value or "")[:100])
