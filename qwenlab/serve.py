"""Serve runs and their base from one model in memory, in OpenAI's protocol, to this machine or beyond.

    python -m qwenlab.serve RUN
    python -m qwenlab.serve RUN RUN2 --port 8000 --api-key SECRET --host 0.0.0.0

The models are called `base`, and each run by its name. Ctrl-C ends it.

Exit code 0: served, and ended as asked; 2: something that you can fix; 1: a bug.
"""

from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli


def main(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, parts of their names, or `last`.")],
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in; then set a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one, which is told.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="QWENLAB_API_KEY", show_envvar=True, help="What clients must send; without it, nothing."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Answers that are generated at the same time.")] = 32,
    queue: Annotated[int, typer.Option(min=1, help="Answers that may wait; further requests get HTTP 429.")] = 256,
    max_body: Annotated[int, typer.Option(min=1024, help="Longest request, in bytes.")] = 2**20,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of https://chat.example ask from a browser; `*`: all pages."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name that it is asked by, such as that of a proxy before it."),
    ] = None,
    make_way: Annotated[
        bool, typer.Option("--make-way", help="End when somebody waits for the GPU and nobody for an answer.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Serve runs and their base by OpenAI's chat completions API."""
    from qwenlab.jobs import serve as serving

    found = serving.named([serving.find_run(runs, name) for name in run])
    with cli.terminated_as_interrupted():
        serving.serve(
            found,
            runs=runs,
            host=host,
            port=port,
            api_key=api_key,
            batch_size=batch_size,
            queue=queue,
            max_body=max_body,
            make_way=make_way,
            names=allow_host or (),
            origins=cors or (),
        )


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.serve")
