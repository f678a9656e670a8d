"""What the command lines have in common: a UserError is a sentence on stderr and exit code 2."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from qwenlab.errors import UserError


def run(main: Callable[..., None], module: str) -> None:
    """Run `main` as `python -m {module}`; its signature is the command line."""
    # Tracebacks stay Python's own: the pretty ones show every local variable, tokens and data included.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app(prog_name=f"python -m {module}")
    except UserError as error:
        typer.secho(error.message, fg="red", err=True)
        if error.hint:
            typer.echo(error.hint, err=True)
        sys.exit(2)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside the block SIGTERM is what Ctrl-C is: a KeyboardInterrupt."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
