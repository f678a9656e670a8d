"""The demo on the real bundled model, with fewer steps and fewer problems."""

from pathlib import Path

import pytest

from qwenlab import demo
from qwenlab.recipe import RECIPES
from qwenlab.report.schema import read_report
from qwenlab.runs import find_run
from qwenlab.runs.evaluation import newest


def test_the_demo_trains_evaluates_and_ends_with_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "tiny.toml"
    text = (RECIPES / "tiny.toml").read_text(encoding="utf-8").replace("[train]", "[train]\nmax_steps = 6")
    short.write_text(text.replace("max_items = 200", "max_items = 12"), encoding="utf-8")
    monkeypatch.setattr(demo, "find_recipe", lambda name: short)
    monkeypatch.setenv("COLUMNS", "160")
    demo.main(runs=tmp_path / "runs", problems=2)
    shown = capsys.readouterr().out
    run = find_run(tmp_path / "runs", "last")
    assert run.read().best
    report = read_report(newest(run).report_file)
    assert {name: suite.n for name, suite in report.suites.items()} == {"tiny": 12, "tiny_functions": 12}
    assert shown.rstrip().endswith("\n".join(suite.sentence for suite in report.suites.values()))
    for row in report.suites["tiny"].rows[:2]:
        assert row.question.split()[0] in shown
    assert "def solve" in shown, "the base answers with a function"
