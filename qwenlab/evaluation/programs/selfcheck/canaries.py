"""What the self-check's hostile programs could get at: a secret, and sockets that listen. And whether anybody did.

All of it is open to every user, and belongs to the one that programs run as: nothing but the sandbox protects it.
"""

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.evaluation.programs.sandbox.client import NOBODY


class Surroundings(NamedTuple):
    """A folder with a secret, and listeners by what they are called in a report."""

    folder: Path
    abstract: str
    listeners: dict[str, socket.socket]
    before: tuple[object, ...]

    @property
    def targets(self) -> dict[str, Any]:
        """What the hostile programs are told."""
        return {
            "folder": str(self.folder),
            "secret": str(self.folder / "secret"),
            "socket": str(self.folder / "socket"),
            "abstract": self.abstract,
            "tcp": self.listeners["TCP"].getsockname()[1],
            "udp": self.listeners["UDP"].getsockname()[1],
        }

    def callers(self) -> list[str]:
        """The listeners that somebody reached."""
        return [name for name, listener in self.listeners.items() if _was_reached(listener)]

    def changed(self) -> bool:
        """Whether the folder or the secret is not as it was."""
        return _state(self.folder) != self.before


@contextlib.contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Set all of it up, and remove it in the end."""
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="qwenlab-self-check-", ignore_cleanup_errors=True))
        )
        abstract = f"qwenlab-{secrets.token_hex(8)}"
        addresses: dict[str, tuple[int, int, Any]] = {
            "TCP": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "UDP": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "an abstract socket": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}"),
            "a socket file": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
        }
        listeners = {
            name: stack.enter_context(_listener(family, kind, address))
            for name, (family, kind, address) in addresses.items()
        }
        (folder / "secret").write_text(secrets.token_hex(), encoding="utf-8")
        for path, mode in ((folder, 0o777), (folder / "secret", 0o666), (folder / "socket", 0o777)):
            path.chmod(mode)
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        yield Surroundings(folder, abstract, listeners, _state(folder))


def _listener(family: int, kind: int, address: Any) -> socket.socket:
    listener = socket.socket(family, kind)
    listener.bind(address)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    listener.setblocking(False)
    return listener


def _was_reached(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_STREAM:
            listener.accept()[0].close()
        else:
            listener.recv(1)
    except BlockingIOError:
        return False
    return True


def _state(folder: Path) -> tuple[object, ...]:
    """All that a program could change. Where it changed so much that this cannot be told, that is a state too."""
    secret = folder / "secret"
    try:
        status = secret.stat()
        return (
            sorted(path.name for path in folder.iterdir()),
            secret.read_bytes(),
            (status.st_mode, status.st_uid, status.st_mtime_ns),
            os.listxattr(secret),
        )
    except OSError as error:
        return (error.errno,)
