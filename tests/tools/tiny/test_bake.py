"""The files of the package are what the generator makes, and hold the problems that it drew."""

from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.recipe import read_recipe
from qwenlab.tiny import FUNCTIONS_FILE, TEST_FILE, TRAIN_FILE
from tests.models.random_rows import TINY
from tools.tiny import bake
from tools.tiny.problems import problems


def test_baking_reproduces_the_files_byte_for_byte() -> None:
    assert bake.files() == {path: path.read_bytes() for path in (TRAIN_FILE, TEST_FILE, FUNCTIONS_FILE)}


def test_the_tiny_recipe_asks_the_problems_in_their_order() -> None:
    settings = read_recipe(TINY).evaluate
    asked = load_benchmark(settings.problems, settings.max_items, settings.max_tests, settings.seed).problems
    assert list(asked) == problems("test", 200, seed=42)
