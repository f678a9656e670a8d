"""A process that shows the first rows of data sets, as often as it is asked: `python -m qwenlab.jobs.sample`.

It stays because the tokenizer's library takes seconds to import and a sample takes a tenth of one: so the browser
shows at once what a changed column does. A line of standard input is a `Wanted` as JSON; the answer is the file that
it names.
"""

import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from qwenlab.data.sample import Head, Sample, head, sample
from qwenlab.errors import UserError, outside_told
from qwenlab.files import Record, make_parent
from qwenlab.jobs import leave_torch_out
from qwenlab.recipe import ModelSettings, Recipe

IDLE_S = 900
"""After so long without a question the process ends; the next question starts another."""


class Wanted(Record):
    """Whose first rows are wanted, and where to write them."""

    recipe: Recipe
    out: Path


def answer(wanted: Wanted) -> Sample:
    """The sample of the recipe's data, or the sentence that says why there is none."""
    source = wanted.recipe.data.source
    try:
        with outside_told():
            rows = _head(source, _changed(source))
            return sample(rows, wanted.recipe, _tokenizer(wanted.recipe.model))
    except UserError as error:
        return Sample(file=Path(source).name, columns=[], mapping={}, fault=str(error))
    except Exception:  # noqa: BLE001  a bug: the check, which goes the same way, tells of it and keeps its traceback
        return Sample(file=Path(source).name, columns=[], mapping={})


def main() -> None:
    """Answer until nobody asks any more."""
    leave_torch_out()
    _import_tokenizers()
    signal.alarm(IDLE_S)
    for line in sys.stdin:
        wanted = Wanted.model_validate_json(line)
        make_parent(wanted.out)
        answer(wanted).write(wanted.out)
        signal.alarm(IDLE_S)


def _import_tokenizers() -> None:
    from qwenlab.training.engine import set_environment

    set_environment()
    from qwenlab.training.source import find_model, load_tokenizer

    load_tokenizer(find_model(ModelSettings(name="tiny"), weights=False))


@lru_cache(maxsize=2)
def _head(source: str, changed: int) -> Head:
    return head(source)


def _changed(source: str) -> int:
    path = Path(source).expanduser()
    return path.stat().st_mtime_ns if path.exists() else 0


@lru_cache(maxsize=4)
def _tokenizer(settings: ModelSettings) -> Any:
    """None: there is none, and the check says why."""
    from qwenlab.training.source import find_model, load_tokenizer

    try:
        return load_tokenizer(find_model(settings, weights=False))
    except UserError:
        return None


if __name__ == "__main__":
    main()
