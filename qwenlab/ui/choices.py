"""What can be chosen: recipes and runs, as they lie on the disk at this moment."""

from pathlib import Path

from qwenlab.runs import list_runs

RECIPES = Path(__file__).parent.parent.parent / "recipes"


def run_choices(runs: Path) -> list[tuple[str, str]]:
    """Runs as (shown, name), newest first."""
    return [(run.name, run.name) for run in reversed(list_runs(runs))]
