"""Suites: sets of problems that are known by name. A file that is put here is one, named as the file is.

A suite has `problems()`, which loads its problems with their hidden tests, and `CONTAMINATION`, a sentence that says
whether models may have seen them before. `--problems NAME` and `evaluate.problems` in a recipe ask for it.
"""

import importlib
import pkgutil
from typing import NamedTuple

from qwenlab.evaluation.programs.load import Problems


class Suite(NamedTuple):
    """A set of problems, loaded."""

    found: Problems
    contamination: str


def suite_names() -> list[str]:
    """What there is, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_suite(name: str) -> Suite:
    """The suite of that name, one of `suite_names()`."""
    module = importlib.import_module(f"{__name__}.{name}")
    return Suite(module.problems(), module.CONTAMINATION)
