"""Some of what could be asked: drawn by seed, each group with its share."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


def draw(things: Sequence[Thing], limit: int, seed: int, group: Callable[[Thing], str]) -> tuple[Thing, ...]:
    """`limit` things, each group with its share (by largest remainder), in the order in which they came.

    0, or more than there are: all. What is drawn of one group depends on the seed and on that group's things alone.

    Args:
        group: the name of a thing's group, such as an item's `group` or a problem's difficulty.
    """
    if limit == 0 or limit >= len(things):
        return tuple(things)
    places: dict[str, list[int]] = {}
    for place, thing in enumerate(things):
        places.setdefault(group(thing), []).append(place)
    counts = _shares({name: len(of_it) for name, of_it in places.items()}, limit)
    drawn: list[int] = []
    for name, of_it in places.items():
        shuffled = random.Random(f"{seed} {name}").sample(of_it, len(of_it))
        drawn += shuffled[: counts[name]]
    return tuple(things[place] for place in sorted(drawn))


def _shares(sizes: dict[str, int], limit: int) -> dict[str, int]:
    """How many of each, `limit` in all: the whole part of each one's share, the rest to the largest remainders."""
    total = sum(sizes.values())
    counts = {name: limit * size // total for name, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda name: (-(limit * sizes[name] % total), name))
    for name in by_remainder[: limit - sum(counts.values())]:
        counts[name] += 1
    return counts
