"""What libraries read from the environment as they are imported is there before them."""

import os
import platform
import subprocess
import sys

import pytest

from qwenlab.training.engine import set_environment

ALLOCATOR = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, and what is set meanwhile is gone afterwards."""
    monkeypatch.setattr(os, "environ", {})


def test_the_allocator_is_told_to_grow_its_segments() -> None:
    set_environment()
    assert os.environ["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"


@pytest.mark.parametrize("name", ALLOCATOR)
def test_what_the_user_has_set_stays(name: str) -> None:
    os.environ[name] = "max_split_size_mb:128"
    set_environment()
    assert {key: os.environ.get(key) for key in ALLOCATOR} == dict.fromkeys(ALLOCATOR) | {name: "max_split_size_mb:128"}


def test_windows_subsystem_cannot_grow_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: "6.6.87.2-microsoft-standard-WSL2")
    set_environment()
    assert "PYTORCH_ALLOC_CONF" not in os.environ


def test_unsloth_s_loss_has_a_fixed_share_of_memory() -> None:
    set_environment()
    assert os.environ["UNSLOTH_CE_LOSS_TARGET_GB"] == "1"


def test_all_of_it_is_there_before_torch_is() -> None:
    code = """
import os, sys
from qwenlab.training import engine
set_environment = engine.set_environment
def watched():
    print("torch" in sys.modules)
    set_environment()
engine.set_environment = watched
from qwenlab.recipe import ModelSettings
engine.choose_engine(ModelSettings())
print("torch" in sys.modules, os.environ["PYTORCH_ALLOC_CONF"])
"""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "True", "expandable_segments:True"]
