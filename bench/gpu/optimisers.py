"""What a step of each optimiser costs, on an adapter of rank 16 on every linear layer of a Qwen2.5-7B.

    python -m bench.gpu.optimisers FILE.json

The adapter alone is there, in float32 as it is trained; no model is loaded. The file is written anew after each.
"""

import statistics
import time
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import TypeAdapter

from bench.gpu.results import Optimiser
from bench.gpu.weights import QWEN25_7B, VERY_SMALL
from qwenlab import cli
from qwenlab.recipe.settings import TrainSettings

GB = 1e9
RANK = 16
WARM_UP, STEPS = 5, 20
OptimiserList = TypeAdapter(list[Optimiser])


def main(
    file: Annotated[Path, typer.Argument(help="Where the figures go, as JSON.")],
    cpu: Annotated[bool, typer.Option("--cpu", help="Very small, and those alone that run on a CPU.")] = False,
) -> None:
    """Time each optimiser that a recipe can name."""
    import torch

    names = get_args(TrainSettings.model_fields["optim"].annotation)
    timed: list[Optimiser] = []
    for name in names if torch.cuda.is_available() and not cpu else ["adamw_torch"]:
        timed.append(_time(name, cpu))
        file.write_bytes(OptimiserList.dump_json(timed))


def _time(name: str, cpu: bool) -> Optimiser:
    import torch
    from transformers import Trainer, TrainingArguments

    shape: dict[str, Any] = QWEN25_7B | VERY_SMALL if cpu else QWEN25_7B
    device = "cpu" if cpu else "cuda"
    parameters = [torch.nn.Parameter(torch.randn(size, device=device) * 0.01) for size in _sizes(shape)]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter) * 0.001
    before = 0 if cpu else torch.cuda.memory_allocated()
    arguments = TrainingArguments(output_dir=str(Path("unused")), optim=name, use_cpu=cpu, report_to="none")
    kind, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
    optimiser = kind(parameters, **options)
    seconds = []
    for _ in range(WARM_UP + STEPS):
        begun = time.perf_counter()
        optimiser.step()
        if not cpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    steps = [round(1000 * each, 3) for each in seconds[WARM_UP:]]
    return Optimiser(
        name=name,
        parameters=sum(parameter.numel() for parameter in parameters),
        step_ms=statistics.median(steps),
        fastest_ms=min(steps),
        slowest_ms=max(steps),
        # Paged states are CUDA's managed memory, which torch does not count.
        state_gb=None if cpu else round((torch.cuda.memory_allocated() - before) / GB, 3),
    )


def _sizes(shape: dict[str, Any]) -> list[tuple[int, int]]:
    """Of the matrices A and B of every linear layer."""
    hidden, inner, blocks = (shape[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    head: int = shape.get("head_dim") or hidden // shape["num_attention_heads"]
    query, key = head * shape["num_attention_heads"], head * shape["num_key_value_heads"]
    layers = [(hidden, query), (hidden, key), (hidden, key), (query, hidden)]
    layers += [(hidden, inner), (hidden, inner), (inner, hidden)]
    each = [size for inputs, outputs in layers for size in ((RANK, inputs), (outputs, RANK))]
    return each * int(blocks)


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu.optimisers")
