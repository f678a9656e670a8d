"""A real server on the tiny model with two adapters, as a process, for whoever talks to one."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qwenlab.recipe import read_recipe
from qwenlab.runs.serving import ServeRecord, serving
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
