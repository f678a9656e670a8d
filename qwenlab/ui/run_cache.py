"""Reading runs again and again: what has not changed on the disk is not parsed twice, however many browsers look."""

from functools import lru_cache
from pathlib import Path

from qwenlab.runs import Run, RunRecord, Status, list_runs
from qwenlab.runs.drift import Drift
from qwenlab.runs.events import Event, read_events
from qwenlab.runs.label import Label, read_label
from qwenlab.runs.samples import Sample, SamplePrompts

KNOWN_RUNS = 1024
"""Runs whose small files are kept parsed."""

SHOWN_POINTS = 10_000
"""Points of a training curve that are read: charts are about a thousand pixels wide, and a card has one second."""

Stamp = tuple[int, int]


def stamp(path: Path) -> Stamp:
    """Changes whenever the file does: nanoseconds and bytes."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def readable(runs: Path) -> list[Run]:
    """The runs of which record and recipe can be read, oldest first: one that is broken hurts no other."""
    return [run for run in list_runs(runs) if not broken(run)]


def broken(run: Run) -> str:
    """As `Run.fault`: why the run cannot be read; empty where it can."""
    return _fault(run.folder, stamp(run.record_file), stamp(run.recipe_file))


def events(run: Run) -> list[Event]:
    """The run's events, with so many points of the curve as are shown; not to be changed."""
    return _events(run.events_file, stamp(run.events_file))


def record(run: Run) -> RunRecord:
    """The run's record; not to be changed."""
    return _record(run.folder, stamp(run.record_file))


def status(run: Run) -> Status:
    """As `Run.status`, which says what holds for an onlooker."""
    claimed = record(run).status
    return run.status if claimed.claims_life else claimed


def name(run: Run) -> str:
    """What the run is called: its title, or else its data and when it began, `maths300, 26 Nov 14:02`.

    One that cannot be read is called as its folder is.
    """
    return label(run).title or (run.name if broken(run) else _words(run.folder, stamp(run.recipe_file)))


def called(runs: Path, folder: str) -> str:
    """As `name`, by the name of the run's folder."""
    run = Run(runs / folder)
    return name(run) if run.record_file.exists() else folder


def drift(run: Run) -> Drift | None:
    """As `Run.drift`."""
    return _drift(run.folder, stamp(run.drift_file))


def sample_prompts(run: Run) -> SamplePrompts | None:
    """As `Run.sample_prompts`."""
    return _sample_prompts(run.folder, stamp(run.sample_prompts_file))


def samples(run: Run) -> list[Sample]:
    """As `Run.samples`; not to be changed."""
    return _samples(run.folder, stamp(run.samples_file))


def label(run: Run) -> Label:
    """The run's title and note."""
    return _label(run.folder, stamp(run.folder / "label.json"))


@lru_cache(maxsize=8)
def _events(path: Path, changed: Stamp) -> list[Event]:
    return read_events(path, points=SHOWN_POINTS)


@lru_cache(maxsize=KNOWN_RUNS)
def _fault(folder: Path, record: Stamp, recipe: Stamp) -> str:
    return Run(folder).fault


@lru_cache(maxsize=KNOWN_RUNS)
def _record(folder: Path, changed: Stamp) -> RunRecord:
    return Run(folder).read()


@lru_cache(maxsize=KNOWN_RUNS)
def _words(folder: Path, changed: Stamp) -> str:
    run = Run(folder)
    began = run.read().created.astimezone()
    minute = len("20261126-1402")
    is_alone = len(list(folder.parent.glob(f"{folder.name[:minute]}*"))) == 1
    return f"{Path(run.recipe.data.source).stem}, {began.day} {began:{'%b %H:%M' if is_alone else '%b %H:%M:%S'}}"


@lru_cache(maxsize=KNOWN_RUNS)
def _drift(folder: Path, changed: Stamp) -> Drift | None:
    return Run(folder).drift


@lru_cache(maxsize=8)
def _sample_prompts(folder: Path, changed: Stamp) -> SamplePrompts | None:
    return Run(folder).sample_prompts


@lru_cache(maxsize=8)
def _samples(folder: Path, changed: Stamp) -> list[Sample]:
    return Run(folder).samples


@lru_cache(maxsize=KNOWN_RUNS)
def _label(folder: Path, changed: Stamp) -> Label:
    return read_label(Run(folder))
