"""Did the training help, did it forget? Base and tuned are asked the same, and the difference is weighed.

    python -m qwenlab.evaluate RUN
    python -m qwenlab.evaluate RUN --suite held_out,gsm8k,humaneval
    python -m qwenlab.evaluate RUN --problems problems.jsonl --limit 100
    python -m qwenlab.evaluate RUN --resume
    python -m qwenlab.evaluate RUN --endpoint http://127.0.0.1:8000/v1

Exit code 0: evaluated, whatever the outcome, or stopped as asked; 2: something that you can fix; 1: a bug.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, part of its name, or `last`.")],
    suite: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME=FILE,...", help="Instead of the recipe's suites; a file in place of one's own items."
        ),
    ] = None,
    problems: Annotated[
        str | None, typer.Option(help="Contest problems alone: a .jsonl or .parquet file, a hub data set, `tiny`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="How many items of each, drawn by seed; 0: all.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Answers an item and model, for pass@k.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting of the recipe.")
    ] = None,
    noise_floor: Annotated[
        bool, typer.Option("--noise-floor", help="Let the base answer twice: what flips between the two is noise.")
    ] = False,
    all_tests: Annotated[bool, typer.Option("--all-tests", help="Go on after a test that was not accepted.")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Generate answers to free text too: to read, and for `qwenlab prefer`.")
    ] = False,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Let an OpenAI-compatible server answer: http://127.0.0.1:8000/v1")
    ] = None,
    base_model: Annotated[str | None, typer.Option(help="What the server calls the base.")] = None,
    tuned_model: Annotated[str | None, typer.Option(help="What the server calls the tuned model.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the evaluation that was stopped or lost.")
    ] = False,
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Judge the newest evaluation's answers again, without new ones.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Compare base and tuned, suite by suite: answers judged, statistics told, a report written."""
    if suite and problems:
        raise UserError("--problems asks contest problems alone.", "Both: --suite NAME,code_contests=FILE")
    chosen = suite.split(",") if suite else ["code_contests"] if problems else None
    asked = {
        "suites": json.dumps([name.strip() for name in chosen]) if chosen else None,
        "problems": json.dumps(problems) if problems else None,
        "limit": limit,
        "max_items": limit,
        "samples": samples,
    }
    changed = [*(set_ or []), *(f"evaluate.{key}={value}" for key, value in asked.items() if value is not None)]
    going_on = resume or rejudge
    if going_on and (changed or endpoint or noise_floor or all_tests or answers):
        raise UserError("It goes on with the settings that it began with.", "Leave the other options out.")
    from qwenlab.jobs import evaluate as evaluating

    found = evaluating.find_run(runs, run)
    settings = evaluating.read_recipe(found.recipe_file, changed).evaluate

    if rejudge:
        evaluation = evaluating.newest(found)
    elif resume:
        evaluation = evaluating.unfinished(found)
    else:
        evaluation = evaluating.begin(
            found,
            settings,
            noise_floor=noise_floor,
            all_tests=all_tests,
            answers=answers,
            endpoint=endpoint,
            base_model=base_model,
            tuned_model=tuned_model,
        )
    with cli.terminated_as_interrupted():
        evaluating.evaluate(evaluation, found, runs, rejudge=rejudge)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.evaluate")
