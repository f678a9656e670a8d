"""The items of a suite, as an evaluation of some run loads them."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from qwenlab.evaluation.item import Items
from qwenlab.evaluation.suites import Asked
from qwenlab.recipe import Recipe
from qwenlab.runs import Run


def items_of(suite: ModuleType, source: str, system: str = "") -> Items:
    """For a run with that system prompt."""
    with TemporaryDirectory() as folder:
        run = Run.create(Path(folder), Recipe().with_values(data={"system_prompt": system}), "asked")
        items: Items = suite.items(Asked(source, run, run.recipe.evaluate))
    return items


def written(path: Path, *rows: dict[str, Any]) -> str:
    """The rows as a file of lines; the file's name."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)
