"""What of this machine the self-check tries to read, wherever it lies."""

from pathlib import Path

import pytest

from qwenlab.evaluation.programs.sandbox.interpreter import Interpreter
from qwenlab.evaluation.programs.selfcheck.private import FILES, private_paths
from qwenlab.tiny import TEST_FILE


@pytest.fixture
def python(tmp_path: Path) -> Interpreter:
    """One with numpy and a library of two files."""
    library = tmp_path / "python/lib"
    for name in ("os.py", "json/decoder.py", "site-packages/numpy/core.py", "site-packages/other/secret.py"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    packages = library / "site-packages"
    return Interpreter(
        "/usr/bin/python3", "3.12.4", str(library), packages=(str(packages),), numpy=(str(packages / "numpy"),)
    )


def test_a_file_and_a_folder_with_what_lies_in_it(tmp_path: Path, python: Interpreter) -> None:
    problems, runs = tmp_path / "problems.jsonl", tmp_path / "runs"
    problems.touch()
    (runs / "first").mkdir(parents=True)
    (runs / "first/run.json").touch()
    found = private_paths([problems, runs, tmp_path / "missing"], python)
    assert found[:3] == [str(problems), str(runs), str(runs / "first/run.json")]


def test_the_package_and_the_working_folder_always(
    tmp_path: Path, python: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    fetched = tmp_path / "hub"
    (fetched / "models").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(fetched))
    found = private_paths([], python)
    assert {str(TEST_FILE), str(TEST_FILE.parent.parent), str(home), str(fetched)} <= set(found)


def test_what_leads_to_the_interpreter_may_be_listed_and_the_rest_of_it_not_read(
    tmp_path: Path, python: Interpreter
) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "python/lib/site-packages/other").chmod(0o755)
    found = private_paths([tmp_path], python)
    assert str(tmp_path) not in found
    assert str(tmp_path / "notes.txt") in found
    assert not any("python/lib" in path for path in found)


def test_a_package_in_the_interpreter_s_own_folder_is_not_read(python: Interpreter) -> None:
    """Its name may be known."""
    other = Path(python.packages[0]) / "other"
    found = private_paths([other], python)
    assert str(other) not in found
    assert found[0] == str(other / "secret.py")


def test_of_a_large_folder_some_files_are_tried(tmp_path: Path, python: Interpreter) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3 * FILES):
        (folder / str(number)).touch()
    assert sum(path.startswith(str(folder)) for path in private_paths([folder], python)) == FILES + 1
