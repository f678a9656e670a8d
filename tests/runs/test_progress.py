"""How far an evaluation is: one share over answers and judging, which never goes back, and the time that is left."""

import time
from pathlib import Path

import pytest

from qwenlab.recipe import EvaluateSettings, Recipe
from qwenlab.runs import Evaluation, Run
from qwenlab.runs.evaluation import EvaluationRecord
from qwenlab.runs.output import Output
from qwenlab.runs.progress import PhaseProgress


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    return Evaluation.create(Run.create(tmp_path, Recipe(), "run"), EvaluateSettings())


def test_the_share_and_the_time_left_count_the_judging_too(evaluation: Evaluation, tmp_path: Path) -> None:
    with Output(tmp_path / "log.txt") as output:
        with PhaseProgress(evaluation, output, "generating", 10, 0, after_s=1000.0) as following:
            assert evaluation.read().eta_s is None
            time.sleep(0.02)
            following.reach(10)
            half = evaluation.read()
            assert half.share is not None and half.share < 0.01  # a moment, beside 1,000 s of judging
            assert half.eta_s == pytest.approx(1000.0, abs=1)
        with PhaseProgress(evaluation, output, "judging", 4, 0, before_s=1000.0, expected_s=1000.0) as following:
            begun = evaluation.read()
            assert begun.share == pytest.approx(0.5, abs=0.01) and begun.eta_s == pytest.approx(1000.0)
            following.reach(0)
            assert evaluation.read().eta_s == pytest.approx(1000.0)  # known before the first is done
            time.sleep(0.02)
            following.reach(1)
            assert evaluation.read().eta_s == pytest.approx(0.75 * 0.75 * 1000, rel=0.02)  # a first pace is no pace
            following.reach(4)
    assert (evaluation.read().share, evaluation.read().eta_s) == (1.0, 0.0)


def test_the_share_never_goes_back(evaluation: Evaluation, tmp_path: Path) -> None:
    shares = []
    with (
        Output(tmp_path / "log.txt") as output,
        PhaseProgress(evaluation, output, "judging", 10, 0, before_s=0.3, expected_s=0.01) as following,
    ):
        shares.append(evaluation.read().share)
        for done in range(1, 11):
            time.sleep(0.02)
            following.reach(done)
            shares.append(evaluation.read().share)
    assert shares == sorted(shares, key=lambda share: share or 0.0) and shares[0] and shares[-1] == 1.0


def test_a_record_from_before_the_share_is_read() -> None:
    old = EvaluationRecord.model_validate(
        {"created": "2026-01-01T00:00:00Z", "settings": {}, "phase": "judging", "done": 3, "total": 4, "eta_s": 2.0}
    )
    assert old.share is None and old.eta_s == 2.0
