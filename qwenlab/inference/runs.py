"""Several runs and their base, from one model in memory.

Light to import, so that a verb may wait for its turn at the GPU before torch takes memory there.
"""

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.runs import Run
from qwenlab.runs.record import ModelRecord
from qwenlab.training.engine import choose_engine

if TYPE_CHECKING:
    from qwenlab.inference.load import Inference


def load_runs(runs: Mapping[str, Run], settings: ModelSettings, record: ModelRecord) -> "Inference":
    """The base that the runs were trained on, with each run's adapter under its name.

    Unsloth is left out, also where it trained: it answers for one adapter a batch, and a machine that lacks it can
    answer all the same.

    Raises:
        UserError: the base's weights are not those any more; or as `load_inference`.
    """
    engine = choose_engine(settings.model_copy(update={"engine": "transformers"}))
    from qwenlab.inference.load import load_inference
    from qwenlab.training.source import find_model

    source = find_model(settings)
    if source.sha256() != record.sha256:
        raise UserError(
            f"{source.folder} holds other weights than those that {next(iter(runs))} was trained on.",
            "Put the old ones back, or train again.",
        )
    return load_inference(settings, engine, {name: run.adapter for name, run in runs.items()})


def forget(loaded: "Inference") -> None:
    """Give the memory of the model back, of the card as well."""
    import torch

    loaded.model = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
