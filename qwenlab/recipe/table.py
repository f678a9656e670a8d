"""The table of all settings in docs/recipe.md: `python -m qwenlab.recipe.table` writes it, in a clone."""

from pathlib import Path

from qwenlab.recipe.faults import shown
from qwenlab.recipe.settings import fields


def markdown_table() -> str:
    """The table of all settings, for docs/recipe.md."""
    rows = [
        f"| `{s}.{k}` | `{shown(f.get_default(call_default_factory=True))}` | {f.description} |" for s, k, f in fields()
    ]
    return "\n".join(["| setting | default | what it does |", "|---|---|---|", *rows])


def _update_document(file: Path) -> None:
    """Put the table of all settings into the file, in place of the one that is there."""
    before, _, rest = file.read_text(encoding="utf-8").partition("| setting |")
    after = rest.partition("\n\n")[2]
    file.write_text(f"{before}{markdown_table()}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    _update_document(Path(__file__).parents[2] / "docs" / "recipe.md")
