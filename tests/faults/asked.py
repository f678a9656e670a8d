"""A process that reads what others have damaged: it may hang, die or take all memory, and no attempt after it suffers.

Each line that it gets is a question, `[name, argument]`; each that it says is what became of it.
"""

import contextlib
import importlib
import io
import json
import os
import resource
import select
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.faults.group import LostError

MEMORY_MB = 1500
"""What a question may take as a rule, the libraries included."""


class Heard(NamedTuple):
    """What became of a question: an answer, or the sentence of a UserError."""

    said: str
    refused: bool


class Asked:
    """The process, begun with the first question and again after one that ended it."""

    def __init__(self, memory_mb: int = MEMORY_MB) -> None:
        self._memory_mb = memory_mb
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, name: str, argument: Any, seconds: float = 30.0) -> Heard:
        """What `ANSWERS[name]` makes of the argument, which JSON can hold.

        Raises:
            LostError: it hung, died, took too much memory, or ended with another error than a UserError.
        """
        if self._process is None:
            command = [sys.executable, "-m", "tests.faults.asked"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
            self._heard(60.0)  # that it is ready
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps([name, argument])}\n".encode())
        answer = self._heard(seconds)
        if answer is None:
            raise LostError(f"no answer within {seconds:.0f} s, or the process died")
        kind, said, peak = answer
        if peak > self._memory_mb:
            self._end()
            raise LostError(f"{peak:,} MB of memory")
        if kind == "error":
            raise LostError(said)
        return Heard(said, kind == "refused")

    def _heard(self, seconds: float) -> tuple[str, str, int] | None:
        """The next line that it says; None: it has ended, or takes too long, and is ended."""
        assert self._process and self._process.stdout
        waiting = select.poll()
        waiting.register(self._process.stdout, select.POLLIN)
        line = self._process.stdout.readline() if waiting.poll(seconds * 1000) else b""
        if not line:
            self._end()
            return None
        kind, said, peak = json.loads(line)
        return kind, said, peak

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _read_data(source: str) -> str:
    from qwenlab.data import load
    from qwenlab.recipe import DataSettings

    dataset = load(DataSettings(source=source, min_chars=0, max_chars=10**9), seed=1)
    return f"{dataset.report.rows_kept} rows"


def _read_bomb(source: str) -> str:
    """Against a bound that takes no minute to be reached."""
    from qwenlab.data import inflated

    before, inflated.MOST_INFLATED = inflated.MOST_INFLATED, 50_000_000
    try:
        return _read_data(source)
    finally:
        inflated.MOST_INFLATED = before


def _read_recipe(path: str) -> str:
    from qwenlab.recipe import parse_recipe, read_recipe, recipe_toml

    recipe = read_recipe(Path(path))
    return "equal" if parse_recipe(recipe_toml(recipe)) == recipe else "another"


def _override_recipe(override: str) -> str:
    from qwenlab.recipe import parse_recipe, recipe_toml

    recipe = parse_recipe("", [override])
    return "equal" if parse_recipe(recipe_toml(recipe)) == recipe else "another"


def _read_model(folder: str) -> str:
    """All that is asked of a model before its weights are loaded."""
    from qwenlab.data.chat_template import ChatTemplate, prompt_text
    from qwenlab.recipe import ModelSettings
    from qwenlab.training.shape import Shape
    from qwenlab.training.source import find_model, load_tokenizer
    from qwenlab.training.turn_ends import end_tokens

    source = find_model(ModelSettings(name=folder))
    Shape.of(source.text_config).lora_parameters(8, ["q_proj"])
    tokenizer = load_tokenizer(source)
    end_tokens(source, tokenizer)
    prompt_text([{"role": "user", "content": "Who?"}], tokenizer, None)
    ChatTemplate(tokenizer)
    source.sha256()
    return "a model"


def _load_model(folder: str) -> str:
    """And its weights, with an adapter on them where the folder holds one."""
    from qwenlab.inference.load import load_inference
    from qwenlab.recipe import ModelSettings
    from qwenlab.training.engine import Engine

    adapter = Path(folder) / "adapter"
    adapters = {"tuned": adapter} if adapter.exists() else {}
    load_inference(ModelSettings(name=folder), Engine("transformers", "", "cpu", "float32"), adapters)
    return "a model"


def _render(question: str) -> str:
    """A conversation in a template that was not tried: what it does with this one alone."""
    from transformers import PreTrainedTokenizerFast

    from qwenlab.data import chat_template
    from qwenlab.tiny import MODEL_DIR

    template, content = json.loads(question)
    chat_template.RENDERING_S = 1.0
    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(MODEL_DIR)
    tokenizer.chat_template = template
    return f"{len(chat_template.prompt_text([{'role': 'user', 'content': content}], tokenizer, None))} characters"


def _run_verb(question: str) -> str:
    """A command line, with a bound on the size of a file where there is one: its exit code, and its words on stderr."""
    from qwenlab import cli

    largest, verb, *arguments = json.loads(question)
    said, code = io.StringIO(), 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before[1] if largest is None else largest, before[1]))
    try:
        with contextlib.redirect_stderr(said):
            cli.run(importlib.import_module(f"qwenlab.{verb}").main, f"qwenlab {verb}", arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return json.dumps([code, said.getvalue()])


def _keep_uploads(question: str) -> str:
    from qwenlab.ui.jobs.prepared import keep_uploads

    runs, files = json.loads(question)
    return str(keep_uploads(Path(runs), files))


ANSWERS: dict[str, Callable[[str], str]] = {
    "data": _read_data,
    "bomb": _read_bomb,
    "recipe": _read_recipe,
    "override": _override_recipe,
    "model": _read_model,
    "weights": _load_model,
    "render": _render,
    "verb": _run_verb,
    "upload": _keep_uploads,
}


def _peak_mb() -> int:
    """Of this program alone: getrusage's maximum also holds that of the process which began it."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) // 1024


def main() -> None:
    """Answer until there are no more questions. Whatever libraries print goes nowhere."""
    from qwenlab.errors import UserError, outside_told

    told = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def tell(kind: str, said: str) -> None:
        told.write(json.dumps([kind, said, _peak_mb()]) + "\n")
        told.flush()

    tell("ready", "")
    for line in sys.stdin:
        name, argument = json.loads(line)
        try:
            with outside_told():
                tell("answer", ANSWERS[name](argument))
        except UserError as error:
            tell("refused", str(error))
        except BaseException as error:  # noqa: BLE001  a panic is no Exception
            last = traceback.extract_tb(error.__traceback__)[-1]
            tell("error", f"{type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})")


if __name__ == "__main__":
    main()
