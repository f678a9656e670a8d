"""llama.cpp, where it is installed: its converter to GGUF, and its server as the one that answers from the file."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from qwenlab.answering.answerer import Messages
from qwenlab.credentials import environment
from qwenlab.errors import UserError

CONVERTER, SERVER = "convert_hf_to_gguf.py", "llama-server"
GET_IT = "git clone --depth 1 https://github.com/ggml-org/llama.cpp"
BUILD_SERVER = "cmake -S llama.cpp -B llama.cpp/build && cmake --build llama.cpp/build --target llama-server"
OUTTYPES = {"float16": "f16", "bfloat16": "bf16"}

START_SECONDS = 300.0
"""Longest time that the server may take to read the weights."""
ANSWER_SECONDS = 600.0


class LlamaCpp(NamedTuple):
    """What was found of it."""

    converter: list[str]
    """The command, to which the converter's arguments are added."""
    server: str | None


def find_llama_cpp(folder: Path | None) -> LlamaCpp:
    """As `locate_llama_cpp`; its converter is started once, so that a library it lacks is told now and not after the
    merging.

    Raises:
        UserError: there is no converter, or it does not start.
    """
    llama = locate_llama_cpp(folder)
    _run([*llama.converter, "--help"], "llama.cpp's converter does not start")
    return llama


def locate_llama_cpp(folder: Path | None = None) -> LlamaCpp:
    """In `folder`, a copy of its repository; else in the folder that LLAMA_CPP names; else on the PATH.

    Raises:
        UserError: there is no converter.
    """
    named = folder or (Path(os.environ["LLAMA_CPP"]) if os.environ.get("LLAMA_CPP") else None)
    if named:
        script = named / CONVERTER
        converter = [sys.executable, str(script)] if script.exists() else []
        places = [named / "build" / "bin" / SERVER, named / SERVER]
        server = next((str(place) for place in places if place.exists()), shutil.which(SERVER))
    else:
        found = shutil.which(CONVERTER)
        converter, server = [found] if found else [], shutil.which(SERVER)
    if not converter:
        where = f"in {named}" if named else "on the PATH"
        raise UserError(
            f"llama.cpp's converter {CONVERTER} is not {where}, and only it writes GGUF.",
            f"{GET_IT}\nThen add --llama-cpp llama.cpp, or set LLAMA_CPP=llama.cpp.",
        )
    return LlamaCpp(converter, server)


def check_tokenizer(llama: LlamaCpp, model: Path) -> None:
    """Convert the model's vocabulary alone, so that a tokenizer which the converter does not know is told early.

    Raises:
        UserError: it is not one that llama.cpp knows.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [*llama.converter, str(model), "--outfile", f"{folder}/vocabulary.gguf", "--vocab-only"]
        _run(command, "llama.cpp's converter does not know this model's tokenizer")


def convert(llama: LlamaCpp, model: Path, gguf: Path, dtype: str) -> None:
    """Convert a transformers model folder to one GGUF file, without quantising it.

    Raises:
        UserError: the converter refuses; its last words are told.
    """
    command = [*llama.converter, str(model), "--outfile", str(gguf), "--outtype", OUTTYPES[dtype]]
    _run(command, "llama.cpp's converter failed")
    if not gguf.exists():
        raise UserError("llama.cpp's converter ended without a file.", f"It was started as: {' '.join(command)}")


def server_answers(
    server: str, gguf: Path, prompts: Sequence[str], conversations: Sequence[Messages], tokens: int
) -> list[str]:
    """Greedy answers of the file, each of at most so many tokens, by llama.cpp's own server.

    `prompts` are the conversations as the tokenizer's template renders them; the template in the file must do the same.

    Raises:
        UserError: the server does not start or answer, or renders another prompt.
    """
    with _started(server, gguf) as client:
        answers = []
        for prompt, messages in zip(prompts, conversations, strict=True):
            rendered = _asked(client, "/apply-template", {"messages": list(messages)})["prompt"]
            if rendered != prompt:
                raise UserError(
                    f"The chat template in the GGUF file writes {rendered!r}, the model's own {prompt!r}.",
                    "Take a newer llama.cpp.",
                )
            asked = {"prompt": prompt, "n_predict": tokens, "temperature": 0.0, "cache_prompt": False}
            answers.append(_asked(client, "/completion", asked)["content"])
        return answers


def _asked(client: httpx.Client, path: str, question: dict[str, object]) -> dict[str, str]:
    try:
        answer = client.post(path, json=question)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise UserError(f"llama.cpp's server does not answer {path}: {error}", "Take a newer llama.cpp.") from None
    content: dict[str, str] = answer.json()
    return content


@contextlib.contextmanager
def _started(server: str, gguf: Path) -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [server, "-m", str(gguf), "--host", "127.0.0.1", "--port", str(port)]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment()) as process,
        # Without the environment's proxies: it is this machine.
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS, trust_env=False) as client,
    ):
        try:
            _wait_until_up(process, client)
            yield client
        except UserError as error:
            process.terminate()
            process.wait()
            said.seek(0)
            raise UserError(f"{error.message}\n{_tail(said.read(), lines=3)}".strip(), error.hint) from None
        finally:
            process.terminate()


def _wait_until_up(process: "subprocess.Popen[bytes]", client: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise UserError(f"llama.cpp's server ended with exit code {process.returncode}.")
        with contextlib.suppress(httpx.TransportError):  # not listening yet
            if client.get("/health").is_success:
                return
        time.sleep(0.1)
    raise UserError(f"llama.cpp's server is not up after {START_SECONDS:.0f} seconds.")


def _run(command: list[str], failure: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if result.returncode:
        raise UserError(
            f"{failure}: {_tail(result.stderr or result.stdout, lines=1)}", f"It was started as: {' '.join(command)}"
        )


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
