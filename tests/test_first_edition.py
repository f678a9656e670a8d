"""A run that the first edition left is listed, read, shown, evaluated and resumed as one of today's.

`tests/first_edition/` holds its folder: trained on the bundled data, stopped at step 21 of 40, evaluated on four
problems and compared on two.
"""

import importlib.metadata
import shutil
from pathlib import Path

import pytest

from qwenlab import data
from qwenlab.data.report import DatasetReport
from qwenlab.report.render import page
from qwenlab.report.schema import ItemRow, Report, read_report
from qwenlab.runs import Run, Status, list_evaluations, list_runs
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.runs.evaluation import Evaluation, newest
from qwenlab.runs.events import Train, Validation, of_kind
from qwenlab.training.environment import TRAINING_PACKAGES
from tests.conftest import Verb

KEPT = Path(__file__).parent / "first_edition"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy, on a machine without a GPU, where it was made."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    shutil.copytree(KEPT, tmp_path / "runs")
    (found,) = list_runs(tmp_path / "runs")
    return found


def report_of(evaluation: Evaluation) -> Report:
    return read_report(evaluation.report_file)


def judged(row: ItemRow) -> tuple[object, ...]:
    """What does not depend on how fast the machine is."""
    return row.name, row.outcome, [(one.answer, one.verdict) for one in (*row.base, *row.tuned)]


def test_it_is_listed_and_read(run: Run) -> None:
    record = run.read()
    assert run.status is record.status is Status.stopped
    assert (record.step, record.total_steps) == (21, 40)
    assert run.recipe.train.max_steps == 40 and run.recipe.lora.r == 2
    assert [checkpoint.name for checkpoint in run.checkpoints] == ["checkpoint-21"]
    assert [event.step for event in of_kind(run.events, Train)] == list(range(1, 22))
    for comparison in list_comparisons(run):
        assert [column.model for column in comparison.columns] == ["base", run.name]
    assert len(list_comparisons(run)) == 2


def test_its_data_is_what_the_bundled_data_is_today(run: Run) -> None:
    before = DatasetReport.read(run.data_file)
    today = data.load(run.recipe.data, run.recipe.train.seed).report
    assert today.sha256 == before.sha256 == run.read().data_sha256
    # Rules, changes and fields that have come since then: none of them found anything.
    since = {"tokens", "reasoning_rows", "dropped", "examples", "changed"}
    assert today.model_dump(exclude=since) == before.model_dump(exclude=since)
    for found, said in (
        (today.dropped, before.dropped),
        (today.examples, before.examples),
        (today.changed, before.changed),
    ):
        assert {name: value for name, value in found.items() if value or name in said} == said
    assert today.reasoning_rows == 0 and before.reasoning_rows is None


def test_its_report_is_a_page_of_today(run: Run) -> None:
    (evaluation,) = list_evaluations(run)
    assert evaluation.status is Status.finished
    report = report_of(evaluation)
    (suite,) = report.suites.values()
    assert suite.n == 4 and suite.asked.source == "tiny" and suite.verdict == "not shown"
    assert "2 to 2 of 4" in page(report)


def test_its_evaluation_goes_on_with_the_problems_that_it_began_with(run: Run, verb: Verb) -> None:
    """As a kill would have left it: the tuned model has not answered yet, and nothing is judged."""
    evaluation = newest(run)
    before = report_of(evaluation)
    samples_file = evaluation.folder / "samples.jsonl"
    answers = samples_file.read_text(encoding="utf-8").splitlines(keepends=True)
    samples_file.write_text("".join(line for line in answers if '"base"' in line), encoding="utf-8")
    (evaluation.folder / "judged.jsonl").unlink()
    evaluation.report_file.unlink()
    evaluation.update(status=Status.stopped)
    said = verb("evaluate", run.name, "--resume")
    assert said.returncode == 0, said.stdout + said.stderr
    after = report_of(evaluation)
    assert after.sentence == before.sentence
    first, second = (list(map(judged, each.suites["code_contests"].rows)) for each in (before, after))
    assert first == second


def test_it_resumes_to_its_end_without_force(run: Run, verb: Verb) -> None:
    recorded = run.read().versions
    now = {name: importlib.metadata.version(name) for name in TRAINING_PACKAGES if name in recorded}
    moved = [f"{name} {recorded[name]} -> {version}" for name, version in now.items() if version != recorded[name]]
    assert not moved, (
        f"The pins have moved since the folder was made ({', '.join(moved)}), so that resuming it rightly asks for "
        f"--force. Nothing is broken: write the new versions into {KEPT / run.name / 'run.json'}."
    )
    said = verb("train", "--resume", run.name)
    assert said.returncode == 0, said.stdout + said.stderr
    record = run.read()
    assert (record.status, record.step) == (Status.finished, 40)
    assert [event.step for event in of_kind(run.events, Train)] == list(range(1, 41))
    assert [event.step for event in of_kind(run.events, Validation)] == [0, 20, 40]
    assert record.best and record.best.step == 40 and record.best.eval_loss < 0.24
