"""Contest problems with hidden tests, as the training decisions evaluate: `evaluate.problems` says which."""

from qwenlab.evaluation.item import Item, Items, Program
from qwenlab.evaluation.programs import Problem, prompt
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Contest problems"
AIM: Aim = "target"
SOURCE = "deepmind/code_contests"
SIZE = 165
LICENCE = "Code Contests: Apache-2.0 and CC-BY-4.0; the bundled mini contest: as this package."
CONTAMINATION = "Whether the base has seen these problems in its own training is not known."


def items(asked: Asked) -> Items:
    """`evaluate.limit` problems, drawn over the difficulties, with `evaluate.max_tests` tests at most.

    The prompt is the training decisions', system prompt and all, whatever the run's own is.
    """
    settings = asked.settings
    source = settings.problems if asked.source == SOURCE else asked.source
    found = load_benchmark(source, settings.limit, settings.max_tests, settings.seed)
    return Items(
        tuple(map(contest_item, found.problems)),
        found.version,
        found.left_out,
        available=found.available,
        tests_cut=found.tests_cut,
        source=source,
        contamination=found.contamination,
    )


def contest_item(problem: Problem) -> Item:
    """The problem, asked with the training decisions' prompt."""
    return Item(
        name=problem.name,
        messages=tuple(prompt(problem)),
        shown=problem.description,
        group=problem.difficulty,
        cluster=problem.contest,
        task=Program(problem=problem),
    )
