"""Evaluations of a run as processes: which one is looked at, and how one is started, stopped and gone on with."""

import os
import signal
from pathlib import Path

from qwenlab.runs import Evaluation, Run, Status, list_evaluations
from qwenlab.runs.evaluation import all_unfinished
from qwenlab.runs.launch import Launch, launch, list_launches

VERB = "evaluate"

NEWEST = "the newest"
"""Stands for whichever evaluation is the newest."""


def start(runs: Path, run: Run, changes: list[str], noise_floor: bool) -> Launch:
    """Start an evaluation with these overrides of the run's recipe, `section.key=value` each."""
    return launch(runs, VERB, arguments(runs, run, changes, noise_floor), _launch_name(run))


def arguments(runs: Path, run: Run, changes: list[str], noise_floor: bool) -> list[str]:
    """The command line after `python -m qwenlab.evaluate`."""
    settings = [part for change in changes for part in ("--set", change)]
    noise = ["--noise-floor"] if noise_floor else []
    return [run.name, *settings, *noise, *_where(runs)]


def resume(runs: Path, run: Run) -> Launch:
    """Go on with the newest evaluation that did not end."""
    return launch(runs, VERB, [run.name, "--resume", *_where(runs)], _launch_name(run))


def stop(looked: Evaluation | Launch) -> None:
    """Ask it to write down what it has and end; one that has nothing yet, or waits, ends at once."""
    if not looked.is_alive:
        return
    if isinstance(looked, Evaluation) and (
        looked.fault or looked.read().phase in ("generating", "judging", "reporting")
    ):
        looked.request_stop()
    elif pid := looked.read().pid:
        os.kill(pid, signal.SIGTERM)  # the holder of the lock wrote this number


def can_resume(run: Run, looked: Evaluation | Launch | None) -> bool:
    """Whether `resume` would go on with the one that is looked at, and there is something to go on with."""
    unfinished = all_unfinished(run)
    return (
        isinstance(looked, Evaluation)
        and bool(unfinished)
        and unfinished[-1].folder == looked.folder
        and not looked.status.claims_life
        and (looked.read().done > 0 or _has_items(looked))
    )


def reported(run: Run, looked: Evaluation | Launch | None) -> Evaluation | None:
    """Whose report is shown: that of the one that is looked at; where it has none, the newest that there is."""
    if isinstance(looked, Evaluation) and _has_report(looked):
        return looked
    return next(filter(_has_report, reversed(list_evaluations(run))), None)


def _has_items(evaluation: Evaluation) -> bool:
    return any((evaluation.folder / "suites").glob("*/items.jsonl"))


def _has_report(evaluation: Evaluation) -> bool:
    """One that is whole: of an evaluation that is judged again, the earlier one no longer holds."""
    if evaluation.fault or evaluation.status is not Status.finished:
        return False
    return evaluation.page_file.is_file() and evaluation.report_file.is_file()


def looked_at(runs: Path, run: Run, name: str) -> Evaluation | Launch | None:
    """The evaluation of this name. The newest is the last launch, as long as no evaluation has come of it."""
    found = {each.name: each for each in list_evaluations(run)}
    if name in found:
        return found[name]
    newest = max(found.values(), key=_changed, default=None)
    launched = next(reversed(list_launches(runs, _launch_name(run))), None)
    if launched is None:
        return newest
    start = launched.read()
    sound = [each for each in found.values() if not each.fault]
    if any(each.read().pid == start.pid and _changed(each) >= start.time for each in sound):
        return newest
    return newest if newest and not launched.is_alive and _changed(newest) > launched.log.stat().st_mtime else launched


def _where(runs: Path) -> list[str]:
    """The option that names the folder, unless it is the one that is meant anyway."""
    return [] if runs == Path("runs") else ["--runs", str(runs)]


def _changed(evaluation: Evaluation) -> float:
    """When its process last said something, in seconds since 1970."""
    return evaluation.record_file.stat().st_mtime


def _launch_name(run: Run) -> str:
    return f"{VERB}-{run.name}"
