"""What a process says: to the terminal, and to its run's log.txt."""

import contextlib
import sys
from collections.abc import Iterator
from io import TextIOBase
from pathlib import Path
from typing import IO, Self, TextIO

from rich.console import Console, RenderableType

LOG_WIDTH = 100


class Output:
    """Says things twice. A live bar belongs on `terminal` alone."""

    def __init__(self, log_file: Path | None = None) -> None:
        self.terminal = Console(file=sys.stdout, highlight=False)
        self._log = log_file.open("a", encoding="utf-8", buffering=1) if log_file else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log:
            with contextlib.suppress(OSError):  # of a full disk was told where it was written
                self._log.close()

    def say(self, text: str) -> None:
        """A line of plain text, on the terminal and in the log."""
        self.terminal.print(text, markup=False, soft_wrap=True)
        self.log(text)

    def show(self, what: RenderableType) -> None:
        """A table or the like, on both."""
        self.terminal.print(what)
        if self._log:
            Console(file=self._log, width=LOG_WIDTH).print(what)

    def log(self, text: str) -> None:
        """A line in the log alone."""
        if self._log:
            self._log.write(f"{text}\n")

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """What libraries print inside the block goes to the log as well."""
        if self._log is None:
            yield
            return
        with (
            contextlib.redirect_stdout(_Tee(sys.stdout, self._log)),
            contextlib.redirect_stderr(_Tee(sys.stderr, self._log)),
        ):
            yield


class _Tee(TextIOBase):
    def __init__(self, terminal: TextIO, log: IO[str]) -> None:
        self._terminal = terminal
        self._log = log

    def write(self, text: str) -> int:
        self._log.write(text)
        return self._terminal.write(text)

    def flush(self) -> None:
        self._terminal.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()
