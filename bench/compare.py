"""What a second column costs: base and tuned in one batch of 8 prompts each, against tuned alone on the 8 prompts.

    python -m bench.compare
    python -m bench.compare --threads 1

All take the same tiny model with an adapter, the same prompts and as many tokens for each answer; they are timed in
turn, so that what else the machine does falls on all. Prints the ratios, smallest, median and largest. The last line is
what a second column of the base would cost: twice the rows, and no adapter at all.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bench.adapters import loaded_with_adapters
from qwenlab import cli

if TYPE_CHECKING:
    from qwenlab.answering.answerer import Ask
    from qwenlab.inference.load import Inference

PROMPTS = 8


def main(
    pairs: Annotated[int, typer.Option(min=1, help="How often each is timed.")] = 31,
    tokens: Annotated[int, typer.Option(min=1, help="Of each answer.")] = 64,
    threads: Annotated[int, typer.Option(min=0, help="Of torch, on a CPU; 0: as many as it takes.")] = 0,
    model: Annotated[str, typer.Option(help="The base: a folder, or a hub id.")] = "tiny",
) -> None:
    """Time two columns against one."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = loaded_with_adapters(model, Path(folder), ["tuned"])
        import torch

        from qwenlab.answering.answerer import Ask, Sampling
        from qwenlab.evaluation.programs.benchmark import load_benchmark
        from qwenlab.evaluation.programs.prompt import prompt

        torch.set_num_threads(threads or torch.get_num_threads())
        asked = [prompt(problem) for problem in load_benchmark("tiny", PROMPTS, 0, 1).problems]
        batches = {
            columns: [Ask(messages, Sampling(tokens), name) for messages in asked for name in columns]
            for columns in (("tuned",), ("base", "tuned"), ("base",), ("base", "base"))
        }
        # No end token: every answer has all its tokens, so that all batches make as many steps.
        loaded.model.generation_config.eos_token_id = None
        loaded.end_tokens = frozenset()
        seconds = [[_seconds(loaded, asks) for asks in batches.values()] for _ in range(pairs + 1)][1:]
    print(f"{PROMPTS} prompts, {tokens} tokens each, {torch.get_num_threads()} threads, {pairs} times in turn")
    print(f"{'':42}   min median  max")
    for clock, name in enumerate(Seconds._fields):
        for title, one, two in (("base and tuned / tuned", 0, 1), ("base twice / base", 2, 3)):
            ratios = sorted(row[two][clock] / row[one][clock] for row in seconds)
            figures = f"{ratios[0]:6.2f}{statistics.median(ratios):6.2f}{ratios[-1]:6.2f}"
            print(f"{title:24}{name + ' time':18}{figures}")
    step = statistics.median(row[0].wall for row in seconds) / tokens
    print(f"tuned alone: {step * 1000:.1f} ms a token, median")


class Seconds(NamedTuple):
    """Of one batch. Where others compute on the same cores, the time on the processor says more."""

    wall: float
    processor: float


def _seconds(loaded: "Inference", asks: "list[Ask]") -> Seconds:
    from qwenlab.inference.generate import generate

    begun = Seconds(time.perf_counter(), time.process_time())
    answers = generate(loaded, asks)
    assert all(answer.finish == "length" for answer in answers)
    return Seconds(time.perf_counter() - begun.wall, time.process_time() - begun.processor)


if __name__ == "__main__":
    cli.run(main, "python -m bench.compare")
