"""Several runs and their base, from one model in memory.

Light to import, so that a verb may wait for its turn at the GPU before torch takes memory there.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from qwenlab.answering.answerer import Answerer
from qwenlab.runs import Run, gpu_lock
from qwenlab.runs.shared_base import shared_base
from qwenlab.training.engine import set_environment


@contextmanager
def local_answerer(
    runs: Path,
    found: Mapping[str, Run],
    job: str,
    waiting: Callable[[list[str]], None],
    loading: Callable[[], None] = lambda: None,
) -> Iterator[Answerer]:
    """The runs' base and each run's adapter under its name, loaded while the job holds the GPU lock.

    `runs` is the folder of all runs; `waiting` hears who is ahead in the GPU queue, and `loading`
    is called once it is this job's turn.

    Raises:
        UserError: a run has no adapter, or another base than the first; or as `load_runs`.
    """
    settings, record = shared_base(found)
    with gpu_lock(runs, job, waiting):
        loading()
        set_environment()
        from qwenlab.inference.local import LocalAnswerer, load_runs

        answerer = LocalAnswerer(load_runs(found, settings, record))
        try:
            yield answerer
        finally:
            answerer.forget()  # before the next in the queue looks for memory
