"""The bundled mini contest: 200 problems that the tiny Qwen and its training data have not seen."""

from qwenlab.evaluation.item import Items
from qwenlab.evaluation.programs.benchmark import OF_TINY, load_benchmark
from qwenlab.evaluation.suites import Aim, Asked
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.recipe.settings import TINY

TITLE = "Mini contest"
AIM: Aim = "target"
SOURCE = ""
SIZE = 200
LICENCE = "Apache-2.0, as this package."
CONTAMINATION = OF_TINY


def items(asked: Asked) -> Items:
    """All of them, with `evaluate.max_tests` tests at most."""
    found = load_benchmark(asked.source or TINY, limit=0, max_tests=asked.settings.max_tests, seed=asked.settings.seed)
    return Items(
        tuple(map(contest_item, found.problems)), found.version, found.left_out,
        tests_cut=found.tests_cut, source=found.source, contamination=found.contamination,
    )  # fmt: skip
