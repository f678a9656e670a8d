"""Take a trained adapter away: as it is, merged into its base, as GGUF, for Ollama, or to the hub.

    python -m qwenlab.export RUN --to merged --out DIR
    python -m qwenlab.export RUN --to ollama --out DIR --llama-cpp ~/llama.cpp
    python -m qwenlab.export RUN --to hub --repo me/my-adapter --yes

Exit code 0: exported, and it answers as the adapter does; 2: something that you can fix, and nothing was written;
3: converted, but there was nothing here to check it with; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError
from qwenlab.exporting.target import Dtype, Target

UNCHECKED = 3
"""The exit code of what was converted and could not be checked."""


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, part of its name, or `last`.")],
    to: Annotated[Target, typer.Option(help="What it becomes; hub uploads the adapter, or with --merged the model.")],
    out: Annotated[Path | None, typer.Option(help="The new folder; not for the hub.")] = None,
    dtype: Annotated[
        Dtype, typer.Option(help="Precision of merged weights; auto: the recipe's, and float16 where that has 32 bits.")
    ] = Dtype.auto,
    llama_cpp: Annotated[
        Path | None, typer.Option(metavar="DIR", help="llama.cpp's repository; else LLAMA_CPP, else the PATH.")
    ] = None,
    repo: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="Where on the hub.")] = None,
    merged: Annotated[bool, typer.Option("--merged", help="Upload the merged model, not the adapter.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Let everybody read what is uploaded.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do upload. Without it, only what would be is said.")] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Export a run's adapter, and check that what is exported answers as the adapter does."""
    from qwenlab.jobs import export as exporting

    found = exporting.find_run(runs, run)

    if to is Target.hub:
        if out or not repo:
            raise UserError("The hub takes a repository and no folder.", "Add --repo owner/name, and leave --out out.")
        with cli.terminated_as_interrupted():
            exporting.upload(
                found,
                repo,
                runs=runs,
                merged=merged,
                public=public,
                confirmed=yes,
                dtype=dtype,
            )
        return
    if repo or merged or public or yes:
        raise UserError("--repo, --merged, --public and --yes are for --to hub.", "Leave them out.")
    with cli.terminated_as_interrupted():
        checked = exporting.export(found, to, out, runs=runs, dtype=dtype, llama_cpp=llama_cpp)
    if not checked:
        raise typer.Exit(UNCHECKED)


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.export")
