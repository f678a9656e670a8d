"""What every test gets: no network but this machine, no hub, a folder with recipes to run from."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
GUARD = Path(__file__).parent / "guard"

# For the processes that tests start, and for this one.
os.environ["PYTHONPATH"] = os.pathsep.join([str(GUARD), str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as qwenlab sets it; here torch may be imported before
sys.path.insert(0, str(ROOT))
_spec = importlib.util.spec_from_file_location("guard", GUARD / "sitecustomize.py")
assert _spec and _spec.loader
_spec.loader.exec_module(importlib.util.module_from_spec(_spec))

pytest_plugins = ["tests.models.random_rows", "tests.chromium"]

# How long a test takes says nothing of what it tests.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=10)
hypothesis.settings.load_profile("untimed")

Verb = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verb(tmp_path: Path) -> Verb:
    """Run `python -m qwenlab.{name} arguments...` as a user would, from an empty folder."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", f"qwenlab.{name}", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    return run


INTEGRATION = (
    "answering", "bench", "evaluation/answers/test_grade.py", "evaluation/answers/test_mathematics.py",
    "evaluation/preference/test_opinions.py", "evaluation/programs/sandbox", "evaluation/programs/test_codecontests.py",
    "evaluation/programs/test_syntax.py", "exporting", "inference", "tools", "training", "ui", "data/test_hub.py",
    "runs/test_gpu_queue.py", "runs/test_launch.py", "test_compare.py", "test_demo.py", "test_evaluate.py",
    "test_evaluate_suites.py", "faults",
    "test_export.py", "test_first_edition.py", "test_hub.py", "test_judge.py", "test_library.py", "test_network.py",
    "test_drift.py", "test_notebook.py", "test_prefer.py", "test_prepare.py", "test_serve.py",
    "test_serve_thinking.py", "test_train.py",
    "test_train_processes.py", "test_weigh.py",
)  # fmt: skip
"""Where tests load a model, run programs, start processes or open the page."""


PLACES = {Path(__file__).parent / place for place in INTEGRATION}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is left out as a whole need not be imported: torch alone takes seconds."""
    return True if "not integration" in config.option.markexpr and collection_path in PLACES else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if PLACES & {item.path, *item.path.parents}:
            item.add_marker(pytest.mark.integration)
