"""Fine-tune a LoRA adapter by a recipe.

    python -m qwenlab.train recipes/default.toml
    python -m qwenlab.train recipes/tiny.toml --set data.source=my.jsonl --dry-run
    accelerate launch --multi_gpu --num_processes 2 -m qwenlab.train recipes/default.toml

Exit code 0: finished, or stopped as asked; 2: something that you can fix; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError


def main(
    recipe: Annotated[
        Path | None, typer.Argument(help="A recipe: a file, or the name of one that comes along, such as tiny.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting of the recipe.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen: rows, steps, memory, engine. Nothing is loaded.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --dry-run: write the plan here as well, as JSON.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped or lost. RUN may be `last`.")
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on from a run's end with more epochs or steps: --set train.max_steps=..."),
    ] = None,
    start_from: Annotated[
        str | None, typer.Option(metavar="RUN", help="A new run that begins with another run's adapter.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    force: Annotated[
        bool, typer.Option("--force", help="Go on though versions, data or model are not what the run began with.")
    ] = False,
) -> None:
    """Fine-tune a LoRA adapter by a recipe: on the GPU with Unsloth, or on any CPU."""
    from qwenlab.jobs import train as training

    stopper, world = training.Stopper(), training.world()

    def ask() -> bool:
        # One of several processes hears a Ctrl-C twice, from the terminal and from the launcher, and stops in peace;
        # the launcher itself ends it where that takes longer than half a minute.
        return stopper.request() or (stopper.is_stopping and world.size > 1)

    if world.is_first:
        if plan and not dry_run:
            raise UserError("--plan says what a dry run found.", "Add --dry-run.")
        job = training.choose_job(runs, recipe, set_ or [], resume=resume, extend=extend, start_from=start_from)
    with cli.asking_first(ask):
        if not world.is_first:
            if not dry_run:
                training.assist(stopper)
        elif dry_run:
            training.tell_plan(job.recipe, runs, plan)
        else:
            training.train(job, runs, stopper, force=force)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.train")
