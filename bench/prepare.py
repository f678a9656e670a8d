"""How much faster is the data room than the same pipeline written with `datasets`, row by row? And is it the same?

    python -m bench.prepare                                      350,000 synthetic rows, as columns and as turns
    python -m bench.prepare --source ../shared/data/gsm8k_train.jsonl

Both pipelines apply every rule to the same rows; each run is a process of its own, runs alternate, and what they keep
must be identical. Cleaning and reading the file are timed apart, imports not at all. Other work on the machine hits
ours harder, which uses every core where the other uses one. Memory is the process's largest resident set.
"""

import argparse
import json
import os
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

    read_seconds: float
    clean_seconds: float
    cpu_seconds: float
    """Of the processor, for both."""
    peak_gb: float
    kept: int

    @property
    def seconds(self) -> float:
        return self.read_seconds + self.clean_seconds


def main() -> None:
    """Compare on synthetic rows, or on the file that is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a JSONL file with question and answer, or messages")
    parser.add_argument("--rows", type=int, default=350_000, help="synthetic rows")
    parser.add_argument("--sentences", type=int, default=6, help="in the longest answer; 6: rows as long as GSM8K's")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each pipeline")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic rows")
    parser.add_argument("--child", choices=[*PIPELINES, "load"], help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_CHILDREN[options.child](options.source, options.kept)._asdict()))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.source:
            compare(options.source, options.repeats, Path(folder))
        for layout in () if options.source else ("columns", "messages"):
            source = Path(folder) / f"synthetic_{layout}.jsonl"
            write_rows(source, options.rows, layout, options.sentences, options.seed)
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
        print(f"  {name:<9} cleaning {_spread(run.clean_seconds for run in runs[name])} s, ", end="")
        print(f"reading the file {_spread(run.read_seconds for run in runs[name])} s, ", end="")
        print(f"processor {_spread(run.cpu_seconds for run in runs[name])} s, ", end="")
        print(f"peak {max(run.peak_gb for run in runs[name]):.2f} GB")
    pairs = list(zip(runs["datasets"], runs["qwenlab"], strict=True))
    cleaning = _spread(theirs.clean_seconds / ours.clean_seconds for theirs, ours in pairs)
    both = _spread(theirs.seconds / ours.seconds for theirs, ours in pairs)
    print(f"  ratio     cleaning {cleaning}, with reading the file {both}")
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


class _Clock:
    """Times the parts of a child process."""

    def __init__(self) -> None:
        self._cpu_began = time.process_time()

    def timed(self, work: Callable[[], Any]) -> tuple[Any, float]:
        began = time.perf_counter()
        return work(), time.perf_counter() - began

    def measured(self, read_seconds: float, clean_seconds: float, kept: int) -> Measured:
        cpu_seconds = time.process_time() - self._cpu_began
        # getrusage's maximum also holds that of the process which began this one.
        peak_gb = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1e6
        return Measured(read_seconds, clean_seconds, cpu_seconds, peak_gb, kept)


def _qwenlab(source: Path, kept: Path) -> Measured:
    from qwenlab.data.clean import clean
    from qwenlab.data.conversations import conversations, with_used_fields
    from qwenlab.data.read import read
    from qwenlab.recipe import DataSettings

    settings, clock = DataSettings(), _Clock()
    found, read_seconds = clock.timed(lambda: read(str(source)))
    cleaned, clean_seconds = clock.timed(lambda: clean(conversations(found.tables, {})[0], settings))
    measured = clock.measured(read_seconds, clean_seconds, cleaned.rows.height)
    with_used_fields(cleaned.rows.select("messages")).write_parquet(kept)
    return measured


def _datasets(source: Path, kept: Path) -> Measured:
    import datasets  # noqa: F401  (imports are not timed)

    from bench.row_by_row import clean_rows, read_rows

    clock = _Clock()
    rows, read_seconds = clock.timed(lambda: read_rows(source))
    cleaned, clean_seconds = clock.timed(lambda: clean_rows(rows))
    measured = clock.measured(read_seconds, clean_seconds, len(cleaned))
    cleaned.to_parquet(kept)
    return measured


def _load(source: Path, kept: Path) -> Measured:
    """Everything that a training does with its data before it tokenises; told as reading."""
    from qwenlab.data import load
    from qwenlab.recipe import DataSettings

    clock = _Clock()
    dataset, seconds = clock.timed(lambda: load(DataSettings(source=str(source)), seed=42))
    return clock.measured(seconds, 0.0, dataset.report.rows_kept)


_CHILDREN = {"qwenlab": _qwenlab, "datasets": _datasets, "load": _load}


if __name__ == "__main__":
    main()
