"""Every small file of a run, damaged in every way: whoever reads runs gives a row or a sentence."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.runs import list_runs
from tests.faults.damage import DAMAGES, damage, repaired
from tests.faults.group import Attempt, LostError
from tests.faults.readers import HANDLERS, VERBS, answers
from tests.faults.whole import whole_run

TITLE = "file of a run damaged"
PROMISE = "A row or a sentence says so, on every tab and verb; the other runs stand as they stood."
ALL = 228
FIRST = 24


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Each kind of damage of run.json first, then of the other files, in turns."""
    whole, runs = folder / "whole", folder / "runs"
    whole_run(whole, "good")
    bad = whole_run(whole, "bad").name
    files = sorted(
        (str(path.relative_to(whole)) for path in whole.rglob("*") if _is_bad(path, bad)),
        key=lambda name: ("run.json" not in name, "recipe.toml" not in name, name),
    )
    shutil.copytree(whole, runs)
    for number in range(count):
        kind, file = list(DAMAGES)[number % len(DAMAGES)], files[number // len(DAMAGES) % len(files)]
        yield Attempt(f"{file} {kind}", partial(_check, runs, whole, bad, file, kind))


def _is_bad(path: Path, name: str) -> bool:
    """Whether it is a small file of the run that is to be damaged, or of a process that was started for it."""
    return path.is_file() and not path.name.startswith(".lock") and (name in str(path) or ".launches" in path.parts)


def _check(runs: Path, whole: Path, bad: str, file: str, kind: str) -> None:
    repaired(runs, whole)
    good = next(run.name for run in list_runs(runs) if run.name != bad)
    damage(runs / file, kind)
    faults = []
    for name, verb in VERBS.items():
        try:
            verb(runs, bad)
        except UserError as error:
            if not error.message.strip():
                faults.append(f"{name}: a sentence without words")
        except Exception as error:  # noqa: BLE001  this is what is looked for
            faults.append(f"{name}: {type(error).__name__}: {error}"[:300])
    for name, handler in HANDLERS.items():
        for run in (bad, good):
            try:
                answers(handler, runs, run)
            except Exception as error:  # noqa: BLE001
                faults.append(
                    f"{name} of {'the good' if run == good else 'this'} run: {type(error).__name__}: {error}"[:300]
                )
    if good not in {run.name for run in list_runs(runs)}:
        faults.append("the good run is not in the list any more")
    if faults:
        raise LostError("; ".join(faults))
