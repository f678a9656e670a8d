"""What Triton would not find is told beforehand, with the command that installs it."""

import sysconfig
from pathlib import Path

import pytest

from qwenlab.training.toolchain import Missing, missing_for_triton


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: an empty folder is the PATH and holds the headers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    paths = sysconfig.get_paths() | {"include": str(tmp_path)}
    monkeypatch.setattr(sysconfig, "get_paths", lambda *_: paths)
    return tmp_path


def add(machine: Path, *names: str) -> None:
    for name in names:
        (machine / name).touch(0o755)


def test_a_compiler_is_missing(machine: Path) -> None:
    add(machine, "Python.h", "cc")  # Triton does not look for cc
    missing = missing_for_triton()
    assert missing == Missing("Triton finds no C compiler (gcc or clang)", "sudo apt install build-essential")


def test_the_headers_are_missing(machine: Path) -> None:
    add(machine, "gcc")
    missing = missing_for_triton()
    assert missing and "Python.h" in missing.what
    assert missing.command.startswith("sudo apt install python3.") and missing.command.endswith("-dev")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_with_both_nothing_is_missing(machine: Path, compiler: str) -> None:
    add(machine, "Python.h", compiler)
    assert missing_for_triton() is None


def test_a_compiler_of_the_user_s_own_is_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(machine, "Python.h")
    monkeypatch.setenv("CC", "/opt/cc")
    assert missing_for_triton() is None


def test_debian_s_headers_are_where_triton_looks(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"posix_local": "/usr/local/include", "posix_prefix": str(machine)}
    monkeypatch.setattr(sysconfig, "get_default_scheme", lambda: "posix_local")
    monkeypatch.setattr(sysconfig, "get_paths", lambda scheme: {"include": folders[scheme]})
    add(machine, "Python.h", "gcc")
    assert missing_for_triton() is None
