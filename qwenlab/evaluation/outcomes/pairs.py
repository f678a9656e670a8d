"""The same items of two result files side by side, and what cannot be: two files that do not ask the same."""

import re
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import Row
from qwenlab.evaluation.outcomes.scores import Scored

_Key = tuple[str, str]
"""An item's name, and what tells it from another of that name."""


class Pairs(NamedTuple):
    """Items that both files have, by name, and what was found beside them.

    The order is that of the names, since a file's may be that in which answers happened to come, and the bootstrap's
    resamples depend on it.
    """

    items: tuple[str, ...]
    before: tuple[float | None, ...]
    """The mean of the item's scores; None where it has none."""
    after: tuple[float | None, ...]
    base_alone: tuple[str, ...]
    """Items that the other file does not have."""
    tuned_alone: tuple[str, ...]
    changed: tuple[str, ...]
    """Items of which the other file has the name with another content; part of both above."""
    repeated: bool
    """An item has several answers, so that its score is a mean."""
    other_prompts: int
    """Items that the two models were asked in other words."""
    same_answers: bool
    """Every answer is the other model's, letter for letter; False where a file has no answers."""


class _Item(NamedTuple):
    score: float | None
    prompts: frozenset[str]
    answers: tuple[str, ...]


def pair(base: Scored, tuned: Scored) -> Pairs:
    """Match items by name, and by content where both files are of one kind.

    Raises:
        UserError: the files are of different tasks, or share no item.
    """
    if base.file.task and tuned.file.task and base.file.task != tuned.file.task:
        raise UserError(
            f"The files are of different tasks: {base.file.task} and {tuned.file.task}.",
            "Weigh what two models made of the same task.",
        )
    with_content = base.file.kind == tuned.file.kind
    first, second = (_by_key(scored, with_content) for scored in (base, tuned))
    shared = sorted((key for key in first if key in second), key=_in_order)
    alone = [
        sorted((key for key in one if key not in other), key=_in_order)
        for one, other in ((first, second), (second, first))
    ]
    names = {name for name, _ in alone[1]}
    changed = tuple(name for name, _ in alone[0] if name in names)
    if not shared:
        raise UserError(*_nothing_shared(base, tuned, changed))
    return Pairs(
        items=_names(shared),
        before=tuple(first[key].score for key in shared),
        after=tuple(second[key].score for key in shared),
        base_alone=_names(alone[0]),
        tuned_alone=_names(alone[1]),
        changed=changed,
        repeated=any(len(one[key].answers) > 1 for one in (first, second) for key in shared),
        other_prompts=sum(_differ(first[key].prompts, second[key].prompts) for key in shared),
        same_answers=len(shared) > 1
        and base.file is not tuned.file
        and all(any(first[key].answers) and first[key].answers == second[key].answers for key in shared),
    )


def _by_key(scored: Scored, with_content: bool) -> dict[_Key, _Item]:
    found: dict[_Key, list[tuple[Row, float | None]]] = {}
    for row, value in zip(scored.file.rows, scored.values(), strict=True):
        found.setdefault((row.item, row.content if with_content else ""), []).append((row, value))
    return {key: _item(rows) for key, rows in found.items()}


def _item(rows: list[tuple[Row, float | None]]) -> _Item:
    scores = [value for _, value in rows if value is not None]
    return _Item(
        score=fmean(scores) if scores else None,
        prompts=frozenset(row.prompt for row, _ in rows if row.prompt),
        answers=tuple(row.answer for row, _ in rows),
    )


def _in_order(key: _Key) -> list[int | str]:
    """As people count: 9 before 10. Texts and numbers stand in turn, so that like is compared with like."""
    name, content = key
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)] + [content]


def _differ(first: frozenset[str], second: frozenset[str]) -> bool:
    return bool(first and second and first != second)


def _names(keys: Iterable[_Key]) -> tuple[str, ...]:
    return tuple(name for name, _ in keys)


def _nothing_shared(base: Scored, tuned: Scored, changed: tuple[str, ...]) -> tuple[str, str]:
    names = f"{base.file.path} and {tuned.file.path}"
    if changed:
        return (
            f"{names} ask different things: of {len(changed)} names that both have, none stands for the same content.",
            "Weigh two evaluations of the same data set, in the same version.",
        )
    return (
        f"{names} share no item: {base.file.rows[0].item} is in the one, {tuned.file.rows[0].item} in the other.",
        "Items are matched by their names, letter by letter; of a table, --id says where they stand.",
    )
