"""The house as docs/architecture.md draws it: imports run downward, inside functions too, and torch has few doors."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from qwenlab.cli import verbs

PACKAGE = Path(__file__).parent.parent / "qwenlab"
VERBS = set(verbs())

LAYERS = (
    {"credentials", "errors", "tags", "text", "tiny"},
    {"files", "hub", "nvidia", "recipe", "stats", "web"},
    {"runs"},
    {"answering", "data"},
    {"evaluation"},
    {"report"},
    {"comparison"},
    {"training"},
    {"inference"},
    {"api", "exporting"},
    {"jobs"},
    {"library", "loaded", "cli", "ui"},
    VERBS,
    {"__main__"},
)
"""From the ground up: a room imports from those below it alone, not from its neighbours, inside functions neither."""

HEAVY = {"torch", "transformers", "trl", "peft", "unsloth", "datasets", "accelerate", "polars"}
NEEDS_TORCH = {"training", "inference", "exporting", "api"}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    """Modules that the file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "qwenlab":
            names.update(f"qwenlab.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def _imported_rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in _imported(path) if name.startswith("qwenlab.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    room = _room(path)
    level = next(number for number, rooms in enumerate(LAYERS) if room in rooms)
    assert _imported_rooms(path) - {room, "__version__"} <= set().union(*LAYERS[:level])


def test_what_is_shipped_needs_nothing_that_is_not() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not {name.split(".")[0] for name in _imported(path)} & {"tools", "bench", "tests"}


@pytest.mark.parametrize("room", ["ui"])
def test_the_browser_has_no_way_to_torch(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        assert not _imported_rooms(path) & NEEDS_TORCH


@pytest.mark.parametrize("name", ["recipe", "cli", "runs", "evaluation", "report", "answering", "tiny", *sorted(VERBS)])
def test_light_rooms_leave_heavy_libraries_alone(name: str) -> None:
    code = f"import sys, qwenlab.{name}; print(*({HEAVY!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


@pytest.mark.parametrize("name", ["data", "comparison", "ui"])
def test_these_rooms_leave_torch_alone(name: str) -> None:
    code = f"import sys, qwenlab.{name}; print(*({HEAVY - {'polars'}!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
