"""A real server on the tiny model with two adapters, as a process, for whoever talks to one."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from qwenlab.recipe import read_recipe
from qwenlab.runs import Run
from qwenlab.runs.serving import ServeRecord, announced, serving
from qwenlab.training import choose_engine

TINY = Path(__file__).parent.parent / "recipes" / "tiny.toml"
PATIENCE_S = 120


class Serving(NamedTuple):
    """A server that takes requests, its runs, and the file that its output goes to."""

    process: subprocess.Popen[bytes]
    record: ServeRecord
    runs: Path
    output: Path


def make_runs(runs: Path, names: tuple[str, ...] = ("one", "two")) -> list[str]:
    """Finished runs on the tiny model, each with an adapter that answers in its own way; their names."""
    recipe = read_recipe(TINY).with_values(model={"engine": "transformers"})
    engine = choose_engine(recipe.model)
    from tests.models.adapters import random_run

    return [random_run(runs, recipe, engine, name, seed, strength=0.2).name for seed, name in enumerate(names)]


@contextlib.contextmanager
def running(runs: Path, *arguments: str, **environment: str) -> Iterator[Serving]:
    """`python -m qwenlab.serve arguments... --port 0`, from when it takes requests until it has ended."""
    output = runs / "serve.log"
    command = [sys.executable, "-m", "qwenlab.serve", *arguments, "--port", "0", "--runs", str(runs)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | environment)
    try:
        yield Serving(process, _record(runs, process, output), runs, output)
    finally:
        process.kill()
        process.wait()


def _record(runs: Path, process: subprocess.Popen[bytes], output: Path) -> ServeRecord:
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        if record := serving(runs):
            return record
        time.sleep(0.1)
    raise AssertionError(f"it never served:\n{output.read_text(encoding='utf-8')}")


@contextlib.contextmanager
def scripted(runs: Path, run: Run, thinking: bool, said: Callable[[str], str], pace_s: float = 0.0) -> Iterator[str]:
    """A server in this process, found by who looks for one, whose base and run say what `said` makes of a prompt.

    Its template is Qwen3's. `pace_s`: seconds between two tokens.
    """
    from qwenlab.api.app import make_app
    from qwenlab.inference.batcher import Batcher
    from qwenlab.inference.load import load_runs
    from qwenlab.runs.shared_base import shared_base
    from tests.answering.vllm_stub import serving_app
    from tests.models.scripted import QWEN3, script

    loaded = load_runs({run.name: run}, *shared_base({run.name: run}))
    loaded.tokenizer.chat_template = QWEN3
    script(loaded, said, pace_s)
    app = make_app(Batcher(loaded), None, 100_000, dict.fromkeys(loaded.names, thinking))
    with serving_app(app) as url:
        record = ServeRecord(url=url, pid=os.getpid(), models=tuple(loaded.names), key_required=False)
        with announced(runs, record):
            yield url
