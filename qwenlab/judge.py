"""Score programs that exist already: every one is run on its problem's tests, in a sandbox that proved itself.

    python -m qwenlab.judge --problems problems.jsonl --solutions solutions.jsonl --report report.json
    python -m qwenlab.judge --self-check

Exit code 0: judged, whatever the verdicts, or fit to judge; 2: something that you can fix, such as a machine without a
sandbox; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError


def main(
    problems: Annotated[Path | None, typer.Option(help="Problems with their tests: a .jsonl file.")] = None,
    solutions: Annotated[Path | None, typer.Option(help='Programs: lines of {"name", "solution"}.')] = None,
    report: Annotated[Path | None, typer.Option(help="Write all results here, as JSON.")] = None,
    all_tests: Annotated[bool, typer.Option("--all-tests", help="Go on after a test that was not accepted.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Judge only the first programs.")] = None,
    self_check: Annotated[bool, typer.Option("--self-check", help="Only tell whether this machine can judge.")] = False,
) -> None:
    """Judge programs by running them on every test of their problems, contained."""
    from qwenlab.jobs import judge as judging

    if self_check:
        judging.show_self_check()
        return
    if problems is None or solutions is None:
        raise UserError("Both --problems and --solutions are needed.", "Or --self-check, which needs neither.")
    judging.judge(problems, solutions, report, all_tests=all_tests, limit=limit)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.judge")
