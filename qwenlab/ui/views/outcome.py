"""What evaluations found of a run, in the cell of a table: each suite's rate with its set and count, its verdict."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.report.schema import SuiteReport, read_report
from qwenlab.runs import Run, list_evaluations
from qwenlab.stats.types import Comparison, LossComparison, NotMeasured, ScoreComparison
from qwenlab.stats.verdicts import Verdict
from qwenlab.ui.components import text
from qwenlab.ui.run_cache import Stamp, stamp

SHOWN = 3
"""Suites in a cell; the rest is counted."""

COLOURS: dict[Verdict, str] = {"improved": "accent", "kept": "accent", "worse": "red"}
"""The others are in the colour of the text."""

Change = Comparison | ScoreComparison | LossComparison | NotMeasured


class Outcome(NamedTuple):
    """One suite."""

    html: str
    gain: float | None
    """By how much the tuned model is better; None: not measured."""


def outcome(run: Run) -> Outcome:
    """Of each suite its newest evaluation; `gain` is the first suite's. Or why a report cannot be read."""
    found: dict[str, Outcome] = {}
    for evaluation in reversed(list_evaluations(run)):
        if evaluation.report_file.exists():
            try:
                suites = _suites(evaluation.report_file, stamp(evaluation.report_file))
            except UserError as error:
                suites = {str(evaluation.report_file): Outcome(f'<div class="red">{text(error.message)}</div>', None)}
            found = found | {name: suite for name, suite in suites.items() if name not in found}
    outcomes = list(found.values())
    more = f'<div class="quiet">and {len(outcomes) - SHOWN} more</div>' if len(outcomes) > SHOWN else ""
    html = "".join(each.html for each in outcomes[:SHOWN]) + more
    return Outcome(html, next((each.gain for each in outcomes if each.gain is not None), None))


def reports(run: Run) -> list[Stamp]:
    """Other ones whenever `outcome` may say something else."""
    return [stamp(path) for path in sorted(run.folder.glob("evaluations/*/report.json"))]


@lru_cache(maxsize=256)
def _suites(path: Path, changed: Stamp) -> dict[str, Outcome]:
    return {name: _outcome(suite) for name, suite in read_report(path).suites.items()}


def _outcome(suite: SuiteReport) -> Outcome:
    change = suite.change
    numbers = _numbers(change)
    said = f"{numbers}, {suite.verdict}" if numbers else suite.verdict
    html = (
        f'<div title="{text(suite.sentence)}"><span class="quiet">{text(suite.title)}</span> '
        f'<span class="{COLOURS.get(suite.verdict, "")}">{text(said)}</span></div>'
    )
    return Outcome(html, _gain(change))


def _numbers(change: Change) -> str:
    """`10 % → 74 % of 200`, `loss 1.204 → 0.981 over 50 rows`; empty where nothing was measured."""
    if isinstance(change, NotMeasured) or not change.before or not change.after:
        return ""
    before, after = change.before.value, change.after.value
    if before is None or after is None:
        return ""
    if isinstance(change, LossComparison):
        return f"loss {before:.3f} → {after:.3f} over {change.n} rows"
    return f"{100 * before:.3g} % → {100 * after:.3g} % of {change.n}"


def _gain(change: Change) -> float | None:
    if isinstance(change, NotMeasured) or change.difference is None:
        return None
    return change.difference.value if change.higher_is_better else -change.difference.value
