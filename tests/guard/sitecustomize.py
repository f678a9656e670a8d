"""Refuses every connection but to this machine itself; on the path of every process that a test starts.

An audit hook sees all of Python's sockets, whatever library opens them, and cannot be taken back.
"""

import sys
from ipaddress import ip_address
from typing import Any


def _refuse_remote(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"  # a path: a Unix socket
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_this_machine(host):
        raise PermissionError(f"a test tried to reach {host}")


def _is_this_machine(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse_remote)
