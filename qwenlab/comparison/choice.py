"""Which of two answers is better, asked of somebody who is not told whose is whose."""

import random

from rich.console import Console
from rich.prompt import Prompt

from qwenlab.answering.answerer import BASE
from qwenlab.comparison.screen import LETTERS
from qwenlab.runs import Run
from qwenlab.runs.comparisons import Comparison, choose
from qwenlab.stats.intervals import rate
from qwenlab.stats.paired import mcnemar_p
from qwenlab.stats.types import ALPHA


def shuffled(seed: int, number: int) -> list[int]:
    """The order in which question `number` shows its two columns."""
    order = [0, 1]
    random.Random(f"{seed} {number}").shuffle(order)
    return order


def ask_which(console: Console, run: Run, comparison: Comparison) -> None:
    """Ask, keep the choice with the run, and tell whose answers these were.

    Raises:
        KeyboardInterrupt, EOFError: the answer was Ctrl-C, or the end of the input; the comparison stays undecided.
    """
    said = Prompt.ask("Which is better?", choices=["a", "b", "tie"], case_sensitive=False, console=console)
    models = dict(zip(LETTERS.lower(), [column.model for column in comparison.columns], strict=True))
    choose(run, comparison.name, models.get(said.lower(), ""))
    told = ", ".join(f"{letter.upper()} was {model}" for letter, model in models.items())
    console.print(told, markup=False)


def tally_sentence(name: str, counts: tuple[int, int, int], other: str = BASE) -> str:
    """Blind choices between a run and `other` (preferred, against it, neither), with their interval."""
    preferred, against, neither = counts
    measured = rate(preferred, preferred + against)
    also = f", no preference in {neither}" if neither else ""
    if measured.value is None or measured.interval is None:
        return f"Blind choices: none between {name} and {other} yet{also}."
    low, high = measured.interval
    p = mcnemar_p(preferred, against)
    verdict = "statistically significant" if p < ALPHA else "not statistically significant"
    return (
        f"Blind choices: {name} preferred to {other} in {preferred} of {preferred + against} "
        f"({measured.value:.0%}, 95 % interval {low:.0%} to {high:.0%}, p = {p:.3f}){also}: {verdict}."
    )
