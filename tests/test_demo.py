"""The demo on the real bundled model, with fewer steps and fewer problems."""

from pathlib import Path

import pytest

from qwenlab import demo
from qwenlab.recipe import RECIPES
from qwenlab.report.schema import Report
from qwenlab.runs import find_run
from qwenlab.runs.evaluation import newest


def test_the_demo_trains_evaluates_and_ends_with_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "tiny.toml"
    text = (RECIPES / "tiny.toml").read_text(encoding="utf-8").replace("[train]", "[train]\nmax_steps = 6")
    short.write_text(text.replace("limit = 200", "limit = 12"), encoding="utf-8")
    monkeypatch.setattr(demo, "find_recipe", lambda name: short)
    monkeypatch.setenv("COLUMNS", "160")
    demo.main(runs=tmp_path / "runs", problems=2)
    shown = capsys.readouterr().out
    run = find_run(tmp_path / "runs", "last")
    assert run.read().best
    report = Report.model_validate_json(newest(run).report_file.read_text(encoding="utf-8"))
    assert report.n == 12
    assert shown.rstrip().endswith(report.sentence)
    for row in report.problems[:2]:
        assert row.description.split()[0] in shown
    assert "def solve" in shown, "the base answers with a function"
