"""Talk to a run and its base side by side: the same prompt, the same seed, the adapter on and off.

    python -m qwenlab.compare RUN --prompt "Read two integers and print their sum."
    python -m qwenlab.compare RUN --held-out 10 --blind
    python -m qwenlab.compare RUN --problems tiny --run-code
    python -m qwenlab.compare RUN --prompts prompts.txt --endpoint http://127.0.0.1:8000/v1

Every comparison is kept in the folder of the first run, where the browser shows it too.

Exit code 0: compared, or stopped with Ctrl-C; 2: something that you can fix; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError


def main(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, parts of their names, or `last`.")],
    prompt: Annotated[str | None, typer.Option(help="What both are asked.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="A prompt a line, or a .jsonl file with `prompt` or `messages` in each line.")
    ] = None,
    held_out: Annotated[
        int | None, typer.Option(min=1, help="Ask so many rows that were held out of the run's training.")
    ] = None,
    problems: Annotated[
        str | None, typer.Option(help="Contest problems: a .jsonl or .parquet file, a hub data set, or `tiny`.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Problems, drawn by the seed; 0: all.")] = 5,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run the programs on their problem's tests, in the sandbox.")
    ] = False,
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide whose answer is whose until you have said which is better.")
    ] = False,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer; else the recipe's.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="0: greedy; else the recipe's.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the samples and the blind order; else the recipe's.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Let an OpenAI-compatible server answer: http://127.0.0.1:8000/v1")
    ] = None,
    base_model: Annotated[str, typer.Option(help="What the server calls the base.")] = "base",
    tuned_model: Annotated[
        str | None, typer.Option(help="What the server calls the tuned model; else the run's name.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Compare the answers of runs and their base, side by side."""
    from qwenlab.jobs import compare as comparing

    found = comparing.named([comparing.find_run(runs, name) for name in run])
    if blind and len(found) > 1:
        raise UserError("Blind comparisons are between two: a run and its base.", "Name one run.")
    if run_code and not problems:
        raise UserError("--run-code needs problems with tests.", "Add --problems FILE, or --problems tiny.")
    if endpoint and tuned_model and len(found) > 1:
        raise UserError("--tuned-model names one model, and there are several runs.", "Name one run.")
    if len([choice for choice in (prompt, prompts, held_out, problems) if choice is not None]) != 1:
        raise UserError("No prompt was given.", "One of --prompt, --prompts, --held-out and --problems.")
    recipe = next(iter(found.values())).recipe
    comparing.compare(
        found,
        comparing.questions(recipe, prompt, prompts, held_out, problems, limit),
        comparing.sampling(recipe, max_tokens, temperature, seed),
        runs=runs,
        run_code=run_code,
        blind=blind,
        served=(endpoint, {"base": [base_model]} | {name: [tuned_model or name] for name in found})
        if endpoint
        else None,
    )


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.compare")
