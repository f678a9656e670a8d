"""Talk to a run and its base side by side: the same prompt, the same seed, the adapter on and off.

    python -m qwenlab.compare RUN --prompt "Read two integers and print their sum."
    python -m qwenlab.compare RUN --held-out 10 --blind
    python -m qwenlab.compare RUN --problems tiny --run-code
    python -m qwenlab.compare RUN --prompts prompts.txt --endpoint http://127.0.0.1:8000/v1

Every comparison is kept in the folder of the first run, where the browser shows it too.

Exit code 0: compared, or stopped with Ctrl-C; 2: something that you can mend; 1: a bug.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.answering.answerer import Answerer, How
    from qwenlab.comparison.questions import Question
    from qwenlab.comparison.screen import Screen
    from qwenlab.comparison.verdicts import Judge
    from qwenlab.recipe import Recipe
    from qwenlab.runs import Run


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
    from rich.console import Console

    from qwenlab.answering.answerer import How
    from qwenlab.comparison.screen import Screen
    from qwenlab.runs import find_run
    from qwenlab.runs.shared_base import named

    found = named([find_run(runs, name) for name in run])
    recipe = next(iter(found.values())).recipe
    if blind and len(found) > 1:
        raise UserError("Blind comparisons are between two: a run and its base.", "Name one run.")
    if run_code and not problems:
        raise UserError("--run-code needs problems with tests.", "Add --problems FILE, or --problems tiny.")
    if endpoint and tuned_model and len(found) > 1:
        raise UserError("--tuned-model names one model, and there are several runs.", "Name one run.")
    questions = _questions(recipe, prompt, prompts, held_out, problems, limit)
    settings = recipe.evaluate
    how = How(
        max_tokens=max_tokens or settings.max_new_tokens,
        temperature=settings.temperature if temperature is None else temperature,
        seed=settings.seed if seed is None else seed,
    )
    screen = Screen(Console(highlight=False))
    try:
        with contextlib.ExitStack() as stack:
            judge = stack.enter_context(_judge()) if run_code else None
            if endpoint:
                served = {"base": base_model} | {name: tuned_model or name for name in found}
                answerer = stack.enter_context(_remote(endpoint, served))
            else:
                answerer = stack.enter_context(_in_memory(runs, found, screen))
            _compare(screen, next(iter(found.values())), answerer, questions, how, judge, blind)
    except (KeyboardInterrupt, EOFError):
        screen.console.print("\nstopped")
    if blind:
        from qwenlab.comparison.choice import tally_sentence

        [(name, only)] = found.items()
        screen.console.print(tally_sentence(only, name, "base"), style="bold", markup=False)


def _questions(
    recipe: "Recipe",
    prompt: str | None,
    prompts: Path | None,
    held_out: int | None,
    problems: str | None,
    limit: int,
) -> list["Question"]:
    from qwenlab.comparison.questions import from_file, from_held_out, from_problems, from_prompt

    given = [choice for choice in (prompt, prompts, held_out, problems) if choice is not None]
    if len(given) != 1:
        raise UserError("What shall they be asked?", "One of --prompt, --prompts, --held-out and --problems.")
    if prompt is not None:
        return [from_prompt(prompt, recipe)]
    if prompts is not None:
        return from_file(prompts, recipe)
    return from_held_out(recipe, held_out) if held_out else from_problems(problems or "", limit, recipe)


def _compare(
    screen: "Screen",
    run: "Run",
    answerer: "Answerer",
    questions: list["Question"],
    how: "How",
    judge: "Judge | None",
    blind: bool,
) -> None:
    """Ask, show, keep; one question at a time where somebody watches."""
    from qwenlab.comparison.choice import ask_which, shuffled
    from qwenlab.comparison.screen import AT_ONCE
    from qwenlab.runs.comparisons import Comparison, keep, now

    size = 1 if blind or screen.console.is_terminal else AT_ONCE
    for first in range(0, len(questions), size):
        batch = questions[first : first + size]
        order = shuffled(how.seed, first) if blind else list(range(len(answerer.names)))
        if size == 1:
            screen.show_question(batch[0])
        for question, columns in zip(batch, screen.ask(answerer, batch, how, order, blind), strict=True):
            if size > 1:
                screen.show_question(question)
            if judge and question.problem:
                columns = judge(question.problem, columns)
            comparison = Comparison(
                created=now(),
                messages=question.messages,
                **how._asdict(),
                problem=question.problem.name if question.problem else None,
                columns=tuple(columns[number] for number in order),
                blind=blind,
            )
            keep(run, comparison)
            screen.show(comparison.columns, blind)
            if blind:
                ask_which(screen.console, run, comparison)


@contextlib.contextmanager
def _judge() -> Iterator["Judge"]:
    from qwenlab.comparison.verdicts import judge_of_columns

    with judge_of_columns() as judge:
        yield judge


@contextlib.contextmanager
def _remote(url: str, models: dict[str, str]) -> Iterator["Answerer"]:
    from qwenlab.answering.answerer import Remote
    from qwenlab.answering.endpoint import Endpoint

    with Endpoint(url) as endpoint:
        yield Remote(endpoint, models)


@contextlib.contextmanager
def _in_memory(runs: Path, found: dict[str, "Run"], screen: "Screen") -> Iterator["Answerer"]:
    """With the turn at the GPU."""
    from qwenlab.runs import gpu_lock
    from qwenlab.runs.serving import serving
    from qwenlab.runs.shared_base import shared_base

    settings, record = shared_base(found)

    def waiting(ahead: list[str]) -> None:
        screen.console.print(f"waiting for the GPU: {', then '.join(ahead)}", markup=False)
        if (server := serving(runs)) and set(found) <= set(server.models):
            screen.console.print(f"The server there can answer at once: --endpoint {server.url}", markup=False)

    with gpu_lock(runs, "compare", waiting):
        from qwenlab.inference.runs import load_runs

        loaded = load_runs(found, settings, record)
        from qwenlab.inference.columns import InMemory

        yield InMemory(loaded)


if __name__ == "__main__":
    cli.run(main, "qwenlab.compare")
