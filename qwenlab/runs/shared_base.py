"""The base that runs have in common: only then can one model in memory answer for all of them."""

from collections.abc import Mapping, Sequence

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.runs.forms import check_adapter
from qwenlab.runs.record import ModelRecord
from qwenlab.runs.run import Run


def named(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs by the name that each answers under: its folder's.

    Raises:
        UserError: two have the same name, or one has that of the base.
    """
    found: dict[str, Run] = {}
    for run in runs:
        name = run.folder.resolve().name
        if name == "base" or name in found:
            raise UserError(f"Two models would be called {name}.", "Rename one of the folders.")
        found[name] = run
    return found


def shared_base(runs: Mapping[str, Run]) -> tuple[ModelSettings, ModelRecord]:
    """How to load what all runs were trained on, at the very revision, and what is known of it.

    How it is loaded (precision, 4 bits or not) is as the first run has it.

    Raises:
        UserError: a run has no adapter, or another base than the first.
    """
    records = {name: _trained_on(run) for name, run in runs.items()}
    first, record = next(iter(records.items()))
    for name, other in records.items():
        if other.sha256 != record.sha256:
            raise UserError(
                f"{name} was trained on {other.name}, {first} on {record.name}: these are not the same weights.",
                "Runs that answer from one model in memory share its weights; take the others one by one.",
            )
    settings = runs[first].recipe.model
    return settings.model_copy(update={"revision": record.revision or settings.revision}), record


def _trained_on(run: Run) -> ModelRecord:
    record = run.read().model
    if record is None or not (run.adapter / "adapter_config.json").exists():
        raise UserError(f"{run.name} has no adapter yet.", "A run delivers it when it ends, or stops.")
    check_adapter(run.adapter)
    return record
