"""Files made worse, by a seed: bytes that changed, are gone, or came twice."""

import random

QUOTED = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"=",
)
"""What the formats are made of, and what no text holds."""


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The bytes with one to four faults."""
    for _ in range(draw.randint(1, 4)):
        data = draw.choice(FAULTS)(data, draw)
    return data


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _flipped(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.randint(1, 8)):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _without(data: bytes, draw: random.Random) -> bytes:
    begin, end = _range(data, draw)
    return data[:begin] + data[end:]


def _zeroed(data: bytes, draw: random.Random) -> bytes:
    begin, end = _range(data, draw)
    return data[:begin] + bytes(end - begin) + data[end:]


def _twice(data: bytes, draw: random.Random) -> bytes:
    begin, end = _range(data, draw)
    return data[:end] + data[begin:end] + data[end:]


def _random(data: bytes, draw: random.Random) -> bytes:
    begin, end = _range(data, draw)
    return data[:begin] + draw.randbytes(end - begin) + data[end:]


def _inserted(data: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.randint(1, 5)):
        place = draw.randrange(len(data) + 1)
        data = data[:place] + draw.choice(QUOTED) * draw.choice((1, 1, 1, 2, 300)) + data[place:]
    return data


def _moved(data: bytes, draw: random.Random) -> bytes:
    begin, end = _range(data, draw)
    return data[:begin] + data[end:] + data[begin:end]


def _range(data: bytes, draw: random.Random) -> tuple[int, int]:
    begin = draw.randrange(len(data) + 1)
    return begin, min(len(data), begin + draw.choice((1, 4, 16, 64, 256)))


FAULTS = (_cut, _flipped, _flipped, _without, _zeroed, _twice, _random, _inserted, _inserted, _moved)
