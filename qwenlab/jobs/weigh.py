"""Weighing as a job: two files of per-item results, whoever wrote them, and the sentence of an evaluation."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes import read_results
from qwenlab.evaluation.outcomes.scores import choose, choose_one
from qwenlab.files import make_parent, write_atomically
from qwenlab.report.sentences import detectable_sentence
from qwenlab.report.weighed import Weighed, WeighedFile, weighed
from qwenlab.stats.types import DetectableDifference

SHOWN = 5
"""Items that are named on the screen; the report has all."""


def weigh(
    base: Path,
    tuned: Path | None = None,
    *,
    score: str | None = None,
    base_column: str | None = None,
    tuned_column: str | None = None,
    id_column: str | None = None,
) -> Weighed:
    """Compare two files of per-item results, or two columns of one.

    Args:
        base: lm-eval's samples, a log of Inspect, a report of ours, or a table.
        tuned: another of the same items; None: `base` has both sides.
        score: which score of both files, where there are several.
        base_column: which of the base's, where the two are called otherwise, or stand in one file.
        tuned_column: which of the other's.
        id_column: of tables, which column names the items.

    Raises:
        UserError: a file cannot be read, holds no such score, or does not belong to the other.
    """
    if score and (base_column or tuned_column):
        raise UserError("--score names what both files have, so --base-column and --tuned-column do not go with it.")
    names = (score or base_column, score or tuned_column)
    if tuned is None:
        return weighed(*choose_one(read_results(base, id_column, alone=True), names))
    first, second = read_results(base, id_column), read_results(tuned, id_column)
    if names[0] == names[1] and _sha256(base) == _sha256(tuned):
        raise UserError(
            f"{base} and {tuned} are the same file." if base != tuned else f"{base} is given twice.",
            "Give the base's results first and the tuned model's second.",
        )
    return weighed(*choose(first, second, names))


def write(result: Weighed, path: Path) -> None:
    """Write it as JSON.

    Raises:
        UserError: the disk refuses.
    """
    make_parent(path)
    write_atomically(path, result.model_dump_json(indent=2) + "\n")


def show(result: Weighed) -> None:
    """Print the sentence, what it rests on, and what has to be known of it."""
    console = Console(highlight=False, soft_wrap=True)
    for side, file in (("base ", result.base), ("tuned", result.tuned)):
        console.print(f"{side}  {_described(file)}", markup=False)
    for note in result.notes:
        console.print(note, style="yellow", markup=False)
    for told, names in (
        (f"in {result.base.path} alone, left out", result.base_alone),
        (f"in {result.tuned.path} alone, left out", result.tuned_alone),
        ("without a score on one side, left out", result.without_score),
    ):
        if names:
            console.print(f"{told}: {_named(names)}", style="yellow", markup=False)
    console.print(f"\n{result.sentence}", style="bold", markup=False)
    if (difference := result.comparison.difference) and difference.interval:
        points = [f"{100 * share:+.1f}".replace("+0.0", "0.0") for share in (difference.value, *difference.interval)]
        console.print(f"difference {points[0]} points, 95 % interval {points[1]} to {points[2]}")
    console.print(f"gained: {_named(result.gained)}", markup=False)
    console.print(f"lost: {_named(result.lost)}", markup=False)
    console.print(_detectable(result), markup=False)


def _described(file: WeighedFile) -> str:
    task = f", task {file.task}" if file.task else ""
    return f"{file.path}: {file.kind}{task}, {file.score}, {file.items} {'items' if file.items > 1 else 'item'}"


def _named(names: Sequence[str]) -> str:
    if not names:
        return "none"
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return f"{len(names)} ({shown})"


def _detectable(result: Weighed) -> str:
    found = result.detectable
    if not isinstance(found, DetectableDifference):
        return detectable_sentence(found)
    if found.difference is None:
        return f"{found.n} problems: no minimum detectable effect can be told, since nothing varies"
    return (
        f"{found.n} problems: minimum detectable effect {100 * found.difference:.1f} points at "
        f"{100 * found.power:.0f} % power, by how far these scores vary"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
