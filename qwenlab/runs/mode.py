"""Whether a run's model thinks before it answers: a run is asked as it was trained, and its base is asked alike."""

from collections.abc import Mapping

from qwenlab.errors import UserError
from qwenlab.files import Record, read_json
from qwenlab.runs.run import Run


class _Trained(Record):
    """Of data.json."""

    thinking: bool | None = None


def trained_mode(run: Run) -> bool | None:
    """As data.json says that the run's rows were written; None: their template has no such mode, or there is no file.

    Raises:
        UserError: the file cannot be read.
    """
    return read_json(run.data_file, _Trained).thinking if run.data_file.exists() else None


def check_mode(run: Run) -> bool | None:
    """Whether the run was trained to think, and so is asked to; None: its template has no such mode.

    Raises:
        UserError: run.json and data.json do not say the same.
    """
    model = run.read().model
    trained = trained_mode(run)
    if model is None:
        return trained
    if run.data_file.exists() and model.thinking != trained:
        raise UserError(
            f"{run.record_file} says {said(model.thinking)}, and {run.data_file}, of the rows that the run was "
            f"trained on, {said(trained)}. Asked in another mode than it was trained in, a model is not judged.",
            "Undo the change in that file, or train again with the other model.thinking.",
        )
    return model.thinking


def check_modes(runs: Mapping[str, Run]) -> dict[str, bool | None]:
    """The mode of each run, by the name that it answers under. The base's is the first run's: it comes first, too.

    Raises:
        UserError: as `check_mode`.
    """
    modes = {name: check_mode(run) for name, run in runs.items()}
    return {"base": next(iter(modes.values())), **modes}


def said(thinking: bool | None) -> str:
    """The mode in words."""
    return "no thinking mode" if thinking is None else f"thinking {'on' if thinking else 'off'}"


def modes_differ(modes: Mapping[str, bool | None]) -> str:
    """What to know where not all are asked in one mode, as a sentence; else empty."""
    if len(set(modes.values())) == 1:
        return ""
    each = ", ".join(f"{name}: {said(thinking)}" for name, thinking in modes.items())
    return f"Each run is asked as it was trained, and the base as the first of them ({each})."
