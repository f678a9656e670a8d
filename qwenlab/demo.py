"""The whole job on the bundled tiny Qwen, on any CPU: fine-tune it, and find out whether it helped.

python -m qwenlab.demo
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.box import HORIZONTALS
from rich.console import Console, Group
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from qwenlab import cli
from qwenlab.errors import UserError
from qwenlab.recipe import find_recipe, shown_path
from qwenlab.report.schema import SuiteReport, read_report
from qwenlab.runs import find_run
from qwenlab.runs.evaluation import newest

CONTEST = "tiny"
"""The suite whose problems are shown."""


def main(
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    problems: Annotated[int, typer.Option(min=1, max=50, help="Held-out problems to show.")] = 3,
) -> None:
    """Fine-tune the bundled tiny Qwen on its mini contest, then let base and tuned solve problems held out of it."""
    _run("train", str(shown_path(find_recipe(Path("tiny")))), runs)
    run = find_run(runs, "last")
    _run("evaluate", run.name, runs)
    evaluation = newest(run)
    report = read_report(evaluation.report_file)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(report.suites[CONTEST], problems))
    console.print(f"The adapter is in {run.adapter}, the whole report in {evaluation.page_file}", markup=False)
    for suite in report.suites.values():
        console.print(suite.sentence, style="bold", markup=False)


def _run(verb: str, what: str, runs: Path) -> None:
    command = ["-m", f"qwenlab.{verb}", what, "--runs", str(runs)]
    typer.echo(f"python {' '.join(command)}")
    if subprocess.run([sys.executable, *command], check=False).returncode:
        raise UserError(f"python -m qwenlab.{verb} did not finish; what it said stands above.")


def _table(contest: SuiteReport, count: int) -> Table:
    """The first problems of the contest, whatever became of them."""
    table = Table("held-out problem", "base", "tuned", box=HORIZONTALS, show_lines=True, expand=True)
    for row in sorted(contest.rows, key=lambda row: row.name)[:count]:
        programs = [
            Group(
                Syntax(attempt.found.strip(), "python", theme="ansi_dark", background_color="default", word_wrap=True),
                Text(attempt.shown, style="bold"),
            )
            for attempt in (row.base[0], row.tuned[0])
        ]
        table.add_row(Text(row.question), *programs)
    return table


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.demo")
