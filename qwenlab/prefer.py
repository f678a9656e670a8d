"""Ask a judge model which answers it prefers, base or tuned, beside your own blind votes: an opinion, no measurement.

    python -m qwenlab.prefer RUN --judge http://127.0.0.1:8000/v1
    python -m qwenlab.prefer RUN --judge https://api.openai.com/v1 --judge-model NAME --limit 50

The judge sees the answers of the run's newest evaluation and the pairs of your blind votes, each in both orders. The
key of a server that wants one is taken from OPENAI_API_KEY. What was said is kept: the same command goes on where it
was cut short.

Exit code 0: asked, whatever the answer; 2: something that you can fix, such as a server that is not up; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, part of its name, or `last`.")],
    judge: Annotated[
        str, typer.Option(metavar="URL", help="The judge's OpenAI-compatible server: http://127.0.0.1:8000/v1")
    ],
    judge_model: Annotated[
        str | None, typer.Option(help="What the server calls the judge; not needed where it has one model.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Judge this suite's answers; else those in free text, which nothing else scores.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Pairs of each suite, two requests each; 0: all.")] = 0,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Ask a judge model which answers it prefers, beside your own blind votes."""
    from qwenlab.jobs import prefer as preferring

    preferring.prefer(preferring.find_run(runs, run), judge, judge_model, suite=suite, limit=limit)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.prefer")
