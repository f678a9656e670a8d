"""Tokens a second of answers, by batch: base and tuned, alone and mixed in one batch.

    python -m bench.gpu.answers MODEL ADAPTER FILE.json

Each batch is answered three times, and the file is written anew after each.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from bench.gpu.results import Batch
from qwenlab import cli
from qwenlab.recipe import ModelSettings

if TYPE_CHECKING:
    from qwenlab.inference.load import Inference

GB = 1e9
BATCHES = ((1, 1), (8, 1), (64, 1), (64, 12))
"""Rows, and how often the longest of four prompts says the same."""
CALLS = 3
BatchList = TypeAdapter(list[Batch])
WHO: Mapping[str, tuple[str, ...]] = {
    "base": ("base",),
    "tuned": ("tuned",),
    "base and tuned mixed": ("base", "tuned"),
}
"""Whose rows alternate in a batch."""


def main(
    model: Annotated[Path, typer.Argument(help="The base's folder.")],
    adapter: Annotated[Path, typer.Argument(help="The tuned one's folder.")],
    file: Annotated[Path, typer.Argument(help="Where the figures go, as JSON.")],
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

    loaded = load_inference(settings, engine, {"tuned": adapter})
    # No end token: every row writes all its tokens, whatever random weights say.
    loaded.model.generation_config.eos_token_id = None
    loaded.end_tokens = frozenset()
    timed: list[Batch] = []
    for way, models in WHO.items():
        for rows, repeated in BATCHES:
            if rows >= len(models):
                timed.append(_time(loaded, way, models, rows, repeated, tokens))
                file.write_bytes(BatchList.dump_json(timed))


def _time(loaded: "Inference", way: str, models: tuple[str, ...], rows: int, repeated: int, tokens: int) -> Batch:
    import torch

    from qwenlab.answering.answerer import Ask, Sampling
    from qwenlab.inference.generate import generate

    asks = [
        Ask([{"role": "user", "content": _question(row, repeated)}], Sampling(tokens), models[row % len(models)])
        for row in range(rows)
    ]
    on_gpu = loaded.engine.device == "cuda"
    seconds = []
    for _ in range(CALLS):
        if on_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        answers = generate(loaded, asks)
        seconds.append(time.perf_counter() - begun)
    return Batch(
        way=way,
        rows=rows,
        prompt=max(answer.prompt_tokens for answer in answers),
        tokens=sum(answer.tokens for answer in answers),
        first_s=round(seconds[0], 3),
        again_s=[round(each, 3) for each in seconds[1:]],
        peak_gb=round(torch.cuda.max_memory_allocated() / GB, 2) if on_gpu else None,
    )


def _question(number: int, repeated: int) -> str:
    """Of different lengths, as in any batch that is not made for timing."""
    return f"Task {number}: " + "add up the numbers below and explain each step. " * (repeated * (1 + number % 4))


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu.answers")
