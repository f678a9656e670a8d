"""Runs that answer from one model in memory, whatever engine trained them."""

import subprocess
import sys
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.inference.load import load_runs
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.shared_base import shared_base
from qwenlab.training.engine import Engine
from tests.models.adapters import random_run

CODE = """
import sys
from pathlib import Path
from qwenlab.inference.runs import local_answerer
from qwenlab.runs import find_run
assert "torch" not in sys.modules
run = find_run(Path(sys.argv[1]), "one")
run.write_recipe(run.recipe.with_values(model={"engine": "unsloth"}))
with local_answerer(Path(sys.argv[1]), {"one": run}, "test", print) as answerer:
    print(answerer.names, "unsloth" in sys.modules)
"""


@pytest.fixture(scope="module")
def run(qwen: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe().with_values(model={"name": str(qwen), "engine": "transformers"})
    return random_run(tmp_path_factory.mktemp("runs"), recipe, engine, "one", seed=0)


def test_unsloth_is_left_out_where_it_trained(run: Run) -> None:
    command = [sys.executable, "-c", CODE, str(run.folder.parent)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "['base', 'one'] False"


def test_a_base_that_has_changed_is_refused(run: Run) -> None:
    settings, record = shared_base({"one": run})
    with pytest.raises(UserError, match=f"holds other weights than those that {run.name} was trained on"):
        load_runs({"one": run}, settings, record.model_copy(update={"sha256": "0" * 64}))
