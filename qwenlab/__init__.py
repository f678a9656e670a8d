"""Fine-tune Qwen on one consumer GPU, and know whether it helped.

    import qwenlab as ql

    recipe = ql.load_recipe("tiny", {"train.max_steps": 24})
    run = ql.train(recipe)
    print(ql.evaluate(run, limit=50).sentence)
    with ql.load(run) as models:
        print(models.chat("How many primes are below 50?"))

`load_recipe`, `prepare` and `plan` come before a training; `train`, `resume`, `extend` and `runs` give a `Run`;
`evaluate`, `judge`, `prefer`, `load` and `export` are what one does with it; `weigh` compares by the results of other
tools.

Importing this loads nothing heavy; each name brings what it needs when it is used first. Whatever the user can fix is
raised as `UserError`, a sentence and a hint.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qwenlab.errors import UserError
    from qwenlab.library import (
        evaluate,
        export,
        extend,
        judge,
        plan,
        prefer,
        prepare,
        resume,
        runs,
        train,
        weigh,
    )
    from qwenlab.loaded import Models, Reply, load
    from qwenlab.recipe import Recipe, load_recipe
    from qwenlab.report.schema import Report
    from qwenlab.runs.run import Run

_FROM = {
    "UserError": "qwenlab.errors",
    "Models": "qwenlab.loaded",
    "Reply": "qwenlab.loaded",
    "load": "qwenlab.loaded",
    "Recipe": "qwenlab.recipe",
    "load_recipe": "qwenlab.recipe",
    "Report": "qwenlab.report.schema",
    "Run": "qwenlab.runs.run",
} | dict.fromkeys(
    (
        "evaluate",
        "export",
        "extend",
        "judge",
        "plan",
        "prefer",
        "prepare",
        "resume",
        "runs",
        "train",
        "weigh",
    ),
    "qwenlab.library",
)

__all__ = [
    "Models",
    "Recipe",
    "Reply",
    "Report",
    "Run",
    "UserError",
    "evaluate",
    "export",
    "extend",
    "judge",
    "load",
    "load_recipe",
    "plan",
    "prefer",
    "prepare",
    "resume",
    "runs",
    "train",
    "weigh",
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'qwenlab' has no attribute {name!r}")
    return getattr(importlib.import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Library(ModuleType):
    """Keeps `qwenlab.train` the function, though `qwenlab/train.py` is the command of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _FROM and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library
