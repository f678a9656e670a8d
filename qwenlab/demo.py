"""The whole job on the bundled tiny Qwen, on any CPU: fine-tune it, then see base and tuned answer side by side.

python -m qwenlab.demo
"""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from qwenlab.contest import Problem
    from qwenlab.recipe import Recipe

RECIPE = Path(__file__).parent.parent / "recipes" / "tiny.toml"
SEED = 1
"""Of the held-out problems that are shown."""


def main(
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    problems: Annotated[int, typer.Option(min=1, max=50, help="Held-out problems to show.")] = 4,
) -> None:
    """Fine-tune the bundled tiny Qwen on its mini contest and show base and tuned side by side."""
    _train(runs)

    from rich.console import Console

    from qwenlab.runs import find_run
    from qwenlab.tiny import problems as contest_problems

    run = find_run(runs, "last")
    shown = contest_problems("test", problems, SEED)
    base, tuned = _answers(run.recipe, run.adapter, shown)
    record = run.read()
    console = Console(highlight=False)
    console.print(_table(shown, base, tuned))
    if record.best and record.base_eval_loss:
        before, after = record.base_eval_loss, record.best.eval_loss
        console.print(f"Validation loss before {before:.4f}, after {after:.4f}. None of these problems was trained on.")
    console.print(f"The adapter is in {run.adapter}", soft_wrap=True)


def _train(runs: Path) -> None:
    recipe = RECIPE.relative_to(Path.cwd()) if RECIPE.is_relative_to(Path.cwd()) else RECIPE
    command = ["-m", "qwenlab.train", str(recipe), "--runs", str(runs)]
    typer.echo(f"python {' '.join(command)}")
    if subprocess.run([sys.executable, *command], check=False).returncode:
        raise UserError("The training did not finish; what it said stands above.")


def _answers(recipe: "Recipe", adapter: Path, shown: list["Problem"]) -> tuple[list[str], list[str]]:
    """Base and tuned, from one loaded model."""
    from qwenlab.model import choose_engine

    engine = choose_engine(recipe.model)
    from qwenlab.contest import prompt
    from qwenlab.model.generate import Ask, Sampling, generate
    from qwenlab.model.inference import load_inference

    loaded = load_inference(recipe.model, engine, {"tuned": adapter})
    sampling = Sampling(recipe.evaluate.max_new_tokens)
    asks = [Ask(prompt(problem), sampling, model) for model in loaded.names for problem in shown]
    answers = [answer.text for answer in generate(loaded, asks)]
    return answers[: len(shown)], answers[len(shown) :]


def _table(shown: list["Problem"], base: list[str], tuned: list[str]) -> "Table":
    from rich.box import HORIZONTALS
    from rich.syntax import Syntax
    from rich.table import Table

    table = Table("held-out problem", "base", "tuned", box=HORIZONTALS, show_lines=True, expand=True)

    def program(answer: str) -> Syntax:
        code = answer.strip().removeprefix("```python\n").removesuffix("```").strip()
        return Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True)

    for problem, before, after in zip(shown, base, tuned, strict=True):
        table.add_row(problem.description.replace("[", r"\["), program(before), program(after))
    return table


if __name__ == "__main__":
    cli.run(main, "qwenlab.demo")
