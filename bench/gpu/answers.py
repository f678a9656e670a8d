"""Tokens a second of answers, by batch: base and tuned, alone and mixed; and with parts of qwenlab switched off.

    python -m bench.gpu.answers MODEL FILE.json --adapter FOLDER
    python -m bench.gpu.answers MODEL FILE.json

With an adapter: who answers. Without: the base alone, as it is, and without what qwenlab changes about attention and
cache. Each batch is answered twice, and the file is written anew after each.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unittest.mock import patch

import typer
from pydantic import TypeAdapter

from bench.gpu.results import Batch
from qwenlab import cli
from qwenlab.recipe import ModelSettings

if TYPE_CHECKING:
    from qwenlab.inference.load import Inference

GB = 1e9
BATCHES = (1, 8, 64)
BatchList = TypeAdapter(list[Batch])
Way = tuple[str, tuple[str, ...], Callable[["Inference"], contextlib.AbstractContextManager[Any]]]
"""What it is called, whose rows alternate in a batch, and what is switched off meanwhile."""


def main(
    model: Annotated[Path, typer.Argument(help="The base's folder.")],
    file: Annotated[Path, typer.Argument(help="Where the figures go, as JSON.")],
    adapter: Annotated[Path | None, typer.Option(help="The tuned one's folder.")] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Of each answer.")] = 48,
    cpu: Annotated[bool, typer.Option("--cpu", help="Leave the GPU alone.")] = False,
) -> None:
    """Time answers of each kind at batch 1, 8 and 64."""
    from qwenlab.training import choose_engine

    settings = ModelSettings(
        name=str(model), engine="transformers", dtype="float16", device_map="cpu" if cpu else "auto"
    )
    engine = choose_engine(settings)
    from qwenlab.inference.load import load_inference

    loaded = load_inference(settings, engine, {"tuned": adapter} if adapter else {})
    # No end token: every row writes all its tokens, whatever random weights say.
    loaded.model.generation_config.eos_token_id = None
    loaded.end_tokens = frozenset()
    timed: list[Batch] = []
    for way, models, without in _who() if adapter else _parts(cpu):
        for rows in BATCHES:
            if rows >= len(models):
                with without(loaded):
                    timed.append(_time(loaded, way, models, rows, tokens))
                file.write_bytes(BatchList.dump_json(timed))


def _who() -> list[Way]:
    return [
        ("base", ("base",), contextlib.nullcontext),
        ("tuned", ("tuned",), contextlib.nullcontext),
        ("base and tuned mixed", ("base", "tuned"), contextlib.nullcontext),
    ]


def _parts(cpu: bool) -> list[Way]:
    import torch

    ways: list[Way] = [
        ("base, no adapter loaded", ("base",), contextlib.nullcontext),
        ("without qwenlab's attention", ("base",), _copied_keys),
        ("without qwenlab's cache", ("base",), _joined_cache),
        ("without both", ("base",), _neither),
    ]
    # On Hopper and later PyTorch prefers cuDNN's attention, which plans anew for each length.
    if cpu or torch.cuda.get_device_capability() >= (9, 0):
        ways.append(("without cuDNN's attention", ("base",), _no_cudnn))
    return ways


@contextlib.contextmanager
def _copied_keys(loaded: "Inference") -> Iterator[None]:
    from qwenlab.inference.attention import enable_gqa_decode

    loaded.model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        enable_gqa_decode(loaded.model)


@contextlib.contextmanager
def _joined_cache(_: "Inference") -> Iterator[None]:
    from transformers import DynamicCache

    with patch("qwenlab.inference.generate.preallocated_cache", lambda config: DynamicCache(config=config)):
        yield


@contextlib.contextmanager
def _neither(loaded: "Inference") -> Iterator[None]:
    with _copied_keys(loaded), _joined_cache(loaded):
        yield


@contextlib.contextmanager
def _no_cudnn(_: "Inference") -> Iterator[None]:
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(True)


def _time(loaded: "Inference", way: str, models: tuple[str, ...], rows: int, tokens: int) -> Batch:
    import torch

    from qwenlab.answering.answerer import Ask, Sampling
    from qwenlab.inference.generate import generate

    asks = [
        Ask([{"role": "user", "content": _question(row)}], Sampling(tokens), models[row % len(models)])
        for row in range(rows)
    ]
    on_gpu = loaded.engine.device == "cuda"
    seconds = []
    for _ in range(2):
        if on_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        answers = generate(loaded, asks)
        seconds.append(time.perf_counter() - begun)
    return Batch(
        way=way,
        rows=rows,
        tokens=sum(answer.tokens for answer in answers),
        first_s=round(seconds[0], 3),
        again_s=round(seconds[1], 3),
        peak_gb=round(torch.cuda.max_memory_allocated() / GB, 2) if on_gpu else None,
    )


def _question(number: int) -> str:
    """Of different lengths, as in any batch that is not made for timing."""
    return f"Task {number}: " + "add up the numbers below and explain each step. " * (1 + number % 4)


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu.answers")
