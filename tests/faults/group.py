"""A group of attempts to break something, and what became of them."""

import importlib
import pkgutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from tests.faults import groups


class LostError(Exception):
    """What was promised did not hold; the message says what happened instead."""


class Attempt(NamedTuple):
    """One attempt. `check` returns where the promise held, and raises `LostError` where it did not."""

    name: str
    check: Callable[[], None]


class Group(Protocol):
    """What a module of `groups/` has."""

    TITLE: str
    """What is tried, as the first cell of a table: `training killed`."""
    PROMISE: str
    """What has to hold for each attempt, in one sentence."""
    ALL: int
    """How many attempts `make faults` makes."""
    FIRST: int
    """How many of them run with the other tests: seconds in all."""

    @staticmethod
    def attempts(count: int, folder: Path) -> Iterator[Attempt]:
        """So many attempts, the same each time: what is drawn is drawn by a fixed seed.

        Args:
            folder: an empty folder for what they write.
        """
        ...


class Outcome(NamedTuple):
    """What became of a group."""

    title: str
    promise: str
    tried: int
    lost: tuple[str, ...]
    """Of each attempt that was lost: its name and what happened."""
    seconds: float

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        return (
            f"{self.title}: {self.tried:,} tried, {self.tried - len(self.lost):,} held, {len(self.lost):,} lost "
            f"({self.seconds:.0f} s)"
        )


def find_groups() -> dict[str, Group]:
    """By the names of their modules."""
    names = sorted(found.name for found in pkgutil.iter_modules(groups.__path__))
    return {name: cast("Group", importlib.import_module(f"tests.faults.groups.{name}")) for name in names}


def try_group(group: Group, count: int, folder: Path) -> Outcome:
    """Make so many attempts, one after the other. One that fails in another way than by `LostError` is lost as well."""
    begun, lost, tried = time.monotonic(), [], 0
    for attempt in group.attempts(count, folder):
        tried += 1
        try:
            attempt.check()
        except LostError as error:
            lost.append(f"{attempt.name}: {error}")
        except Exception as error:  # noqa: BLE001  a surprise is what is looked for
            lost.append(f"{attempt.name}: {type(error).__name__}: {error}")
    return Outcome(group.TITLE, group.PROMISE, tried, tuple(lost), time.monotonic() - begun)


def try_named(name: str, count: int | None) -> Outcome:
    """`try_group` with a group by the name of its module, in a folder that is deleted; all attempts unless counted."""
    group = find_groups()[name]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        return try_group(group, count or group.ALL, Path(folder))
