"""What training and answering cost on this machine's GPU: speed, memory beside its estimate, and what comes out.

    python -m bench.gpu                              # all steps that the card has room for
    python -m bench.gpu --steps answers --work weights
    python -m bench.gpu --together --steps toml      # only the memory of trainings, as many at a time as fit
    python -m bench.gpu --table bench-gpu/results.jsonl
    python -m bench.gpu --dry                        # every step with very small models on a CPU

Weights are random, of published shapes; nothing is downloaded. They take 28 GB for as long as the bench runs, or stay
in the folder that `--work` names. Each result is a line of results.jsonl the moment it is known; `--table` makes tables
of them. Exit code 0: all steps that ran succeeded; 1: some failed; 2: something that you can fix.
"""

import contextlib
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import psutil
import typer

from bench.gpu.lab import Lab, StepError
from bench.gpu.results import Environment, Result, append_result, read_results
from bench.gpu.runner import run_steps
from bench.gpu.steps import all_steps
from bench.gpu.tables import markdown
from qwenlab import cli
from qwenlab.errors import UserError

WEIGHTS_GB = 30
SHARED_MEMORY = Path("/dev/shm")
ROOMY_GB = 60
"""Of machine memory: with less the weights are written to a disk."""


def main(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where results.jsonl and logs/ go; appended to.")] = Path(
        "bench-gpu"
    ),
    work: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the weights here, for a second call to find.")
    ] = None,
    steps: Annotated[str, typer.Option(metavar="REGEX", help="Only the steps whose names match.")] = "",
    seconds: Annotated[float, typer.Option(min=1, help="For all: what would take longer is skipped.")] = 3600,
    together: Annotated[
        bool, typer.Option("--together", help="Trainings beside each other: their memory, and no speed.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Every step with very small models on a CPU.")] = False,
    table: Annotated[
        Path | None, typer.Option(metavar="RESULTS", help="Print the tables of a results.jsonl, and run nothing.")
    ] = None,
) -> None:
    """Measure training and answering on this machine's GPU."""
    if table:
        print(markdown(read_results(table)))
        return
    begun = time.monotonic()
    file = out / "results.jsonl"
    failed: list[str] = []

    def tell(result: Result) -> None:
        result = result.untimed if together else result
        append_result(file, result)
        print(result.sentence, flush=True)
        if result.ok is False:
            failed.append(result.step)

    with cli.terminated_as_interrupted(), _lab(out, work, dry) as lab:
        chosen = [step for step in all_steps(lab) if re.search(steps, step.name)]
        if not chosen:
            names = "; ".join(step.name for step in all_steps(lab))
            raise UserError(f"--steps {steps} matches no step.", f"There are: {names}.")
        chosen = [replace(step, alone=False) for step in chosen] if together else chosen
        machine = _environment(lab, begun + seconds)
        if not machine.hardware.gpu and not dry:
            raise UserError(
                "torch finds no GPU here.", "--dry tries every step with very small models on the CPU instead."
            )
        _check_room(lab.work, dry)
        tell(Result(step="environment", ok=True, seconds=round(time.monotonic() - begun, 1), figures=machine))
        free_gb, workers = (float("inf"), 2) if dry else (machine.free_gb, max(machine.hardware.cpu_cores // 2, 1))
        run_steps(chosen, lab, tell, free_gb, begun + seconds, workers)
    print(f"python -m bench.gpu --table {file}")
    if failed:
        typer.secho(f"{len(failed)} of {len(chosen)} steps failed: {'; '.join(failed)}", fg="red", err=True)
        raise typer.Exit(1)


@contextlib.contextmanager
def _lab(out: Path, work: Path | None, dry: bool) -> Iterator[Lab]:
    logs = out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with _work_folder(work, dry) as folder:
        runs = Path(tempfile.mkdtemp(prefix="runs-", dir=folder))
        try:
            yield Lab(folder, runs, logs.absolute(), dry)
        finally:
            shutil.rmtree(runs, ignore_errors=True)


@contextlib.contextmanager
def _work_folder(work: Path | None, dry: bool) -> Iterator[Path]:
    """The folder for weights: the given one, or one that is gone afterwards, in memory where the machine has plenty."""
    if work:
        work.mkdir(parents=True, exist_ok=True)
        yield work.absolute()
        return
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 1.5 * WEIGHTS_GB * 1e9
    roomy = roomy and psutil.virtual_memory().available > ROOMY_GB * 1e9
    with tempfile.TemporaryDirectory(prefix="qwenlab-", dir=SHARED_MEMORY if roomy and not dry else None) as folder:
        yield Path(folder)


def _check_room(folder: Path, dry: bool) -> None:
    """Raises UserError where the weights do not fit there."""
    there = sum(file.stat().st_size for file in folder.glob("*/*.safetensors")) / 1e9
    free = shutil.disk_usage(folder).free / 1e9
    if not dry and there + free < WEIGHTS_GB:
        raise UserError(
            f"{folder} has {free:.0f} GB free; the weights take up to {WEIGHTS_GB}.",
            "Name a folder on a larger disk with --work.",
        )


def _environment(lab: Lab, until: float) -> Environment:
    file = lab.runs / "environment.json"
    ended = lab.child("bench.gpu.environment", [file], "environment", until)
    if ended.code:
        raise StepError(ended.tail)
    found = Environment.model_validate_json(file.read_bytes())
    return found.model_copy(
        update={"command": shlex.join(["python", "-m", "bench.gpu", *sys.argv[1:]]), "dry": lab.dry}
    )


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu")
