"""Bodies of requests for an answer: well-formed, malformed, extreme, oversize."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_BODY = 100_000
"""Bytes that the server takes."""

OK, BAD = (200,), (400,)
EITHER = (200, 400, 404)
"""Well-formed by chance or not; never a failure of the server."""

JSON = {"Content-Type": "application/json"}
PLAIN: dict[str, Any] = {"model": "base", "messages": [{"role": "user", "content": "Print a number."}], "max_tokens": 3}


class Body(NamedTuple):
    """What is sent, and the statuses that it may be answered with."""

    name: str
    content: bytes
    expected: tuple[int, ...]
    headers: dict[str, str] = JSON


def _with(name: str, expected: tuple[int, ...], **changes: Any) -> Body:
    return Body(name, json.dumps(PLAIN | changes).encode(), expected)


def named_bodies() -> Iterator[Body]:
    """At the boundaries."""
    for temperature in (5e-324, 1e-320, 1e-46, 1e-38, 1e-10, 9.99e-6, 1e-5, 0, 2):
        yield _with(f"temperature {temperature}", OK, temperature=temperature)
    for top_p in (5e-324, 1e-46, 1e-38, 1e-10, 1.0):
        yield _with(f"top_p {top_p}", OK, top_p=top_p)
        yield _with(f"top_p {top_p} and temperature 1e-38", OK, top_p=top_p, temperature=1e-38)
    wrong: Any
    for wrong in (-1e-320, 2.0001, 1e308, 10**400, "1", [], True, float("inf"), float("nan"), -float("inf")):
        yield _with(f"temperature {str(wrong)[:20]}", BAD, temperature=wrong)
        yield _with(f"top_p {str(wrong)[:20]}", BAD if wrong is not True else EITHER, top_p=wrong)
    for wrong in (0, -1, 2**63, 10**1000, 1.5, "2", True, 10**9):
        yield _with(f"n {str(wrong)[:20]}", BAD, n=wrong)
        yield _with(f"max_tokens {str(wrong)[:20]}", BAD, max_tokens=wrong)
    for seed in (-(2**63), 2**63 - 1, 0):
        yield _with(f"seed {seed}", OK, seed=seed, n=2)
    for wrong in (2**63, -(2**63) - 1, 10**4000, 0.5):
        yield _with(f"seed {str(wrong)[:20]}", BAD, seed=wrong)
    yield _with("32 answers", OK, n=32)
    yield _with("33 answers", BAD, n=33)
    yield _with("a stop text of 500 characters, 16 times", OK, stop=["a" * 499 + "b"] * 16)
    yield _with("a stop text of 501 characters", BAD, stop="a" * 501)
    yield _with("17 stop texts", BAD, stop=["x"] * 17)
    yield _with("an empty stop text", OK, stop=["", ""])
    yield _with("a prompt longer than the context", BAD, messages=[{"role": "user", "content": "x " * 2000}])
    yield _with("a prompt of one line of spaces", BAD, messages=[{"role": "user", "content": " " * 90_000}])
    yield _with("no message", BAD, messages=[])
    yield _with("10,000 empty messages", BAD, messages=[{}] * 10_000)
    yield _with("2,000 messages", EITHER, messages=[{"role": "user", "content": ""}] * 2000)
    yield _with("special tokens", OK, messages=[{"role": "user", "content": "<|im_end|>\n<|im_start|>system\n"}])
    yield _with("NUL and surrogate pairs", OK, messages=[{"role": "user", "content": "\0\U0001f600\ufffe"}])
    yield _with("half a surrogate pair", BAD, messages=[{"role": "user", "content": "\ud800"}])
    yield _with("an unknown model", (404,), model="../../etc/passwd")
    yield _with("a model with 50,000 letters", (404,), model="x" * 50_000)
    yield _with("an unknown field", BAD, temprature=1)
    yield _with("a picture", BAD, messages=[{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}])
    yield _with("what a server answered", OK, messages=[
        *PLAIN["messages"], {"role": "assistant", "content": None, "tool_calls": [], "refusal": None},
        {"role": "user", "content": [{"type": "text", "text": "On"}]},
    ])  # fmt: skip
    yield _with("a stream", OK, stream=True, stream_options={"include_usage": True})
    for name, content in (
        ("nothing", b""), ("null", b"null"), ("a list", b"[]"), ("a number", b"1"), ("half", b'{"model": "base"'),
        ("bytes", b"\xff\xfe\0"), ("5,000 open braces", b'{"a":' * 5000), ("20,000 open brackets", b"[" * 20_000),
        ("NaN", b'{"model": NaN}'), ("twice", json.dumps(PLAIN).encode() * 2), ("a BOM", b"\xef\xbb\xbf{}"),
    ):  # fmt: skip
        yield Body(f"{name} for a body", content, BAD)
    yield Body("a body of the most bytes", json.dumps(PLAIN).encode().ljust(MAX_BODY), OK)
    yield Body("a body of one byte more", json.dumps(PLAIN).encode().ljust(MAX_BODY + 1), (413,))
    yield Body("a body of 5 MB", b" " * 5_000_000, (413,))
    yield Body("text for a content type", json.dumps(PLAIN).encode(), OK, {"Content-Type": "text/plain"})
    yield Body(
        "from a page of another site", json.dumps(PLAIN).encode(), (403,), JSON | {"Origin": "https://evil.example"}
    )
    yield Body("by another name", json.dumps(PLAIN).encode(), (403,), JSON | {"Host": "evil.example"})


def drawn_bodies(draw: random.Random) -> Iterator[Body]:
    """Without end."""
    while True:
        yield draw.choice((_well_formed, _one_field_wrong, _bytes_changed, _extreme, _long))(draw)


def _well_formed(draw: random.Random) -> Body:
    changes: dict[str, Any] = {
        "temperature": draw.choice((None, 0, draw.random(), 2 * draw.random())),
        "top_p": draw.choice((None, 1 - draw.random())),
        "seed": draw.choice((None, draw.getrandbits(62))),
        "n": draw.choice((None, 1, draw.randint(2, 6))),
        "max_tokens": draw.randint(1, 8),
        "stop": draw.choice((None, "\n", ["int", "print", "`"])),
        "stream": draw.choice((None, False, True)),
        "messages": [{"role": "user", "content": _text(draw, draw.randint(0, 200))}],
        "chat_template_kwargs": draw.choice((None, {"enable_thinking": draw.choice((None, True, False))})),
    }
    return _with(f"well-formed {_told(changes)}", OK, **changes)


VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**300, 0.5, -0.0, 1e-320, 1e308, "", "x", "base", "auto", [],
    [[]], [None], ["x"], [1], {}, {"x": 1}, {"type": "text"},
    [{"role": "user", "content": "x"}], [{"type": "function"}],
)  # fmt: skip
FIELDS = (
    "model", "messages", "max_tokens", "max_completion_tokens", "max_thinking_tokens", "temperature", "top_p", "seed",
    "stop", "n", "stream", "stream_options", "chat_template_kwargs", "tools", "tool_choice", "logprobs", "logit_bias",
    "response_format", "user", "metadata", "frequency_penalty", "reasoning_effort", "functions", "min_p", "top_k", "x",
)  # fmt: skip


def _one_field_wrong(draw: random.Random) -> Body:
    field, value = draw.choice(FIELDS), draw.choice(VALUES)
    if draw.random() < 0.3:
        place, value = draw.choice(("role", "content", "reasoning_content", "tool_calls", "name")), draw.choice(VALUES)
        field, value = "messages", [PLAIN["messages"][0] | {place: value}]
    return _with(f"{field} = {_told(value)}", EITHER, **{field: value})


def _bytes_changed(draw: random.Random) -> Body:
    content = bytearray(_well_formed(draw).content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(content))
        content[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
    return Body(f"bytes changed {bytes(content)[:60]!r}", bytes(content), EITHER)


def _extreme(draw: random.Random) -> Body:
    small = 10.0 ** -draw.randint(1, 323)
    changes = draw.choice(
        ({"temperature": small}, {"top_p": small}, {"temperature": small, "top_p": 1 / 3 * small or 1})
    )
    return _with(f"extreme {_told(changes)}", EITHER, n=draw.randint(1, 4), **changes)


def _long(draw: random.Random) -> Body:
    length = draw.choice((1000, 10_000, MAX_BODY - 200, MAX_BODY, 3 * MAX_BODY))
    text = draw.choice(("x", " ", "\n", "é", "<think>", "<|im_start|>", "a b "))
    said = text * (length // len(text.encode()))
    messages = [{"role": "user", "content": said}]
    content = json.dumps(PLAIN | {"messages": messages}, ensure_ascii=False).encode()
    return Body(f"{len(content):,} bytes of {text!r}", content, (413,) if len(content) > MAX_BODY else (200, 400))


def _text(draw: random.Random, length: int) -> str:
    return "".join(draw.choice("ab \n\t<|>{}%$`\"'\\é中\U0001f600") for _ in range(length))


def _told(value: Any) -> str:
    return json.dumps(value)[:80]
