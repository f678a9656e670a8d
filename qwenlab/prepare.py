"""Look at a data set as training will see it: what is dropped and why, what is left, what leaks.

    python -m qwenlab.prepare my.jsonl
    python -m qwenlab.prepare my.csv --columns user=question,assistant=solution --out clean.parquet
    python -m qwenlab.prepare --recipe recipes/default.toml --against problems.jsonl

Exit code 0: rows are left; 2: something that you can mend; 1: a bug.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.data import Dataset
    from qwenlab.data.preview import Preview
    from qwenlab.files import Record
    from qwenlab.recipe import Recipe

TOKENISED_ROWS = 20_000
"""Enough for lengths and shares; a training counts them all."""

ROLES = ("system", "user", "assistant", "messages")


def main(
    source: Annotated[
        str | None, typer.Argument(help="File, folder or hub data set (org/name). Without: the recipe's data.source.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=COLUMN,...", help="Override the detection: user=question,assistant=answer."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the clean rows here: .parquet or .jsonl.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the whole report here, as JSON.")] = None,
    preview: Annotated[
        Path | None, typer.Option(help="Write some rows here as the model sees them, as JSON: learned, cut, context.")
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
    settings = _settings(recipe, set_ or [], source, columns or [])
    _check_suffix(out)
    from rich.console import Console

    from qwenlab.data import load, overlap
    from qwenlab.data.read import read_texts
    from qwenlab.data.terminal import funnel

    problems = read_texts(against) if against else None
    dataset = load(settings.data, settings.train.seed)
    if problems is not None:
        dataset.report.against = overlap(dataset.rows, problems)
    seen = _count_tokens(dataset, settings)
    Console(highlight=False).print(funnel(dataset.report))
    if out:
        _write_rows(dataset, out)
    if report:
        _write_json(dataset.report, report)
    if preview and seen:
        _write_json(seen, preview)


def _settings(recipe: Path | None, overrides: list[str], source: str | None, columns: list[str]) -> "Recipe":
    from qwenlab.recipe import parse_recipe, read_recipe

    chosen = read_recipe(recipe, overrides) if recipe else parse_recipe("", overrides, where="--set")
    data: dict[str, object] = {"source": source} if source else {}
    if columns:
        data["columns"] = dict(_column(part.strip()) for option in columns for part in option.split(","))
    return chosen.with_values(data=data)


def _column(part: str) -> tuple[str, str]:
    role, _, column = part.partition("=")
    if role not in ROLES or not column:
        raise UserError(
            f"--columns {part}: this is not ROLE=COLUMN.",
            f"ROLE is one of {', '.join(ROLES)}: user=question,assistant=answer",
        )
    return role, column


def _count_tokens(dataset: "Dataset", settings: "Recipe") -> "Preview | None":
    """Add the training rows' lengths in tokens to the report, or a note that says why they are not there.

    Returns some of the rows as the model sees them, where there is a tokenizer.
    """
    from qwenlab.data.preview import preview
    from qwenlab.data.tokens import token_lengths, tokenize
    from qwenlab.training.engine import set_environment
    from qwenlab.training.source import find_model, load_tokenizer

    set_environment()
    report, rows, max_length = dataset.report, dataset.train, settings.data.max_length
    try:
        tokenizer = load_tokenizer(find_model(settings.model, weights=False))
    except UserError as error:
        report.notes.append(f"Tokens were not counted: {error.message}")
        return None
    if rows.height > TOKENISED_ROWS:
        rows = rows.sample(TOKENISED_ROWS, seed=settings.train.seed)
        report.notes.append(f"Tokens were counted in {TOKENISED_ROWS:,} of the rows, drawn by seed.")
    tokenized = tokenize(rows, tokenizer, max_length)
    report.tokens = token_lengths(tokenized, max_length)
    return preview(rows, tokenized.lengths, tokenizer, max_length)


def _check_suffix(out: Path | None) -> None:
    if out and out.suffix not in (".parquet", ".jsonl"):
        raise UserError(f"--out {out}: this is neither .parquet nor .jsonl.", "For instance: --out clean.parquet")


def _write_rows(dataset: "Dataset", out: Path) -> None:
    """One row a conversation: its `messages`, and the `split` that it is in."""
    import polars as pl

    from qwenlab.files import make_parent, replacing

    parts = {"train": dataset.train, "validation": dataset.validation}
    rows = pl.concat([part.select("messages", split=pl.lit(name)) for name, part in parts.items()])
    make_parent(out)
    with replacing(out) as temporary:
        if out.suffix == ".parquet":
            rows.write_parquet(temporary)
        else:
            rows.write_ndjson(temporary)


def _write_json(what: "Record", path: Path) -> None:
    from qwenlab.files import make_parent

    make_parent(path)
    what.write(path)


if __name__ == "__main__":
    cli.run(main, "qwenlab.prepare")
