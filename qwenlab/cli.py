"""The command line: `qwenlab VERB ...`, `python -m qwenlab.VERB ...`, and what all verbs have in common.

A verb is a module with a `main` whose signature is its command line: it turns options into one call of a job. A fault
that the user can fix is a sentence on stderr and exit code 2.
"""

import importlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from qwenlab import __version__
from qwenlab.errors import UserError, outside_told


def main(arguments: Sequence[str] | None = None) -> None:
    """`qwenlab VERB ...`; only the verb's own module is imported."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    verb = given[0] if given else "--help"
    known = verbs()
    if verb in known:
        run(importlib.import_module(f"qwenlab.{verb}").main, f"qwenlab {verb}", given[1:])
    if verb == "--version":
        print(f"qwenlab {__version__}")
        return
    print("Fine-tune Qwen on one consumer GPU, and know whether it helped.\n\nUsage: qwenlab VERB ...\n")
    print("\n".join(f"  {name:<10}{help}" for name, help in known.items()))
    print("\nqwenlab VERB --help lists a verb's options; python -m qwenlab.VERB is the same command.")
    if verb not in ("--help", "-h", "help"):
        sys.exit(f"\nThere is no verb {verb}.")


def verbs() -> dict[str, str]:
    """The verbs, each a module of the package that has a command line, with the first line of its docstring."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if f'cli.run(main, "python -m qwenlab.{file.stem}")' in text:
            found[file.stem] = text.partition("\n")[0].strip('"')
    return found


def run(main: Callable[..., None], program: str, arguments: Sequence[str] | None = None) -> None:
    """Run `main` as the command line of `program`, and exit: 0 done, 2 a fault that the user can fix.

    Any other error keeps its traceback and exits with 1.
    """
    # Tracebacks stay Python's own: the pretty ones show every local variable, tokens and data included.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        with outside_told():
            app(args=None if arguments is None else list(arguments), prog_name=program)
    except UserError as error:
        typer.secho(error.message, fg="red", err=True)
        if error.hint:
            typer.echo(error.hint, err=True)
        sys.exit(2)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside the block SIGTERM is what Ctrl-C is: a KeyboardInterrupt."""
    with _handled(_interrupt, signal.SIGTERM):
        yield


@contextmanager
def asking_first(ask: Callable[[], bool]) -> Iterator[None]:
    """Inside the block Ctrl-C and SIGTERM ask for a stop; where `ask` says that nobody hears it, they interrupt."""

    def handle(number: int, frame: FrameType | None) -> None:
        if not ask():
            _interrupt(number, frame)

    with _handled(handle, signal.SIGINT, signal.SIGTERM):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
