"""Does merging into 16 bits change answers? The adapter beside its merged model, over many prompts.

    python -m bench.export RUN
    python -m bench.export last --prompts 100 --random 6

For each precision: how many greedy answers part, and how far the margin between the two likeliest tokens moved at most,
over all tokens that both answers share. `--random` adds adapters of random weights on the same base.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwenlab import cli

if TYPE_CHECKING:
    from qwenlab.exporting.equivalence import Answered
    from qwenlab.recipe import Recipe


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run with an adapter, or `last`.")],
    prompts: Annotated[int, typer.Option(min=1, help="Problems of the mini contest.")] = 20,
    random: Annotated[int, typer.Option(min=0, help="Adapters of random weights besides the run's own.")] = 6,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Print partings and the largest move of a margin, by precision."""
    from qwenlab.runs import find_run

    found = find_run(runs, run)
    with tempfile.TemporaryDirectory() as folder:
        adapters = [found.adapter, *_random_adapters(found.recipe, random, Path(folder))]
        for dtype in ("float16", "bfloat16"):
            pairs = [pair for adapter in adapters for pair in _answers(found.recipe, adapter, dtype, prompts)]
            parted = sum(ours.ids != theirs.ids for ours, theirs in pairs)
            moved = [move for ours, theirs in pairs for move in _moves(ours, theirs)]
            print(
                f"{dtype}: {parted} of {len(pairs)} answers part; the margin moved by at most {max(moved):.4f} "
                f"logits over {len(moved):,} tokens"
            )


def _moves(ours: "Answered", theirs: "Answered") -> list[float]:
    """How far each margin moved, up to where the answers part: beyond it they are answers to different texts."""
    pairs = zip(ours.ids, theirs.ids, strict=False)
    same = next((at for at, (our, their) in enumerate(pairs) if our != their), len(ours.ids))
    return [abs(our - their) for our, their in zip(ours.margins[:same], theirs.margins[:same], strict=True)]


def _random_adapters(recipe: "Recipe", count: int, folder: Path) -> list[Path]:
    from qwenlab.training import choose_engine

    engine = choose_engine(recipe.model)
    import torch

    from qwenlab.training.load import load

    made = []
    for seed in range(count):
        loaded = load(recipe, engine)
        torch.manual_seed(seed)
        for name, parameter in loaded.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        loaded.save_adapter(folder / f"random-{seed}")
        made.append(folder / f"random-{seed}")
    return made


def _answers(recipe: "Recipe", adapter: Path, dtype: str, prompts: int) -> list[tuple["Answered", "Answered"]]:
    """By prompt: the adapter's answer and the merged model's; a CPU computes both in 32 bits from the stored 16."""
    from qwenlab.training import choose_engine

    settings = recipe.model.model_copy(update={"dtype": dtype})
    engine = choose_engine(settings)
    from qwenlab.answering.answerer import BASE
    from qwenlab.evaluation.programs import prompt
    from qwenlab.evaluation.programs.benchmark import load_benchmark
    from qwenlab.exporting.equivalence import ADAPTER, answer_greedily
    from qwenlab.exporting.merge import merge
    from qwenlab.inference.load import load_inference

    asked = [prompt(problem) for problem in load_benchmark("tiny", prompts, 0, seed=1).problems]
    ours = answer_greedily(load_inference(settings, engine, {ADAPTER: adapter}), ADAPTER, asked)
    with tempfile.TemporaryDirectory() as folder:
        merge(settings, adapter, Path(folder) / "merged", dtype)  # type: ignore[arg-type]
        merged = settings.model_copy(update={"name": f"{folder}/merged"})
        theirs = answer_greedily(load_inference(merged, engine, {}), BASE, asked)
    return list(zip(ours, theirs, strict=True))


if __name__ == "__main__":
    cli.run(main, "python -m bench.export")
