"""Evaluations that are killed while they draw items, generate, judge and write their report."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.evaluation.samples import Sample
from qwenlab.evaluation.scored import Scored
from qwenlab.files import read_lines
from qwenlab.report.schema import read_report
from qwenlab.runs import Run, Status, list_evaluations, list_runs
from tests.faults.group import Attempt, LostError
from tests.faults.groups.trainings_killed import SHORT
from tests.faults.outcome import lost_where_different
from tests.faults.verbs import At, Ended, Verbs, kills, passed_lines

TITLE = "evaluation killed"
PROMISE = "Resumed, it has the same samples, verdicts and sentence, and nothing is left running."
ALL = 20
FIRST = 1

ASKED = ("evaluate.max_new_tokens=24", "evaluate.batch_size=4", "evaluate.max_items=6")
TELLING = {
    "choose_items", "append_lines", "rewrite_lines", "generate_samples", "_spend", "score", "_judged", "_report",
    "write", "_end", "_measure_drift", "evaluate",
}  # fmt: skip


class Outcome(NamedTuple):
    """What an evaluation leaves that must be the same."""

    status: list[Status]
    """Of all evaluations of the run."""
    samples: list[str]
    judged: list[str]
    sentences: dict[str, str]
    files: list[str]


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """At telling lines from the first to the last, then at drawn lines and moments."""
    with Verbs(folder / "logs") as verbs:
        settings = [part for setting in SHORT for part in ("--set", setting)]
        verbs.run("train", ["recipes/tiny.toml", *settings, "--runs", folder / "trained"])
        whole, passed = folder / "whole", folder / "passed"
        shutil.copytree(folder / "trained", whole)
        ended = _evaluate(verbs, whole, passed=passed)
        assert ended.code == 0, ended.said
        wanted = _outcome(list_runs(whole)[0])
        for number, kill in enumerate(kills(passed_lines(passed), TELLING, ended.seconds, count), start=1):
            where = f"at {kill}" if isinstance(kill, At) else f"after {kill:.2f} s"
            check = partial(_check, verbs, folder / "trained", folder / str(number), kill, wanted)
            yield Attempt(f"killed {where}", check)


def _evaluate(verbs: Verbs, runs: Path, **how: Any) -> Ended:
    settings = [part for setting in ASKED for part in ("--set", setting)]
    return verbs.run("evaluate", ["last", "--suite", "tiny,held_out", *settings, "--runs", runs], **how)


def _check(verbs: Verbs, trained: Path, runs: Path, kill: At | float, wanted: Outcome) -> None:
    """Kill, go on, compare."""
    shutil.copytree(trained, runs)
    ended = _evaluate(verbs, runs, kill=kill)
    if ended.code != -9 and not (ended.code == 0 and isinstance(kill, float)):
        raise LostError(f"it was not killed there, and ended with {ended.code}: {ended.said[-300:]}")
    (run,) = list_runs(runs)
    if not list_evaluations(run):
        ended = _evaluate(verbs, runs)
    elif list_evaluations(run)[0].status is not Status.finished:
        ended = verbs.run("evaluate", ["last", "--resume", "--runs", runs])
    if ended.code not in (-9, 0):
        raise LostError(f"it does not go on: {ended.said[-500:]}")
    if running := verbs.left_running():
        raise LostError(f"left running: {running}")
    lost_where_different(_outcome(run), wanted)


def _outcome(run: Run) -> Outcome:
    evaluations = list_evaluations(run)
    folder = evaluations[0].folder
    files = [evaluations[0].suite(name) for name in ("tiny", "held_out")]
    return Outcome(
        [each.status for each in evaluations],
        sorted(sample.model_dump_json() for each in files for sample in read_lines(each.samples_file, Sample)),
        sorted(
            f"{one.item} {one.model} {one.right} {one.found!r} {one.result and one.result.verdict}"
            for each in files
            for one in read_lines(each.judged_file, Scored)
        ),
        {name: suite.sentence for name, suite in read_report(evaluations[0].report_file).suites.items()},
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*")),
    )
