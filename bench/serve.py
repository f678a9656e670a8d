"""How fast the server answers 1, 8 and 32 clients at the same time, and what memory it takes.

    python -m bench.serve

A real server process on the tiny model with two adapters; each client streams one answer after the other, from the
base and the adapters in turn. Prints tokens a second over all clients, and how long the first piece of text takes.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import psutil
import typer

from bench.adapters import TINY, loaded_with_adapters
from qwenlab import cli
from qwenlab.answering.answerer import Answerer, Ask, Listener, Sampling
from qwenlab.answering.remote import remote_answerer
from qwenlab.recipe import read_recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.record import ModelRecord
from qwenlab.runs.serving import ServeRecord, serving

CLIENTS = (1, 8, 32)
PROMPT = [{"role": "user", "content": "Read two integers and print their sum."}]


class Heard(NamedTuple):
    """One answer: its tokens, and seconds to its first piece."""

    tokens: int
    first_s: float


class First(Listener):
    """Notes when the first piece came."""

    def __init__(self) -> None:
        self.at = 0.0

    def text(self, row: int, piece: str) -> None:
        self.at = self.at or time.perf_counter()


def main(
    answers: Annotated[int, typer.Option(min=1, help="Of each client.")] = 4,
    tokens: Annotated[int, typer.Option(min=1, help="Of each answer, at most.")] = 64,
    threads: Annotated[int, typer.Option(min=0, help="Of the server's torch, on a CPU; 0: as it takes.")] = 0,
) -> None:
    """Time a server on the tiny model."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        names = _make_runs(runs)
        environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        command = [sys.executable, "-m", "qwenlab.serve", *names, "--port", "0", "--runs", folder]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            record = _wait(runs, process)
            memory = psutil.Process(process.pid)
            loaded = memory.memory_info().rss
            _ask(record, 8, 1, tokens)
            print(f"{tokens} tokens an answer at most, {answers} answers a client, {threads or 'all'} threads")
            for clients in CLIENTS:
                begun, cpu = time.perf_counter(), sum(memory.cpu_times()[:2])
                heard = _ask(record, clients, answers, tokens)
                seconds = time.perf_counter() - begun
                total = sum(answer.tokens for answer in heard)
                first = statistics.median(answer.first_s for answer in heard)
                per_cpu = total / (sum(memory.cpu_times()[:2]) - cpu)
                print(
                    f"{clients:3} clients: {total / seconds:7.0f} tokens/s, {per_cpu:7.0f} a second of processor, "
                    f"first piece after {first:.2f} s (median)"
                )
            print(f"memory: {loaded / 1e6:.0f} MB when loaded, {memory.memory_info().rss / 1e6:.0f} MB in the end")
            process.terminate()


def _ask(record: ServeRecord, clients: int, answers: int, tokens: int) -> list[Heard]:
    models = itertools.cycle(record.models)
    with remote_answerer(record.url) as answerer, ThreadPoolExecutor(clients) as pool:

        def client(model: str) -> list[Heard]:
            return [_answer(answerer, Ask(PROMPT, Sampling(tokens, 1.0), model)) for _ in range(answers)]

        return list(itertools.chain(*pool.map(client, [next(models) for _ in range(clients)])))


def _answer(answerer: Answerer, ask: Ask) -> Heard:
    first, begun = First(), time.perf_counter()
    [answer] = answerer.answer([ask], first)
    return Heard(answer.tokens, first.at - begun)


def _make_runs(runs: Path) -> list[str]:
    """Two finished runs with adapters that were never trained."""
    loaded = loaded_with_adapters("tiny", runs, ["one", "two"])
    recipe = read_recipe(TINY)
    names = []
    for name in loaded.adapters:
        run = Run.create(runs, recipe, name)
        (runs / name).rename(run.adapter)
        model = ModelRecord(
            name=loaded.source.name,
            resolved=str(loaded.source.folder),
            revision=None,
            sha256=loaded.source.sha256(),
            template_sha256=loaded.stamp("base").template_sha256,
            trainable_parameters=0,
            parameters=0,
        )
        run.update(status=Status.finished, finished=datetime.now(UTC), model=model)
        names.append(run.name)
    return names


def _wait(runs: Path, process: "subprocess.Popen[bytes]") -> ServeRecord:
    while process.poll() is None:
        if record := serving(runs):
            return record
        time.sleep(0.1)
    raise RuntimeError("the server ended before it served")


if __name__ == "__main__":
    cli.run(main, "python -m bench.serve")
