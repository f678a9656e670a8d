"""How much faster is the data room than the same pipeline written with `datasets`, row by row? And is it the same?

    python -m bench.prepare                                      350,000 synthetic rows, as columns and as turns
    python -m bench.prepare --source ../shared/data/gsm8k_train.jsonl

Both pipelines read the file and apply every rule; each run is a process of its own, runs alternate, and what they keep
must be identical. Times exclude imports; those of the processor stand beside those of the clock, which other work on
the machine lengthens. Memory is the process's largest resident set.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bench.synthetic import write_rows

PIPELINES = ("qwenlab", "datasets")


class Measured(NamedTuple):
    """One process."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    kept: int


def main() -> None:
    """Compare on synthetic rows, or on the file that is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a JSONL file with question and answer, or messages")
    parser.add_argument("--rows", type=int, default=350_000, help="synthetic rows")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each pipeline")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic rows")
    parser.add_argument("--child", choices=[*PIPELINES, "load"], help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_CHILDREN[options.child](options.source, options.kept)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.source:
            compare(options.source, options.repeats, Path(folder))
        for layout in () if options.source else ("columns", "messages"):
            source = Path(folder) / f"synthetic_{layout}.jsonl"
            write_rows(source, options.rows, layout, options.seed)
            compare(source, options.repeats, Path(folder))


def compare(source: Path, repeats: int, folder: Path) -> None:
    """Run both pipelines in turn, check that they keep the same, and print times, memory and ratio."""
    import polars as pl

    runs: dict[str, list[Measured]] = {name: [] for name in (*PIPELINES, "load")}
    kept = {name: folder / f"{name}.parquet" for name in PIPELINES}
    for _ in range(repeats):
        for name in PIPELINES:
            runs[name].append(_run(name, source, kept[name], folder))
        if not pl.read_parquet(kept["qwenlab"]).equals(pl.read_parquet(kept["datasets"])):
            sys.exit("The two pipelines keep different rows.")
    runs["load"].append(_run("load", source, folder / "unused", folder))
    size = source.stat().st_size / 1e6
    print(f"\n{source.name}: {size:,.0f} MB, {runs['qwenlab'][0].kept:,} rows kept by both, identical")
    for name in PIPELINES:
        print(f"  {name:<9} {_spread(run.seconds for run in runs[name])} s by the clock, ", end="")
        print(f"{_spread(run.cpu_seconds for run in runs[name])} s of processor, ", end="")
        print(f"peak {max(run.peak_gb for run in runs[name]):.2f} GB")
    pairs = list(zip(runs["datasets"], runs["qwenlab"], strict=True))
    print(f"  ratio     {_spread(theirs.seconds / ours.seconds for theirs, ours in pairs)} by the clock, ", end="")
    print(f"{_spread(theirs.cpu_seconds / ours.cpu_seconds for theirs, ours in pairs)} of processor")
    whole = runs["load"][0]
    print(f"  with split, report and leakage: {whole.seconds:.2f} s, peak {whole.peak_gb:.2f} GB", flush=True)


def _run(pipeline: str, source: Path, kept: Path, folder: Path) -> Measured:
    command = [sys.executable, "-m", "bench.prepare", "--child", pipeline, "--source", str(source), "--kept", str(kept)]
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        environment = os.environ | {"HF_DATASETS_CACHE": cache, "HF_HUB_OFFLINE": "1"}
        output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Measured(**json.loads(output))


def _spread(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):.1f} ({ordered[0]:.1f} to {ordered[-1]:.1f})"


def _measure(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    began, cpu_began = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return result, {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_gb": peak_gb}


def _qwenlab(source: Path, kept: Path) -> dict[str, float]:
    from qwenlab.data.clean import clean
    from qwenlab.data.conversations import conversations
    from qwenlab.data.read import read
    from qwenlab.recipe import DataSettings

    settings = DataSettings()
    cleaned, measured = _measure(lambda: clean(conversations(read(str(source)).tables, {})[0], settings))
    cleaned.rows.select("messages").write_parquet(kept)
    return measured | {"kept": cleaned.rows.height}


def _datasets(source: Path, kept: Path) -> dict[str, float]:
    from bench.row_by_row import clean_rows

    rows, measured = _measure(lambda: clean_rows(source))
    rows.to_parquet(kept)
    return measured | {"kept": len(rows)}


def _load(source: Path, kept: Path) -> dict[str, float]:
    from qwenlab.data import load
    from qwenlab.recipe import DataSettings

    dataset, measured = _measure(lambda: load(DataSettings(source=str(source)), seed=42))
    return measured | {"kept": dataset.report.rows_kept}


_CHILDREN = {"qwenlab": _qwenlab, "datasets": _datasets, "load": _load}


if __name__ == "__main__":
    main()
