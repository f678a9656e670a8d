"""Look at a data set as training will see it: what is dropped and why, what is left, what leaks.

    python -m qwenlab.prepare my.jsonl
    python -m qwenlab.prepare my.csv --columns user=question,assistant=solution --out clean.parquet
    python -m qwenlab.prepare --recipe recipes/default.toml --against problems.jsonl

Exit code 0: rows are left; 2: something that you can fix; 1: a bug.
"""

import re
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

ROLES = ("system", "user", "reasoning", "assistant", "messages")

PARTS = re.compile(rf",(?=\s*(?:{'|'.join(ROLES)})\s*=)")
"""Between two roles of an option; the name of a column may hold a comma."""


def main(
    source: Annotated[
        str | None, typer.Argument(help="File, folder or hub data set (org/name). Without: the recipe's data.source.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=COLUMN,...", help="Override the detection: user=question,reasoning=trace,assistant=answer."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the clean rows here: .parquet or .jsonl.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the whole report here, as JSON.")] = None,
    preview: Annotated[
        Path | None,
        typer.Option(help="Write some rows here as the model sees them, as JSON: in the loss, truncated, context."),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A recipe whose data settings are used.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting of the recipe.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Look for the texts of this file, such as evaluation problems, in the data.")
    ] = None,
) -> None:
    """Clean a data set as training would, and tell what is dropped, what is left and what leaks."""
    roles = dict(_column(part) for option in columns or [] for part in PARTS.split(option))
    from qwenlab.jobs import prepare as preparing

    settings = preparing.settings(recipe, set_ or [], source, roles)
    preparing.check_suffix(out)
    prepared = preparing.prepare(settings, against)
    preparing.show(prepared.report)
    if out:
        preparing.write_rows(prepared.dataset, out)
    if report:
        preparing.write_json(prepared.report, report)
    if preview and prepared.preview:
        preparing.write_json(prepared.preview, preview)


def _column(part: str) -> tuple[str, str]:
    role, _, column = (side.strip() for side in part.partition("="))
    if role not in ROLES or not column:
        raise UserError(
            f"--columns {part}: this is not ROLE=COLUMN.",
            f"ROLE is one of {', '.join(ROLES)}: user=question,assistant=answer",
        )
    return role, column


if __name__ == "__main__":
    from qwenlab.jobs import leave_torch_out

    leave_torch_out()
    cli.run(main, "python -m qwenlab.prepare")
