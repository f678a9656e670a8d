"""The page as a whole: it can be built, the strip tells who is at work, the app refuses what it cannot do."""

import subprocess
import sys
from pathlib import Path

import pytest

from qwenlab.report.charts import Line, line_chart
from qwenlab.runs import Status, gpu_lock
from qwenlab.ui import build
from qwenlab.ui.choices import RECIPE_FOLDER, first_recipe, recipe_choices
from qwenlab.ui.components import lab, text
from qwenlab.ui.status_bar import has_gpu, machine, show, stop_button
from qwenlab.ui.tabs.train import edited, picked, started
from tests.conftest import ROOT
from tests.ui.made import built, made_run


def test_the_page_is_built_over_an_empty_folder_and_over_runs(tmp_path: Path) -> None:
    built(lambda: build(tmp_path / "none"))
    made_run(tmp_path)
    page = built(lambda: build(tmp_path))
    labels = {block.label for block in page.blocks.values() if hasattr(block, "label")}
    assert {"Data", "Train", "Compare", "Result", "Runs"} <= labels
    handlers = [function.fn for function in page.fns.values() if function.fn]
    assert handlers and all(hasattr(handler, "__wrapped__") for handler in handlers), "each tells what fails outside"


def test_the_strip_says_what_the_machine_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line, status = show(tmp_path)
    assert "idle" in line and not stop_button(status).visible
    run = made_run(tmp_path, status=Status.running)
    with run.locked(), gpu_lock(tmp_path, run.name):
        line, status = show(tmp_path)
        assert "50 %" in line and run.name in line
        assert stop_button(status).visible and stop_button(status).interactive
        run.update(status=Status.stopping)
        assert not stop_button(show(tmp_path)[1]).interactive
    with gpu_lock(tmp_path, "compare"):
        assert ("the GPU is with compare" if has_gpu() else "at work: compare") in show(tmp_path)[0]


def test_without_a_card_the_tiny_recipe_comes_first(tmp_path: Path) -> None:
    if machine().startswith("No GPU"):
        assert first_recipe().endswith("tiny.toml")
    run = made_run(tmp_path)
    assert (f"as {run.name}", str(run.recipe_file)) in recipe_choices(tmp_path)


def test_picking_a_recipe_fills_the_form_and_tells_its_command(tmp_path: Path) -> None:
    recipe = str(RECIPE_FOLDER / "tiny.toml")
    *values, wrong, command, toml, download, plan, _, _, _ = picked(tmp_path, recipe)
    assert wrong == "" and command == f"python -m qwenlab.train {recipe} --runs {tmp_path}"
    assert 'name = "tiny"' in toml and "recipe.toml" in download and "Before it starts" in plan
    assert edited(tmp_path, recipe, *values)[1] == command
    assert "There is no recipe at gone.toml" in picked(tmp_path, "gone.toml")[len(values)]
    assert "There is no recipe at gone.toml" in started(tmp_path, "gone.toml", *values)[0]


@pytest.mark.parametrize(("arguments", "said"), [(["--auth", "me"], "USER:PASSWORD"), (["--port", "99999"], "65535")])
def test_the_app_refuses_in_a_sentence(arguments: list[str], said: str) -> None:
    command = [sys.executable, "app.py", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 2 and said in result.stderr and "Traceback" not in result.stderr


def test_texts_are_neither_markup_nor_templates() -> None:
    said = text("<script>alert(1)</script> ${alert(2)} {{x}} `y` \"q\" 'p' &amp;")
    assert not set("<>${}`\"'") & set(said)
    assert "&amp;amp;" in said
    assert not set("${}`") & set(lab(line_chart("", [Line("${x}{{y}}`", [(1, 1)], "slate")], x_name="")))
