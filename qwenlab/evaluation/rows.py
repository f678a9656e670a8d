"""Rows that are what a suite needs, or one message that names the first few that are not, each with its place."""

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qwenlab.errors import UserError

SHOWN = 5
"""Faults of a file that are told at once."""


class Row(BaseModel):
    """Part of what a file holds; what it has beside the fields is ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


class NamedRow(Row):
    """One of the things that a file lists."""

    described: ClassVar[str]
    """What such a row looks like, for who has got it wrong."""
    name: str = Field(min_length=1)


Kind = TypeVar("Kind", bound=NamedRow)
Given = TypeVar("Given")


def checked(kind: type[Kind], items: Iterable[tuple[str, Given]], parse: Callable[[Given], object]) -> list[Kind]:
    """Rows from items, each with the place that it is told by: "problems.jsonl, line 3".

    Raises:
        UserError: `parse` raised a ValueError or RecursionError, or what it gave is no such row, or two have the same
            name; the first few faults are told at once.
    """
    rows: list[Kind] = []
    places: dict[str, str] = {}
    faults: list[str] = []
    for place, item in items:
        try:
            row = kind.model_validate(parse(item))
        except (ValueError, RecursionError) as error:
            faults.append(f"{place}: {_fault(error)}")
            continue
        if row.name in places:
            faults.append(f"{place}: {row.name!r} is there already, in {places[row.name].rpartition(', ')[2]}.")
        places.setdefault(row.name, place)
        rows.append(row)
    if faults:
        more = [f"And {len(faults) - SHOWN} more lines."] if len(faults) > SHOWN else []
        raise UserError("\n".join([*faults[:SHOWN], *more]), f"Each line must be an object: {kind.described}")
    return rows


def _fault(error: ValueError | RecursionError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")  # pydantic's, before what a validator of ours says
        return f"{where or 'the line'}: {said.removesuffix('.')}."
    if isinstance(error, UnicodeDecodeError):
        return "this is not UTF-8."
    if isinstance(error, RecursionError):
        return "this is nested too deeply."
    return f"this is not JSON: {error}."
