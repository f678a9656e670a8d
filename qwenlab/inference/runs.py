"""Several runs and their base, from one model in memory.

Light to import, so that a verb may wait for its turn at the GPU before torch takes memory there.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qwenlab.answering.answerer import Answerer
from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.runs import Run, gpu_lock
from qwenlab.runs.record import ModelRecord
from qwenlab.runs.shared_base import shared_base
from qwenlab.training.engine import choose_engine

if TYPE_CHECKING:
    from qwenlab.inference.load import Inference


@contextmanager
def local_answerer(
    runs: Path, found: Mapping[str, Run], job: str, waiting: Callable[[list[str]], None]
) -> Iterator[Answerer]:
    """The runs' base and each run's adapter under its name, loaded while the job holds the GPU lock.

    `runs` is the folder of all runs; `waiting` hears who is ahead in the GPU queue.

    Raises:
        UserError: a run has no adapter, or another base than the first; or as `load_runs`.
    """
    settings, record = shared_base(found)
    with gpu_lock(runs, job, waiting):
        loaded = load_runs(found, settings, record)
        from qwenlab.inference.local import LocalAnswerer

        try:
            yield LocalAnswerer(loaded)
        finally:
            _forget(loaded)  # before the next in the queue looks for memory


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
            f"{source.folder} holds other weights than those that {next(iter(runs.values())).name} was trained on.",
            "Put the old ones back, or train again.",
        )
    return load_inference(settings, engine, {name: run.adapter for name, run in runs.items()})


def _forget(loaded: "Inference") -> None:
    """Give the memory of the model back, of the card as well."""
    import torch

    loaded.model = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
