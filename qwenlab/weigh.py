"""Weigh any two files of per-item results: lm-eval's samples, Inspect's logs, reports of ours, or columns of a table.

    python -m qwenlab.weigh base.jsonl tuned.jsonl
    python -m qwenlab.weigh samples_base.jsonl samples_tuned.jsonl --score exact_match,strict-match
    python -m qwenlab.weigh answers.csv --base-column base_right --tuned-column tuned_right

Exit code 0: weighed, whatever the answer; 2: something that you can fix, such as files of two tasks; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli


def main(
    base: Annotated[Path, typer.Argument(help="Results of the base: .jsonl, .json, .eval, .csv, .parquet, ...")],
    tuned: Annotated[
        Path | None, typer.Argument(help="Results of the tuned model on the same items. Without: both are in one file.")
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="Which score of both files: lm-eval's METRIC,FILTER, a scorer, a column.")
    ] = None,
    base_column: Annotated[str | None, typer.Option(help="The base's score, where the two have other names.")] = None,
    tuned_column: Annotated[str | None, typer.Option(help="The tuned model's score.")] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The column of a table that names the items.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write everything here, as JSON.")] = None,
) -> None:
    """Say whether the tuned model is better than the base on the same items, by paired statistics."""
    from qwenlab.jobs import weigh as weighing

    result = weighing.weigh(base, tuned, score=score, base_column=base_column, tuned_column=tuned_column, id_column=id_)
    weighing.show(result)
    if report:
        weighing.write(result, report)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.weigh")
