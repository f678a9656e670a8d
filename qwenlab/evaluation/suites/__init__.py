"""Suites: what base and tuned can be asked. A file that is put here is one, named as the file is.

A suite's file has `TITLE`, how sentences name what it measures; `AIM`, whether the training is meant to raise it
("target") or must not lower it ("retention"); `SOURCE`, where its items come from unless a file is named, empty where
none may be; `SIZE`, the number of these items, None where that is not known before; `LICENCE`; `CONTAMINATION`, a
sentence on whether models may have seen them before; and `items(asked)`, which loads them. docs/suites.md has a row for
each. `evaluate.suites` in a recipe and `--suite` ask for it.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Literal, NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Items
from qwenlab.evaluation.source import check_source
from qwenlab.recipe import EvaluateSettings
from qwenlab.runs.run import Run

Aim = Literal["target", "retention"]


class Asked(NamedTuple):
    """For whom a suite loads its items."""

    source: str
    """A file or a hub data set; the suite's own where nobody named another."""
    run: Run
    settings: EvaluateSettings

    @property
    def system(self) -> str:
        """The run's system prompt: what its rows were trained with, base and tuned are asked with. It may be empty."""
        return self.run.recipe.data.system_prompt


class Suite(NamedTuple):
    """What is known of a suite before its items are loaded."""

    name: str
    title: str
    aim: Aim
    source: str
    licence: str
    contamination: str
    size: int | None
    """How many items its own source has; None: that depends on the run, or on a file."""

    def items(self, run: Run, settings: EvaluateSettings) -> Items:
        """All its items, none drawn yet; at least one.

        Raises:
            UserError: they cannot be had, or read, or all are left out.
        """
        found: Items = _module(self.name).items(Asked(self.source, run, settings))
        if not found.items:
            reasons = "; ".join(f"{len(names):,} left out: {reason}" for reason, names in found.left_out.items())
            raise UserError(f"The suite {self.name} has nothing to ask: {reasons or 'no rows'}.", "Leave it out.")
        return found


def suite_names() -> list[str]:
    """What there is, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_suite(wanted: str) -> Suite:
    """The suite of that name; `NAME=SOURCE` for other items than its own.

    Raises:
        UserError: there is none of that name, and what there is; or its items cannot come from that source.
    """
    name, names_source, source = wanted.partition("=")
    names = suite_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
        raise UserError(f"There is no suite {name}.", hint)
    module = _module(name)
    if names_source and not module.SOURCE:
        raise UserError(f"The suite {name} takes its items from no file: {wanted}.", f"Write {name} alone.")
    if names_source:
        check_source(source, name)
    return Suite(
        name=name,
        title=module.TITLE,
        aim=module.AIM,
        source=source or module.SOURCE,
        licence=module.LICENCE,
        contamination=module.CONTAMINATION,
        size=None if source else module.SIZE,
    )


def find_suites(wanted: Sequence[str]) -> dict[str, Suite]:
    """The suites that are asked for, by name, in that order.

    Raises:
        UserError: as `find_suite`; or one is named twice.
    """
    found: dict[str, Suite] = {}
    for each in wanted:
        suite = find_suite(each)
        if suite.name in found:
            raise UserError(f"The suite {suite.name} is named twice.", "Name each once.")
        found[suite.name] = suite
    return found


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
