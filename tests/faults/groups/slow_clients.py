"""Connections that say nothing, little, or do not listen, by the hundred; and others who ask meanwhile."""

import contextlib
import json
import random
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice, product
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.faults.group import Attempt, LostError

TITLE = "slow clients of the model server"
PROMISE = (
    "While hundreds of connections say nothing, little, or do not listen, `/health` answers, and so does a question."
)
ALL = 48
FIRST = 6

FILES = (128, 1024)
"""That the server may have open."""

HEALTH_S = 5.0
"""For an answer, on a machine that is at other work too."""

QUESTION = {"model": "base", "messages": [{"role": "user", "content": "x"}]}
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n"
ASK = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"

SAID = {
    "say nothing": b"",
    "say half a line": b"POST /v1/cha",
    "say half a head": ASK,
    "say a head and no body": HEAD,
    "say half a body": HEAD + b"{" * 40_000,
    "ask once and stay": ASK + b"\r\n",
    "ask 200 times and do not listen": (ASK + b"\r\n") * 200,
    "say what is no request": b"\x16\x03\x01\x02\x00\x01\0\0",
}


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """See `Group`."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most[1]) if most[1] > 0 else 4096, most[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, most)
        servers = {files: stack.enter_context(_serving(files)) for files in FILES}
        for name, kind, number, files in islice(_crowds(), count):
            yield Attempt(name, partial(_try, servers[files], kind, number))


def _crowds() -> Iterator[tuple[str, str, int, int]]:
    """What they do, how many they are, and how many files the server may have."""
    draw = random.Random(18)
    for kind, files in product(SAID, FILES):
        yield f"900 that {kind}, {files} files", kind, 900, files
    while True:
        kind, number, files = (
            draw.choice([*SAID, "mixed", "say a letter at a time"]),
            draw.randint(60, 900),
            draw.choice(FILES),
        )
        yield f"{number} that {kind}, {files} files", kind, number, files


@contextlib.contextmanager
def _serving(files: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.faults.slow_server", str(files)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    with process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _try(url: str, kind: str, number: int) -> None:
    parts = urlsplit(url)
    with contextlib.ExitStack() as stack:
        for at in range(number):
            said = SAID.get(kind) if kind != "mixed" else list(SAID.values())[at % len(SAID)]
            with contextlib.suppress(OSError):  # it was let go already
                crowd = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))
                crowd.setblocking(False)
                for piece in [said] if said is not None else [b"G"]:
                    crowd.send(piece)
            if at % 100 == 0:
                _ask(url)
        for _ in range(5):
            _ask(url)
            time.sleep(0.02)


def _ask(url: str) -> None:
    begun = time.monotonic()
    try:
        health = httpx.get(f"{url}/health", timeout=HEALTH_S)
        answer = httpx.post(f"{url}/v1/chat/completions", content=json.dumps(QUESTION), timeout=HEALTH_S)
    except httpx.HTTPError as error:
        raise LostError(f"nothing was heard in {time.monotonic() - begun:.1f} s: {type(error).__name__}") from None
    if (health.status_code, answer.status_code) != (200, 429):  # this model's line is always full
        raise LostError(f"it was answered {health.status_code} and {answer.status_code}")
