"""The house as docs/architecture.md draws it: imports run downward, and torch stays behind one door."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "qwenlab"
VERBS = {"train", "prepare", "demo", "judge", "evaluate", "compare", "serve", "export"}

# Room -> what it may import at module level, besides itself.
ALLOWED = {
    "errors": set(),
    "recipe": {"errors"},
    "nvidia": set(),
    "cli": {"errors"},
    "endpoint": {"errors"},
    "contest": {"endpoint", "errors", "recipe"},
    "tiny": {"contest", "errors"},
    "data": {"recipe", "errors"},
    "runs": {"recipe", "errors"},
    "ui": {"columns", "runs", "data", "contest", "tiny", "endpoint", "nvidia", "recipe", "errors"},
    "columns": {"data", "runs", "contest", "tiny", "endpoint", "recipe", "errors"},
    "model": {"columns", "data", "runs", "contest", "tiny", "nvidia", "recipe", "errors"},
    "api": {"model", "errors"},
} | {verb: {"cli", "recipe", "errors"} for verb in VERBS}

HEAVY = {"torch", "transformers", "trl", "peft", "unsloth", "datasets", "accelerate", "polars"}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _module_level_imports(path: Path) -> set[str]:
    """Modules imported when this file is: not inside functions, and not for type checkers alone."""
    found: set[str] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found.update(names if node.module == "qwenlab" else {node.module})
            elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
                visit(node.body + node.orelse)
            elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
                visit(node.body)

    visit(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    room = _room(path)
    rooms = {name.split(".")[1] for name in _module_level_imports(path) if name.startswith("qwenlab.")}
    assert rooms - {room, "__version__"} <= ALLOWED[room]


@pytest.mark.parametrize("name", ["recipe", "cli", "train", "prepare", "demo", "judge", "runs", "contest", "tiny"])
def test_light_rooms_leave_heavy_libraries_alone(name: str) -> None:
    code = f"import sys, qwenlab.{name}; print(*({HEAVY!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


@pytest.mark.parametrize("name", ["data", "ui"])
def test_these_rooms_leave_torch_alone(name: str) -> None:
    code = f"import sys, qwenlab.{name}; print(*({HEAVY - {'polars'}!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
