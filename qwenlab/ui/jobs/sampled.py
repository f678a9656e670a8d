"""The first rows of a data set, asked of a process that stays: a changed column is seen in a tenth of a second."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock

from qwenlab.jobs.sample import Wanted
from qwenlab.recipe import Recipe
from qwenlab.runs.launch import process_environment


class Sampler:
    """The process behind one page. It ends with the app, whose end of the pipe it reads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = Lock()
        self._asked: set[Path] = set()
        """Of the process that runs; what it has not answered, it will."""

    def warm(self) -> None:
        """Start it, so that it has imported all by the time that a file has arrived."""
        with self._lock:
            self._running()

    def ask(self, recipe: Recipe, out: Path) -> None:
        """Have the sample of the recipe's data written to that file, once; questions are answered in their order."""
        line = Wanted(recipe=recipe, out=out.absolute()).model_dump_json()
        with self._lock:
            pipe = self._running().stdin
            assert pipe
            if out not in self._asked:
                self._asked.add(out)
                with suppress(BrokenPipeError):  # it ends, idle, at this moment: then it is asked the next time
                    pipe.write(f"{line}\n")
                    pipe.flush()

    def is_asked(self, out: Path) -> bool:
        """Whether the process that runs was asked for that file."""
        with self._lock:
            return out in self._asked and self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End it."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._asked.clear()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "qwenlab.jobs.sample"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
                env=process_environment("prepare"),
            )
        return self._process

    def _end(self) -> None:
        if self._process:
            with suppress(BrokenPipeError), self._process as ended:  # what was not written is lost with it
                ended.kill()
            self._process = None
