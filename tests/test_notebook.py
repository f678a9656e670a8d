"""The notebook of docs/notebooks runs from top to bottom, anywhere, and leaves nothing behind."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs" / "notebooks" / "first_run.ipynb"


@pytest.mark.slow
def test_the_first_run_notebook_runs_and_leaves_nothing(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient runs notebooks: pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "Mini contest: improved, " in printed or "not measured" in printed.lower()
    assert "my-model" not in [path.name for path in tmp_path.iterdir()] and not list(tmp_path.iterdir())
