"""The demo on the real bundled model, with fewer steps."""

from pathlib import Path

import pytest

from qwenlab import demo
from qwenlab.runs import find_run
from qwenlab.tiny import problems


def test_the_demo_trains_and_shows_both_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "tiny.toml"
    text = demo.RECIPE.read_text(encoding="utf-8").replace("[train]", "[train]\nmax_steps = 6")
    short.write_text(text.replace("eval_steps = 50", "eval_steps = 3"), encoding="utf-8")
    monkeypatch.setattr(demo, "RECIPE", short)
    monkeypatch.setenv("COLUMNS", "160")
    demo.main(runs=tmp_path / "runs", problems=2)
    shown = capsys.readouterr().out
    run = find_run(tmp_path / "runs", "last")
    record = run.read()
    assert record.best and record.base_eval_loss
    assert f"Validation loss before {record.base_eval_loss:.4f}, after {record.best.eval_loss:.4f}" in shown
    for problem in problems("test", 2, demo.SEED):
        assert problem.description.split()[0] in shown
    assert "def solve" in shown, "the base answers with a function"
