"""A run with every small file that a run can have, without training: two hundredths of what a real one takes."""

from pathlib import Path

import numpy as np

from qwenlab.data import load
from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.samples import Sample
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.files import append_lines
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.render import write
from qwenlab.runs import Evaluation, Run, Status
from qwenlab.runs.comparisons import Column, Comparison, keep, now
from qwenlab.runs.drift import Drift
from qwenlab.runs.label import Label, write_label
from qwenlab.runs.launch import LaunchRecord
from qwenlab.stats.intervals import mean_loss
from qwenlab.stats.paired import compare_losses
from tests.report.reports import whole_report
from tests.ui.made import made_run


def whole_run(runs: Path, name: str) -> Run:
    """Finished, evaluated, compared, labelled, and once exported from the browser."""
    run = made_run(runs, name)
    run.log_file.write_text("step 1/20\n", encoding="utf-8")
    recipe = run.recipe
    load(recipe.data, recipe.train.seed).report.write(run.data_file)
    write_label(run, Label(title=f"The {name} one", note="to be looked at again"))
    _drift().write(run.drift_file)
    _compare(run)
    _evaluate(run)
    record = LaunchRecord(verb="export", command=f"python -m qwenlab.export {run.name} --to merged", pid=1, time=1.0)
    log = runs / ".launches" / "1-export.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("exported\n", encoding="utf-8")
    record.write(log.with_suffix(".json"))
    return run


def _drift() -> Drift:
    before, after = np.array([2.0, 2.1, 1.9]), np.array([2.1, 2.1, 1.8])
    divergence = mean_loss(after / 20, None, 1)
    assert divergence
    return Drift(
        conversations=3, available=200, tokens=900, divergence=divergence, adapter_sha256="0" * 64,
        losses=compare_losses(before.tolist(), after.tolist()), conversations_sha256="1" * 64, seconds=1.0,
    )  # fmt: skip


def _compare(run: Run) -> None:
    columns = tuple(
        Column(model=model, text="It is 4.", finish="stop", tokens=4, seconds=1.0, stamp={"thinking": None})
        for model in ("base", run.name)
    )
    asked = ({"role": "user", "content": "What is 2 plus 2?"},)
    keep(run, Comparison(created=now(), messages=asked, max_tokens=8, temperature=0.0, seed=1, columns=columns))


def _evaluate(run: Run) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings(suites=("code_contests",)))
    evaluation.log_file.write_text("evaluated\n", encoding="utf-8")
    files = evaluation.suite("code_contests")
    files.folder.mkdir(parents=True)
    problem = Problem(name="add", description="Add.", tests=())
    append_lines(files.items_file, [contest_item(problem)])
    append_lines(
        files.samples_file,
        [Sample(item="add", model="base", sample=0, answer="print(1)", tokens=3, truncated=False)],
    )
    write(whole_report(), evaluation.folder)
    evaluation.update(status=Status.finished, suites={"code_contests": {"title": "Contest problems"}})
