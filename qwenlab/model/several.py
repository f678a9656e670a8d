"""Several runs and their base, from one model in memory."""

from collections.abc import Mapping

from qwenlab.errors import UserError
from qwenlab.model.engine import Engine
from qwenlab.model.inference import Inference, load_inference
from qwenlab.model.source import find_model
from qwenlab.recipe import ModelSettings
from qwenlab.runs import Run
from qwenlab.runs.record import ModelRecord


def load_runs(runs: Mapping[str, Run], settings: ModelSettings, record: ModelRecord, engine: Engine) -> Inference:
    """The base that the runs were trained on, with each run's adapter under its name.

    Raises:
        UserError: the base's weights are not those any more; or as `load_inference`.
    """
    source = find_model(settings)
    if source.sha256() != record.sha256:
        raise UserError(
            f"{source.folder} holds other weights than those that {next(iter(runs))} was trained on.",
            "Put the old ones back, or train again.",
        )
    return load_inference(settings, engine, {name: run.adapter for name, run in runs.items()})
